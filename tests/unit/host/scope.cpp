#include "host/scope.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using namespace core;

namespace {
struct Named : pb_item {
	Named(Scope &s, std::string &ends_, char name_, Kind kind_ = Kind::timer) : pb_item(s, kind_), ends(ends_), name(name_) {}
	~Named() override { ends += name; }
	std::string &ends;
	char name;
};
} // namespace

TEST_GROUP(Scope)
{
	Account account{"x", 0, 0, {}, {}};
	std::string ends;
};

TEST(Scope, frees_in_reverse_order)
{
	{
		Scope s("x", account);
		new Named(s, ends, 'a');
		new Named(s, ends, 'b', pb_item::Kind::topic);
		new Named(s, ends, 'c');
		CHECK_EQUAL(2, s.count(pb_item::Kind::timer));
		CHECK_EQUAL(1, s.count(pb_item::Kind::topic));
	}
	STRCMP_EQUAL("cba", ends.c_str());
}

TEST(Scope, an_item_may_go_first)
{
	Scope s("x", account);
	auto *a = new Named(s, ends, 'a');
	auto *b = new Named(s, ends, 'b');
	auto *c = new Named(s, ends, 'c');
	delete b;
	delete c;
	new Named(s, ends, 'd');
	delete a;
	s.clear();
	STRCMP_EQUAL("bcad", ends.c_str());
	CHECK_EQUAL(0, s.count(pb_item::Kind::timer));
}
