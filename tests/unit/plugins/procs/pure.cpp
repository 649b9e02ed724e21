// What procs decides without a process: orders, patterns, addresses, log lines.
#include "procs/graph.hpp"
#include "procs/log_line.hpp"
#include "procs/probe_target.hpp"

#include <CppUTest/TestHarness.h>

using namespace procs;

TEST_GROUP(ProcsPure){};

TEST(ProcsPure, ACycleIsWalkedAsItIs)
{
	CHECK(find_cycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}) == (std::vector<std::string>{"a", "b", "c", "a"}));
	CHECK(find_cycle({{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {}}}).empty());
}

TEST(ProcsPure, WhatIsRequiredComesFirst)
{
	const Edges edges{{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {}}, {"d", {}}};
	CHECK(start_order(edges, {"a"}) == (std::vector<std::string>{"c", "b", "a"}));
	CHECK(dependents_of(edges, {"c"}) == (std::set<std::string>{"a", "b"}));
}

TEST(ProcsPure, PatternsMatchWithoutBlowUp)
{
	CHECK(matches("server * is ?p", "x server 12 is up y"));
	CHECK(!matches("server * is down", "server 12 is up"));
	CHECK(matches("", "anything"));
	CHECK(!matches("*a*a*a*a*a*a*b", std::string(20000, 'a')));
}

TEST(ProcsPure, AddressesNeedHostAndPort)
{
	CHECK_EQUAL(2501, parse_endpoint("127.0.0.1:2501")->port);
	STRCMP_EQUAL("::1", parse_endpoint("[::1]:80")->host.c_str());
	for (const char *bad : {"", ":1", "a:", "a:0", "a:65536", "::1:80", "a b:1", "[]:1"}) CHECK(!parse_endpoint(bad));
	CHECK_EQUAL(80, parse_url("http://h/x")->port);
	CHECK(!parse_url("https://h/x"));
}

TEST(ProcsPure, LogLinesAreReadAsKeepersWriteThem)
{
	const auto l = parse_log_line("1700000000.123 O text with spaces");
	CHECK(l && l->is_cut && l->stream == "stdout" && l->time_ms == 1700000000123 && l->text == "text with spaces");
	for (const char *bad : {"", "1", "1.1 o x", "x.123 o x", "1.123 q x", "1.123ox"}) CHECK(!parse_log_line(bad));
	STRCMP_EQUAL("2023-11-14T22:13:20.123Z", iso_time(1700000000123).c_str());
}
