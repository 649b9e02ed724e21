#include "bus/topics.hpp"

#include <CppUTest/TestHarness.h>
#include <event2/event.h>

#include <memory>
#include <string>
#include <vector>

using namespace core;

namespace {

void turn(Reactor &r)
{
	for (int i = 0; i < 3; ++i) event_base_loop(r.base(), EVLOOP_NONBLOCK);
}

struct Seen {
	std::vector<std::string> values;
	void on_value(const Topic &t, const ValueRef &v) noexcept { values.push_back(t.name + "=" + (v ? v->text() : "gone")); }
};

/// Ends a subscription, its own or another's, while values are delivered.
struct Ender {
	Subscription *victim = nullptr;
	int calls = 0;
	void on_value(const Topic &, const ValueRef &) noexcept
	{
		++calls;
		delete std::exchange(victim, nullptr);
	}
};

/// Publishes from inside a delivery.
struct Echo {
	Topics &topics;
	TopicItem *out = nullptr;
	void on_value(const Topic &, const ValueRef &v) noexcept
	{
		if (v) topics.publish_text(*out, v->text());
	}
};

} // namespace

TEST_GROUP(Topics)
{
	Reactor reactor;
	Topics topics{reactor, 100};
	Account account{"a", 0, 0, {}, {}}, other_account{"b", 0, 0, {}, {}};
	std::unique_ptr<Scope> scope = std::make_unique<Scope>("a", account), other = std::make_unique<Scope>("b", other_account);
	Seen seen;
	TopicItem &add(Scope & s, const char *name, std::uint32_t flags = 0) { return **topics.add(s, name, "", flags); }
	Subscription &look(const char *pattern) { return **topics.subscribe(*other, pattern, bind<&Seen::on_value>(&seen)); }
};

TEST(Topics, sequence_grows_over_all_topics)
{
	TopicItem &x = add(*scope, "a/x"), &y = add(*scope, "a/y");
	topics.publish(x, 1);
	topics.publish(y, 1);
	topics.publish(x, 2);
	CHECK_EQUAL(103, topics.find("a/x")->value->seq);
	CHECK_EQUAL(102, topics.find("a/y")->value->seq);
}

TEST(Topics, kept_values_first_then_changes_in_order_once_each)
{
	TopicItem &x = add(*scope, "a/x");
	topics.publish(x, 1);
	look("a/*");
	topics.publish(x, 2); // in the same turn: kept by the time that the look begins
	CHECK(seen.values.empty());
	turn(reactor);
	topics.publish(x, 3);
	topics.publish(x, 4);
	turn(reactor);
	STRCMP_EQUAL("a/x=2 a/x=3 a/x=4 ",
		[this] {
			std::string s;
			for (auto &v : seen.values) s += v + " ";
			return s;
		}()
			.c_str());
}

TEST(Topics, same_value_is_no_change_where_asked)
{
	TopicItem &x = add(*scope, "a/x", PB_DROP_SAME), &y = add(*scope, "a/y");
	look("**");
	turn(reactor);
	for (int i = 0; i < 2; ++i) {
		topics.publish(x, {{"v", 1}});
		topics.publish(y, {{"v", 1}});
	}
	turn(reactor);
	CHECK_EQUAL(3, seen.values.size());
	CHECK_EQUAL(1, topics.dropped_same);
}

TEST(Topics, transient_values_are_pushed_and_not_kept)
{
	TopicItem &x = add(*scope, "a/x", PB_TRANSIENT);
	look("a/x");
	turn(reactor);
	topics.publish(x, 1);
	turn(reactor);
	CHECK_EQUAL(1, seen.values.size());
	CHECK(!topics.find("a/x")->value);
}

TEST(Topics, a_name_is_one_plugins)
{
	add(*scope, "a/x");
	CHECK_EQUAL(409, topics.add(*other, "a/x", "", 0).error().status);
	CHECK_EQUAL(409, topics.add(*scope, "a/x", "", 0).error().status);
	CHECK_EQUAL(400, topics.add(*scope, "a x", "", 0).error().status);
}

TEST(Topics, a_new_instance_takes_over_and_gives_back)
{
	TopicItem &old = add(*scope, "a/x");
	topics.publish(old, 1);
	look("a/x");
	turn(reactor);
	{
		Scope next("a", account);
		TopicItem &fresh = add(next, "a/x");
		topics.publish(old, 2); // not its name any more
		topics.publish(fresh, 3);
		turn(reactor);
	}
	topics.publish(old, 4); // the new one has gone
	turn(reactor);
	CHECK_EQUAL(3, seen.values.size());
	STRCMP_EQUAL("a/x=3", seen.values.at(1).c_str());
	STRCMP_EQUAL("a/x=4", seen.values.at(2).c_str());
}

TEST(Topics, gone_is_told_once)
{
	TopicItem &x = add(*scope, "a/x");
	topics.publish(x, 1);
	look("a/x");
	turn(reactor);
	scope.reset();
	turn(reactor);
	STRCMP_EQUAL("a/x=gone", seen.values.back().c_str());
	CHECK(!topics.find("a/x"));
}

TEST(Topics, subscriptions_may_end_while_they_are_walked)
{
	TopicItem &x = add(*scope, "a/x");
	Ender ender;
	Subscription &first = **topics.subscribe(*other, "a/x", bind<&Ender::on_value>(&ender));
	Subscription &second = look("a/x");
	ender.victim = &second;
	turn(reactor);
	topics.publish(x, 1);
	turn(reactor);
	CHECK_EQUAL(1, ender.calls);
	CHECK(seen.values.empty());
	ender.victim = &first; // itself
	topics.publish(x, 2);
	turn(reactor);
	topics.publish(x, 3);
	turn(reactor);
	CHECK_EQUAL(2, ender.calls);
}

TEST(Topics, a_delivery_may_publish)
{
	TopicItem &x = add(*scope, "a/x"), &y = add(*scope, "a/y");
	Echo echo{topics, &y};
	CHECK(topics.subscribe(*other, "a/x", bind<&Echo::on_value>(&echo)).has_value());
	look("a/y");
	turn(reactor);
	topics.publish(x, 7);
	turn(reactor);
	STRCMP_EQUAL("a/y=7", seen.values.at(0).c_str());
}

TEST(Topics, watched_is_told_when_it_changes)
{
	std::vector<int> told;
	CHECK(topics
			  .add(
				  *scope, "a/x", "", 0, [](void *s, int is_watched) { static_cast<std::vector<int> *>(s)->push_back(is_watched); }, &told)
			  .has_value());
	turn(reactor);
	CHECK(told.empty());
	Subscription &one = look("a/*");
	look("**");
	turn(reactor);
	CHECK_EQUAL(1, told.size());
	delete &one;
	turn(reactor);
	CHECK_EQUAL(1, told.size());
	other.reset();
	turn(reactor);
	CHECK_EQUAL(2, told.size());
	CHECK_EQUAL(0, told.back());
}

TEST(Topics, text_and_json_are_made_of_each_other)
{
	TopicItem &x = add(*scope, "a/x");
	topics.publish_text(x, R"({"a":[1,2]})");
	CHECK(json_is_array(pb::at(topics.find("a/x")->value->json(), "a")));
	topics.publish(x, {{"b", nullptr}});
	STRCMP_EQUAL(R"({"b":null})", topics.find("a/x")->value->text().c_str());
	topics.publish_text(x, "no json");
	CHECK(json_is_null(topics.find("a/x")->value->json()));
}
