#include "fields/check.hpp"
#include "fields/faults.hpp"

namespace {

constexpr pb_field end{};

/// Texts under one name, one after the other, as a query brings them.
std::string read(const pb_field &field, std::initializer_list<std::string_view> texts)
{
	pb::Json object = pb::Json::object();
	std::vector<core::fields::Fault> faults;
	for (const std::string_view t : texts) core::fields::check_text(field, t, object, faults);
	core::fields::fill_in(field, object, faults);
	return faults.empty() ? object.text() : "! " + test::lines(faults);
}
std::string one(std::uint32_t type, std::string_view text) { return read({"v", type, nullptr, "", 0, 0, nullptr, nullptr}, {text}); }

} // namespace

TEST_GROUP(check_text){};

TEST(check_text, text_becomes_the_type_of_its_field)
{
	STRCMP_EQUAL(R"({"v":"5"})", one(PB_STRING, "5").c_str());
	STRCMP_EQUAL(R"({"v":5})", one(PB_INTEGER, "5").c_str());
	STRCMP_EQUAL(R"({"v":-5.5})", one(PB_NUMBER, "-5.5").c_str());
	STRCMP_EQUAL(R"({"v":true})", one(PB_BOOLEAN, "1").c_str());
	STRCMP_EQUAL(R"({"v":false})", one(PB_BOOLEAN, "false").c_str());
	STRCMP_EQUAL(R"({"v":5.0})", one(PB_DURATION, "5s").c_str());
	STRCMP_EQUAL(R"({"v":0.0})", one(PB_TIME, "1970-01-01T00:00:00Z").c_str());
	STRCMP_EQUAL(R"({"v":{"a":1}})", one(PB_MAP | PB_INTEGER, R"({"a":1})").c_str());
	STRCMP_EQUAL(R"({"v":[1]})", one(PB_ANY, "[1]").c_str());
	STRCMP_EQUAL(R"({"v":"[1"})", one(PB_ANY, "[1").c_str());
}

TEST(check_text, text_that_does_not_fit_is_refused)
{
	for (const char *text : {"", "5.0", " 5", "5 ", "+5", "0x5", "99999999999999999999", "five"})
		STRCMP_EQUAL("! v must be an integer, not a string; v is required", one(PB_INTEGER, text).c_str());
	for (const char *text : {"nan", "inf", "1e999", "1,5"}) STRCMP_EQUAL("! v must be a number, not a string; v is required", one(PB_NUMBER, text).c_str());
	STRCMP_EQUAL("! v must be true or false, not a string; v is required", one(PB_BOOLEAN, "yes").c_str());
	STRCMP_EQUAL("! v is not UTF-8; v is required", one(PB_STRING, "\xff").c_str());
	STRCMP_EQUAL("! v has a NUL byte in it; v is required", one(PB_STRING, std::string_view("a\0b", 3)).c_str());
}

TEST(check_text, lists_take_commas_and_repetition)
{
	const pb_field topics{"topics", PB_LIST | PB_STRING, "[\"**\"]", "", 1, 3, nullptr, nullptr};
	STRCMP_EQUAL(R"({"topics":["**"]})", read(topics, {}).c_str());
	STRCMP_EQUAL(R"({"topics":["a","b/*"]})", read(topics, {"a,b/*"}).c_str());
	STRCMP_EQUAL(R"({"topics":["a","b","c"]})", read(topics, {"a,b", "c"}).c_str());
	STRCMP_EQUAL("! topics must have between 1 and 3 entries, has 4", read(topics, {"a,b", "c,d"}).c_str());
	STRCMP_EQUAL("! topics must have between 1 and 3 entries, has 0", read(topics, {""}).c_str());
	const pb_field numbers{"n", PB_LIST | PB_INTEGER, "[]", "", 0, 0, nullptr, nullptr};
	STRCMP_EQUAL("! n must be an integer, not a string", read(numbers, {"1,x,3"}).c_str());
}

TEST(check_text, anything_but_a_list_may_come_once)
{
	STRCMP_EQUAL("! v may stand there only once", read({"v", PB_INTEGER, "1", "", 0, 0, nullptr, nullptr}, {"1", "2"}).c_str());
}
