#include "terminal/text.hpp"

#include <patchbay/json.hpp>

#include <CppUTest/TestHarness.h>

#include <clocale>
#include <random>

using ctl::cut_to, ctl::harmless, ctl::harmless_json, ctl::harmless_line, ctl::width_of;

TEST_GROUP(terminal_text){void setup() override{std::setlocale(LC_CTYPE, "C.UTF-8");
}
}
;

TEST(terminal_text, ordinary_text_stays_as_it_is)
{
	for (const char *text : {"", "plain", "Café Gratuit", "漢字", "مقهى", "🦊", "a\u0301"}) STRCMP_EQUAL(text, harmless(text).c_str());
}

TEST(terminal_text, control_characters_are_shown_as_pictures)
{
	STRCMP_EQUAL("␛[2J", harmless("\x1b[2J").c_str());
	STRCMP_EQUAL("a␊b␉c␍␇", harmless("a\nb\tc\r\a").c_str());
	STRCMP_EQUAL("␡", harmless("\x7f").c_str());
	STRCMP_EQUAL("�2J", harmless("\u009b2J").c_str());
}

TEST(terminal_text, what_turns_the_direction_or_hides_is_replaced)
{
	for (const char *text : {"\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u200d", "\ufeff", "\u2028", "\u00ad", "\U000e0041"})
		STRCMP_EQUAL("a�b", harmless(std::string("a") + text + "b").c_str());
	STRCMP_EQUAL("a", harmless("a\ufe0f").c_str());
}

TEST(terminal_text, bytes_that_are_no_text_are_replaced)
{
	STRCMP_EQUAL("a�b", harmless("a\xff"
								 "b")
							.c_str());
	STRCMP_EQUAL("�(", harmless("\xc3(").c_str());
	STRCMP_EQUAL("�", harmless(std::string_view("\0", 1)).c_str());
}

TEST(terminal_text, a_character_keeps_four_marks_and_none_stands_alone)
{
	std::string piled = "a";
	for (int i = 0; i < 40; ++i) piled += "\u0301";
	STRCMP_EQUAL("a\u0301\u0301\u0301\u0301", harmless(piled).c_str());
	STRCMP_EQUAL("b", harmless("\u0301b").c_str());
}

TEST(terminal_text, a_log_line_loses_its_colours_and_keeps_its_columns)
{
	STRCMP_EQUAL("red plain", harmless_line("\x1b[1;31mred\x1b[0m plain").c_str());
	STRCMP_EQUAL("a       b", harmless_line("a\tb").c_str());
	STRCMP_EQUAL("␛[2Jx", harmless_line("\x1b[2Jx").c_str());
	STRCMP_EQUAL("␛[31", harmless_line("\x1b[31").c_str());
}

TEST(terminal_text, json_keeps_its_value)
{
	const std::string json = "{\"a\":\"\u009b\u202ex\U000e0041\x7f漢\"}", shown = harmless_json(json);
	STRCMP_EQUAL("{\"a\":\"\\u009b\\u202ex\\udb40\\udc41\\u007f漢\"}", shown.c_str());
	CHECK(json_equal(pb::Json::parse(json).get(), pb::Json::parse(shown).get()));
}

TEST(terminal_text, widths_are_the_terminals)
{
	LONGS_EQUAL(0, width_of(""));
	LONGS_EQUAL(5, width_of("plain"));
	LONGS_EQUAL(4, width_of("漢字"));
	LONGS_EQUAL(1, width_of("a\u0301"));
	LONGS_EQUAL(2, width_of("🦊"));
}

TEST(terminal_text, cutting_keeps_whole_characters_and_shows_that_it_was_done)
{
	STRCMP_EQUAL("plain", cut_to("plain", 5).c_str());
	STRCMP_EQUAL("pla…", cut_to("plain", 4).c_str());
	STRCMP_EQUAL("漢…", cut_to("漢字字", 4).c_str());
	STRCMP_EQUAL("…", cut_to("漢字", 1).c_str());
	STRCMP_EQUAL("", cut_to("plain", 0).c_str());
}

TEST(terminal_text, whatever_comes_is_harmless_after)
{
	std::mt19937 random(1);
	for (int i = 0; i < 20000; ++i) {
		std::string text;
		for (auto n = random() % 24; n > 0; --n) text += static_cast<char>(random() % 3 ? random() : random() % 0x20);
		for (const std::string &out : {harmless(text), harmless_line(text)}) {
			for (const char c : out) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
			STRCMP_EQUAL(out.c_str(), harmless(out).c_str()); // nothing is left to be done
			const std::size_t most = random() % 12;
			CHECK(width_of(cut_to(out, most)) <= most);
		}
	}
}
