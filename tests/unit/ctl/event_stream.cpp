#include "http/event_stream.hpp"

#include <CppUTest/TestHarness.h>

using ctl::Event, ctl::EventStream;

TEST_GROUP(event_stream)
{
	std::string seen;
	EventStream stream{[this](const Event &e) {
		seen += e.name + "/" + e.id + "/" + e.data + ";";
		return e.data != "stop";
	}};
};

TEST(event_stream, events_are_read_whatever_the_pieces)
{
	const std::string all = ": hello\nevent: a\nid: 1\ndata: x\n\nevent:b\r\ndata: y\r\ndata: z\r\n\r\n:\n\nid: 3\n\ndata: w\n\n";
	for (std::size_t piece = 1; piece < all.size(); ++piece) {
		seen.clear();
		stream.restart();
		for (std::size_t i = 0; i < all.size(); i += piece) CHECK(stream.feed(std::string_view(all).substr(i, piece)));
		STRCMP_EQUAL("a/1/x;b/1/y\nz;/3/w;", seen.c_str());
	}
}

TEST(event_stream, it_ends_where_no_more_is_wanted)
{
	CHECK(!stream.feed("data: stop\n\ndata: x\n\n"));
	STRCMP_EQUAL("//stop;", seen.c_str());
}

TEST(event_stream, half_of_an_event_is_nothing_after_a_restart)
{
	CHECK(stream.feed("event: a\ndata: hal"));
	stream.restart();
	CHECK(stream.feed("f\n\ndata: whole\n\n"));
	STRCMP_EQUAL("//whole;", seen.c_str());
}
