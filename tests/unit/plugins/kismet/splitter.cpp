// An array cut into its objects, in whatever pieces its bytes come.
#include <kismet/splitter.hpp>

#include <CppUTest/TestHarness.h>

using kismet::Splitter;
using State = Splitter::State;

TEST_GROUP(Splitter)
{
	kismet::Splitter splitter;
	std::vector<std::string> out;
	State feed(std::string_view text, std::size_t piece = 1)
	{
		for (std::size_t i = 0; i < text.size(); i += piece) (void)splitter.feed(text.substr(i, piece), out);
		return splitter.state();
	}
};

TEST(Splitter, CutsAtEveryPieceSizeAlike)
{
	const std::string_view text = " [ {\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]} , {}\n,{\"c\":\"\\u005d\"}] ";
	for (std::size_t piece = 1; piece <= text.size(); ++piece) {
		splitter = {};
		out.clear();
		CHECK(feed(text, piece) == State::done);
		CHECK_EQUAL(3u, out.size());
		STRCMP_EQUAL("{\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]}", out[0].c_str());
		STRCMP_EQUAL("{}", out[1].c_str());
		STRCMP_EQUAL("{\"c\":\"\\u005d\"}", out[2].c_str());
	}
}

TEST(Splitter, OneObjectAloneIsTaken)
{
	CHECK(feed("{\"a\":{}} trailing") == State::done);
	CHECK_EQUAL(1u, out.size());
}

TEST(Splitter, AnEmptyArrayIsWhole)
{
	CHECK(feed("[]") == State::done);
	CHECK_EQUAL(0u, out.size());
}

TEST(Splitter, WhatIsNoObjectIsSkippedAndCounted)
{
	CHECK(feed("[0,{\"a\":1},null,-1.5e3,true]") == State::done);
	CHECK_EQUAL(1u, out.size());
	CHECK_EQUAL(4u, splitter.odd());
}

TEST(Splitter, HalfOfItIsStillRunning)
{
	CHECK(feed("[{\"a\":1},{\"b\"") == State::running);
	CHECK_EQUAL(1u, out.size());
}

TEST(Splitter, WhatIsNotKismetsIsBroken)
{
	for (const char *bad : {"<!DOCTYPE html>", "hello", "0", "\"text\"", "[[1]]", "[\"x\"]", "[{}}", "\x16\x03"}) {
		splitter = {};
		out.clear();
		CHECK_TEXT(feed(bad) == State::broken, bad);
		CHECK(!splitter.trouble().empty());
	}
	splitter = {};
	(void)feed("<html>\x01", 100);
	STRCMP_EQUAL("\"<html>?\" is not what Kismet answers", splitter.trouble().c_str());
}

TEST(Splitter, AnObjectWithoutAnEndCannotGrowIt)
{
	CHECK(feed("[{\"a\":\"", 100) == State::running);
	const std::string filler(1 << 16, 'x');
	for (int i = 0; i < 20 && splitter.state() == State::running; ++i) (void)splitter.feed(filler, out);
	CHECK(splitter.state() == State::broken);
}
