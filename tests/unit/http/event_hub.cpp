#include "http/event_hub.hpp"

#include <CppUTest/TestHarness.h>
#include <event2/event.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>

using namespace core;
using http::EventClient;
using http::EventHub;
using http::Form;

namespace {
/// A client whose socket takes what the test lets it.
class Reader final : public EventClient {
public:
	explicit Reader(EventHub &hub_) : EventClient(hub_, Form::sse) {}
	/// Takes up to n bytes of what waits, as a socket does, and tells the hub at the low-water mark.
	void read(std::size_t n)
	{
		const bool was_above = queue.size() > EventHub::low_water;
		n = std::min(n, queue.size());
		got += queue.substr(0, n);
		queue.erase(0, n);
		if (was_above && queue.size() <= EventHub::low_water) resume();
	}
	void read_all()
	{
		while (!queue.empty()) read(queue.size());
	}
	std::string got, queue;
	std::size_t most = 0;
	bool is_fast = true;

private:
	void write(std::string_view bytes) override
	{
		if (is_fast) got += bytes;
		else queue += bytes;
		most = std::max(most, queue.size());
	}
	[[nodiscard]] std::size_t waiting() const override { return queue.size(); }
};

struct Event {
	std::string name, data;
	std::uint64_t id = 0;
};
std::vector<Event> events_of(std::string_view text)
{
	std::vector<Event> out;
	while (!text.empty()) {
		const std::size_t end = text.find("\n\n");
		CHECK_TEXT(end != std::string_view::npos, "an event is cut off");
		std::string_view one = text.substr(0, end);
		text.remove_prefix(end + 2);
		Event e;
		while (!one.empty()) {
			const std::string_view line = one.substr(0, one.find('\n'));
			one.remove_prefix(std::min(one.size(), line.size() + 1));
			if (line.starts_with("event: ")) e.name = line.substr(7);
			else if (line.starts_with("id: ")) e.id = std::strtoull(line.data() + 4, nullptr, 10);
			else if (line.starts_with("data: ")) e.data += line.substr(6);
			else FAIL("a line that is none of ours");
		}
		out.push_back(std::move(e));
	}
	return out;
}
std::string summary(const std::string &text)
{
	std::string out;
	for (const Event &e : events_of(text)) out += fmt::format("{}={} ", e.name, e.data.substr(0, 20));
	return out;
}
} // namespace

TEST_GROUP(EventHub)
{
	void turn()
	{
		for (int i = 0; i < 4; ++i) event_base_loop(reactor.base(), EVLOOP_NONBLOCK);
	}
	TopicItem &add(const char *name, std::uint32_t flags = 0) { return **topics.add(scope, name, "", flags); }
	void publish(TopicItem & t, std::string text)
	{
		topics.publish_text(t, std::move(text));
		turn();
	}
	void setup() override { turn(); } // its look at all topics begins
	void teardown() override
	{
		hub.reset();
		scope.clear();
		core_scope.clear();
	}
	Reactor reactor;
	Topics topics{reactor, 100};
	Account account{"p", 0, 0, {}, {}};
	Scope scope{"p", account}, core_scope{"core", account};
	std::unique_ptr<EventHub> hub = std::make_unique<EventHub>(reactor, topics, core_scope);
};

TEST(EventHub, kept_values_come_first_in_the_order_of_their_sequence)
{
	TopicItem &b = add("b"), &a = add("a"), &other = add("c/d"), &transient = add("t", PB_TRANSIENT);
	topics.publish_text(b, "1");
	topics.publish_text(a, "2");
	topics.publish_text(other, "3");
	topics.publish_text(transient, "4");
	topics.publish_text(b, "5");
	turn();
	Reader r(*hub);
	r.choose({"*"});
	STRCMP_EQUAL("a=2 b=5 ", summary(r.got).c_str());
	publish(transient, "6");
	publish(other, "7");
	publish(a, "8");
	STRCMP_EQUAL("a=2 b=5 t=6 a=8 ", summary(r.got).c_str());
}

TEST(EventHub, what_was_published_in_the_same_turn_comes_once)
{
	TopicItem &a = add("a");
	publish(a, "1");
	Reader before(*hub), between(*hub);
	before.choose({"a"});
	topics.publish_text(a, "2");
	between.choose({"a"});
	topics.publish_text(a, "3");
	turn();
	STRCMP_EQUAL("a=1 a=2 a=3 ", summary(before.got).c_str());
	STRCMP_EQUAL("a=1 a=2 a=3 ", summary(between.got).c_str());
}

TEST(EventHub, a_sequence_known_already_is_not_sent_again)
{
	TopicItem &a = add("a"), &b = add("b");
	publish(a, "1");
	publish(b, "2");
	Reader r(*hub);
	r.choose({"**"}, 101);
	STRCMP_EQUAL("b=2 ", summary(r.got).c_str());
}

TEST(EventHub, topics_are_watched_as_long_as_somebody_looks)
{
	add("a/x");
	add("a/y");
	const auto watchers = [this](const char *name) { return topics.find(name)->watchers; };
	{
		Reader one(*hub), two(*hub);
		one.choose({"a/x"});
		two.choose({"a/*"});
		CHECK(watchers("a/x") > 0);
		CHECK(watchers("a/y") > 0);
		two.choose({"a/x"});
		CHECK(watchers("a/x") > 0);
		LONGS_EQUAL(0, watchers("a/y"));
		one.choose({});
		CHECK(watchers("a/x") > 0);
		two.choose({});
		LONGS_EQUAL(0, watchers("a/x"));
		one.choose({"**"});
	}
	LONGS_EQUAL(0, watchers("a/x"));
	LONGS_EQUAL(0, hub->clients);
}

TEST(EventHub, a_slow_client_gets_the_newest_and_hears_what_it_missed)
{
	TopicItem &a = add("a"), &b = add("b");
	Reader r(*hub);
	r.is_fast = false;
	r.choose({"**"});
	const std::string filler(30000, 'x');
	publish(a, '"' + filler + '"');
	publish(b, '"' + filler + '"');
	for (int i = 0; i < 50; ++i) {
		publish(a, std::to_string(i));
		publish(b, fmt::format("\"{}{}\"", i, filler));
	}
	CHECK(r.most <= EventHub::most_waiting);
	r.read_all();
	turn();
	r.read_all();
	std::uint64_t missed = 0, values = 0;
	std::string last_a, last_b;
	for (const Event &e : events_of(r.got)) {
		if (e.name == "lag") missed += std::strtoull(e.data.c_str() + 10, nullptr, 10);
		else ++values;
		if (e.name == "a") last_a = e.data;
		if (e.name == "b") last_b = e.data.substr(0, 3);
	}
	STRCMP_EQUAL("49", last_a.c_str());
	STRCMP_EQUAL("\"49", last_b.c_str());
	LONGS_EQUAL(102, values + missed);
	CHECK(missed > 0);
}

TEST(EventHub, a_value_larger_than_all_that_may_wait_comes_in_pieces)
{
	TopicItem &a = add("a");
	Reader r(*hub), late(*hub);
	r.is_fast = late.is_fast = false;
	r.choose({"a"});
	publish(a, '"' + std::string(1000000, 'x') + '"');
	late.choose({"a"});
	publish(a, "2");
	for (int i = 0; i < 200; ++i) {
		r.read(40000);
		late.read(70000);
	}
	CHECK(r.most <= EventHub::most_waiting);
	CHECK(late.most <= EventHub::most_waiting);
	LONGS_EQUAL(2, events_of(r.got).size());
	LONGS_EQUAL(1000002, events_of(r.got)[0].data.size());
	STRCMP_EQUAL(r.got.c_str(), late.got.c_str());
}

TEST(EventHub, a_topic_that_goes_is_told)
{
	TopicItem &a = add("a");
	publish(a, "1");
	Reader r(*hub), slow(*hub);
	r.choose({"**"});
	slow.is_fast = false;
	slow.choose({"**"});
	slow.queue.assign(EventHub::most_waiting, ' ');
	publish(a, "2");
	delete &a;
	turn();
	STRCMP_EQUAL("a=1 a=2 gone={\"topic\":\"a\"} ", summary(r.got).c_str());
	slow.queue.assign(EventHub::low_water + 1, ' ');
	slow.read(100); // the value that it waited for is no more
	LONGS_EQUAL(EventHub::low_water + 1 - 100, slow.queue.size());
	publish(add("a"), "3");
	STRCMP_EQUAL("a=1 a=2 gone={\"topic\":\"a\"} a=3 ", summary(r.got).c_str());
}

TEST(EventHub, other_topics_can_be_chosen_without_a_value_lost_or_doubled)
{
	TopicItem &a = add("a"), &b = add("b");
	publish(a, "1");
	publish(b, "2");
	Reader r(*hub);
	r.choose({"a"});
	topics.publish_text(a, "3");
	topics.publish_text(b, "4");
	r.choose({"a", "b"}); // before any of it is delivered
	turn();
	STRCMP_EQUAL("a=1 b=2 a=3 b=4 ", summary(r.got).c_str());
	r.choose({"a"});
	publish(b, "5");
	publish(a, "6");
	STRCMP_EQUAL("a=1 b=2 a=3 b=4 a=6 ", summary(r.got).c_str());
	r.choose({"a", "b"});
	STRCMP_EQUAL("a=1 b=2 a=3 b=4 a=6 b=5 ", summary(r.got).c_str());
}

TEST(EventHub, thousands_get_it_in_slices_while_some_leave)
{
	TopicItem &a = add("a");
	std::vector<std::unique_ptr<Reader>> readers;
	for (int i = 0; i < 5000; ++i) {
		readers.push_back(std::make_unique<Reader>(*hub));
		readers.back()->choose({"a"});
	}
	std::mt19937 random(3);
	for (int i = 0; i < 20; ++i) {
		topics.publish_text(a, std::to_string(i));
		event_base_loop(reactor.base(), EVLOOP_NONBLOCK);
		for (int n = 0; n < 20; ++n) {
			const std::size_t at = random() % readers.size();
			readers[at].swap(readers.back());
			readers.pop_back();
		}
	}
	turn();
	for (int i = 0; i < 100; ++i) turn();
	for (const auto &r : readers) LONGS_EQUAL(20, events_of(r->got).size());
	LONGS_EQUAL(4600, hub->clients);
}

// Whatever happens in whatever order: no client gets a topic's values out of order or twice, each ends with the newest, what
// it missed is told exactly, and what waits is bounded.
TEST(EventHub, random_lives_of_clients)
{
	const char *const wanted = std::getenv("PATCHBAY_HUB_ROUNDS");
	const int rounds = wanted ? std::atoi(wanted) : 60;
	std::mt19937 random(11);
	std::vector<TopicItem *> items;
	for (int i = 0; i < 6; ++i) items.push_back(&add(fmt::format("t/{}", i).c_str()));
	for (int round = 0; round < rounds; ++round) {
		std::vector<std::unique_ptr<Reader>> readers;
		for (int i = 0; i < 5; ++i) {
			readers.push_back(std::make_unique<Reader>(*hub));
			readers.back()->is_fast = i == 0;
			readers.back()->choose({"t/*"});
		}
		const std::uint64_t start = topics.last_seq();
		for (int step = 0; step < 300; ++step) {
			const auto what = random() % 10;
			const std::size_t size = random() % 8 == 0 ? random() % 100000 : random() % 4000;
			if (what < 6) topics.publish_text(*items[random() % items.size()], '"' + std::string(size, 'v') + '"');
			else if (what < 9) readers[random() % readers.size()]->read(random() % 50000);
			else event_base_loop(reactor.base(), EVLOOP_NONBLOCK);
		}
		turn();
		turn();
		for (const auto &r : readers) {
			for (int i = 0; i < 1000 && !r->queue.empty(); ++i) r->read(20000);
			CHECK(r->most <= EventHub::most_waiting);
			std::map<std::string, std::uint64_t> last;
			std::uint64_t values = 0, missed = 0;
			for (const Event &e : events_of(r->got)) {
				if (e.name == "lag") {
					missed += std::strtoull(e.data.c_str() + 10, nullptr, 10);
					continue;
				}
				CHECK_TEXT(e.id > last[e.name], e.name.c_str());
				last[e.name] = e.id;
				values += e.id > start;
			}
			for (const auto &[name, topic] : topics.all())
				if (topic.value) LONGS_EQUAL_TEXT(topic.value->seq, last[name], name.c_str());
			// A kept value of the beginning that was superseded before it went out counts as missed as well.
			CHECK(values + missed >= topics.last_seq() - start);
			CHECK(values + missed <= topics.last_seq() - start + items.size());
		}
	}
}

TEST(EventHub, random_choices_lose_nothing)
{
	std::mt19937 random(5);
	std::vector<TopicItem *> items;
	for (int i = 0; i < 6; ++i) items.push_back(&add(fmt::format("t/{}", i).c_str()));
	const std::vector<std::vector<std::string>> choices{{"t/*"}, {"t/0"}, {"t/0", "t/1", "t/2"}, {"t/3", "t/4"}, {}, {"**"}};
	for (int round = 0; round < 60; ++round) {
		Reader r(*hub), other(*hub);
		r.is_fast = other.is_fast = false;
		other.choose({"t/*"});
		for (int step = 0; step < 200; ++step) {
			const auto what = random() % 10;
			if (what < 5) topics.publish_text(*items[random() % items.size()], '"' + std::string(random() % 30000, 'v') + '"');
			else if (what < 7) r.read(random() % 60000);
			else if (what < 8) r.choose(choices[random() % choices.size()]);
			else event_base_loop(reactor.base(), EVLOOP_NONBLOCK);
		}
		r.choose({"**"});
		turn();
		turn();
		for (int i = 0; i < 1000 && !r.queue.empty(); ++i) r.read(20000);
		std::map<std::string, std::uint64_t> last;
		for (const Event &e : events_of(r.got))
			if (e.name != "lag") {
				CHECK_TEXT(e.id >= last[e.name], e.name.c_str()); // chosen again, the same value comes again
				last[e.name] = e.id;
			}
		for (const auto &[name, topic] : topics.all())
			if (topic.value) LONGS_EQUAL_TEXT(topic.value->seq, last[name], name.c_str());
	}
}

TEST(EventHub, patterns_are_checked_and_bounded)
{
	CHECK(*http::parse_patterns("b/*, a ,,a") == (std::vector<std::string>{"a", "b/*"}));
	CHECK(*http::parse_patterns("") == (std::vector<std::string>{"**"}));
	CHECK_FALSE(http::parse_patterns("a b").has_value());
	CHECK_FALSE(http::parse_patterns("a//b").has_value());
	std::string many;
	for (int i = 0; i < 33; ++i) many += fmt::format("t{},", i);
	CHECK_FALSE(http::parse_patterns(many).has_value());
}
