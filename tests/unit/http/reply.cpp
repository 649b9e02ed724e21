#include "http/reply.hpp"

#include <CppUTest/TestHarness.h>

using namespace core;
using namespace core::http;

TEST_GROUP(Reply){pb::Json parsed(const Error &e, const json_t *members = nullptr){return pb::Json::parse(error_body(e, members));
}
}
;

TEST(Reply, errors_have_the_contract_s_shape)
{
	const pb::Json j = parsed({"no such thing", 404, {}, {}});
	CHECK(json_is_false(pb::at(j.get(), "success")));
	CHECK(pb::text_at(j.get(), "error") == "NOT_FOUND");
	CHECK(pb::text_at(j.get(), "message") == "no such thing");
	CHECK(json_is_null(pb::at(j.get(), "details")));
	LONGS_EQUAL(24, pb::text_at(j.get(), "timestamp").size());
}

TEST(Reply, validation_is_the_one_exception)
{
	const pb::Json j = parsed({"Invalid request parameters: x", 400, "VALIDATION_ERROR", pb::Json::array()});
	const json_t *error = pb::at(j.get(), "error");
	CHECK(pb::text_at(error, "code") == "VALIDATION_ERROR");
	CHECK(pb::text_at(error, "message") == "Invalid request parameters: x");
	CHECK(json_is_array(pb::at(error, "details")));
	CHECK(pb::text_at(j.get(), "message") == "Invalid request parameters: x");
}

TEST(Reply, members_go_in_beside)
{
	const pb::Json more{{"retryAfter", 3}};
	const pb::Json j = parsed({"slow down", 429, {}, {}}, more.get());
	LONGS_EQUAL(3, pb::integer_at(j.get(), "retryAfter"));
	CHECK(pb::text_at(j.get(), "error") == "RATE_LIMIT_EXCEEDED");
}

TEST(Reply, etags_are_compared_weakly_and_whole)
{
	for (const char *yes : {"\"5\"", "W/\"5\"", "\"4\", \"5\"", "*", " \"4\" ,W/\"5\"", "\"a,b\",\"5\""}) CHECK_TEXT(names_etag(yes, "\"5\""), yes);
	for (const char *no : {"", "5", "\"55\"", "\"5", "\"4\",5", "garbage, \"5\"", "\"\"", "w/\"5\""}) CHECK_TEXT(!names_etag(no, "\"5\""), no);
	CHECK(names_etag("\"5\"", "W/\"5\""));
}

TEST(Reply, every_status_has_a_line)
{
	CHECK(status_line(200) == "HTTP/1.1 200 OK\r\n");
	CHECK(status_line(418).starts_with("HTTP/1.1 418 "));
	CHECK(status_line(999).starts_with("HTTP/1.1 500 "));
	CHECK(word_of(418) == "BAD_REQUEST" && word_of(599) == "INTERNAL_ERROR");
}
