#include "http/event_text.hpp"

#include <CppUTest/TestHarness.h>

using namespace core::http;

TEST_GROUP(EventText){};

TEST(EventText, an_event_names_its_topic_and_its_sequence)
{
	STRCMP_EQUAL("event: gps/fix\nid: 42\ndata: {\"lat\":1.5}\n\n", event_text(Form::sse, "gps/fix", 42, R"({"lat":1.5})").c_str());
	STRCMP_EQUAL("event: lag\ndata: {\"missed\":7}\n\n", lag_text(Form::sse, 7).c_str());
	STRCMP_EQUAL("event: gone\ndata: {\"topic\":\"gps/fix\"}\n\n", gone_text(Form::sse, "gps/fix").c_str());
}

TEST(EventText, line_breaks_cannot_forge_a_field)
{
	STRCMP_EQUAL("event: a\nid: 1\ndata: {\ndata: id: 9\ndata: \ndata: event: b}\n\n", event_text(Form::sse, "a", 1, "{\nid: 9\r\n\revent: b}").c_str());
}

TEST(EventText, a_message_is_one_frame)
{
	STRCMP_EQUAL("\x81\x26{\"topic\":\"gps/fix\",\"seq\":42,\"value\":1}", event_text(Form::ws, "gps/fix", 42, "1").c_str());
	CHECK(lag_text(Form::ws, 7).ends_with(R"({"lag":{"missed":7}})"));
	CHECK(gone_text(Form::ws, "gps/fix").ends_with(R"({"gone":"gps/fix"})"));
}

TEST(EventText, a_long_message_can_be_cut_at_its_fragments)
{
	const std::string json = '"' + std::string(50000, 'x') + '"';
	const std::string text = ws_message(json);
	std::string whole;
	std::size_t at = 0;
	int frames = 0;
	while (at < text.size()) {
		const auto first = static_cast<unsigned char>(text[at]);
		LONGS_EQUAL(frames == 0 ? 1 : 0, first & 0x0f);
		LONGS_EQUAL(0, at % piece_size);
		LONGS_EQUAL(126, text[at + 1]);
		const std::size_t n = static_cast<unsigned char>(text[at + 2]) * 256U + static_cast<unsigned char>(text[at + 3]);
		whole += text.substr(at + 4, n);
		at += 4 + n;
		LONGS_EQUAL(at == text.size(), first >> 7);
		++frames;
	}
	CHECK(whole == json);
	LONGS_EQUAL(4, frames);
}
