#include "http/route.hpp"
#include "http/server.hpp"

#include <CppUTest/TestHarness.h>

#include <algorithm>

using namespace core;
using namespace core::http;

TEST_GROUP(Router)
{
	Result<RouteItem *> add(Scope & scope, const char *pattern, const char *target = "topic:a/b")
	{
		pb_route r{};
		r.struct_size = sizeof r;
		r.pattern = pattern;
		r.target = target;
		return server.router().add(scope, r);
	}
	void must(const char *pattern, const char *target = "topic:a/b") { CHECK_TEXT(add(one, pattern, target).has_value(), pattern); }
	/// The pattern that serves and its values, or what is allowed, or "404".
	std::string find(std::string_view raw, std::string_view method = "GET")
	{
		std::string path;
		std::vector<Part> parts;
		std::vector<std::string_view> values;
		if (decode_path(raw, path, parts)) return "400";
		const Match m = server.router().find(path, parts, method, values);
		std::vector<Part> none;
		std::vector<std::string_view> again;
		if (raw.find('%') == std::string_view::npos) CHECK(server.router().find(path, none, method, again).route == m.route && again == values); // both ways
		if (!m.route) return m.allow.empty() ? "404" : m.allow;
		std::string out = m.route->pattern;
		for (const auto v : values) out.append(" ").append(v);
		return out;
	}
	Reactor reactor;
	Pool pool{reactor};
	Log log;
	Metrics metrics;
	Topics topics{reactor, 0};
	Methods methods{reactor};
	Server server{{reactor, log, topics, methods, metrics, pool}};
	Scope one{"one", reactor.core}, next{"one", reactor.core}, two{"two", reactor.core};
};

TEST(Router, relative_patterns_lie_under_both_folders)
{
	must("GET gps");
	STRCMP_EQUAL("GET gps", find("/api/webhook/gps").c_str());
	STRCMP_EQUAL("GET gps", find("/api/webhooks/gps").c_str());
	STRCMP_EQUAL("GET gps", find("/api/webhook/%67ps").c_str());
	for (const char *other : {"/gps", "/api/webhook/gps/", "/api/webhook//gps", "/api/webhook/gp", "/api/webhook/gpsx", "/api%2fwebhook/gps", "/"})
		STRCMP_EQUAL_TEXT("404", find(other).c_str(), other);
}

TEST(Router, a_variable_may_have_a_beginning)
{
	must("GET list/wh_{id}");
	must("DELETE list/wh_{id}/dead", "method:a.b");
	must("GET list/wh_fixed");
	STRCMP_EQUAL("GET list/wh_{id} 12", find("/api/webhook/list/wh_12").c_str());
	STRCMP_EQUAL("GET list/wh_{id} a b", find("/api/webhook/list/wh_a%20b").c_str());
	STRCMP_EQUAL("DELETE list/wh_{id}/dead 12", find("/api/webhooks/list/wh_12/dead", "DELETE").c_str());
	STRCMP_EQUAL("GET list/wh_fixed", find("/api/webhook/list/wh_fixed").c_str());
	STRCMP_EQUAL("GET, HEAD, OPTIONS", find("/api/webhook/list/wh_12", "DELETE").c_str());
	for (const char *other :
		{"/api/webhook/list/wh_", "/api/webhook/list/xwh_12", "/api/webhook/list/WH_12", "/api/webhook/list/12", "/api/webhook/list/wh_1/x"})
		STRCMP_EQUAL_TEXT("404", find(other).c_str(), other);
	one.clear();
	STRCMP_EQUAL("404", find("/api/webhook/list/wh_12").c_str());
}

TEST(Router, fixed_parts_win_over_variables_and_those_over_the_rest)
{
	must("GET /p/{name}");
	must("GET /p/list");
	must("GET /p/{name}/start");
	must("GET /p/{rest…}");
	must("GET /f/{path...}");
	STRCMP_EQUAL("GET /p/list", find("/p/list").c_str());
	STRCMP_EQUAL("GET /p/{name} lisp", find("/p/lisp").c_str());
	STRCMP_EQUAL("GET /p/{name}/start list", find("/p/list/start").c_str());
	STRCMP_EQUAL("GET /p/{rest…} list/stop/it", find("/p/list/stop/it").c_str());
	STRCMP_EQUAL("GET /f/{path...} a//b/", find("/f/a//b/").c_str());
	STRCMP_EQUAL("GET /f/{path...} ", find("/f/").c_str());
	STRCMP_EQUAL("404", find("/f").c_str());
}

TEST(Router, a_slash_in_a_variable_is_data)
{
	must("GET /p/{name}");
	STRCMP_EQUAL("GET /p/{name} a/b", find("/p/a%2Fb").c_str());
	STRCMP_EQUAL("GET /p/{name} ../x", find("/p/..%2Fx").c_str());
	STRCMP_EQUAL("404", find("/p/").c_str());
}

TEST(Router, the_path_decides_before_the_method)
{
	must("GET /a");
	must("POST /a", "method:m");
	must("PUT /{x}", "method:m");
	must("DELETE /b/{x}", "method:m");
	STRCMP_EQUAL("POST /a", find("/a", "POST").c_str());
	STRCMP_EQUAL("GET /a", find("/a", "HEAD").c_str());
	STRCMP_EQUAL("GET, HEAD, POST, OPTIONS", find("/a", "PUT").c_str());
	STRCMP_EQUAL("DELETE, OPTIONS", find("/b/1").c_str());
	STRCMP_EQUAL("GET, HEAD, POST, OPTIONS", find("/a", "OPTIONS").c_str());
}

TEST(Router, another_plugin_does_not_take_a_route)
{
	must("GET gps");
	LONGS_EQUAL(409, add(two, "GET gps").error().status);
	LONGS_EQUAL(409, add(two, "GET /api/webhooks/gps").error().status);
	LONGS_EQUAL(409, add(one, "GET gps").error().status); // nor does it twice
	CHECK(add(two, "POST gps", "method:m").has_value());
	STRCMP_EQUAL("GET, HEAD, POST, OPTIONS", find("/api/webhook/gps", "PUT").c_str());
}

TEST(Router, a_new_instance_serves_and_the_old_one_comes_back)
{
	must("GET gps");
	const auto *newer = *add(next, "GET gps");
	const auto serving = server.router().all();
	LONGS_EQUAL(1, std::ranges::count(serving, newer));
	LONGS_EQUAL(1, std::ranges::count_if(serving, [](const RouteItem *r) { return r->pattern == "GET gps"; }));
	next.clear();
	STRCMP_EQUAL("GET gps", find("/api/webhook/gps").c_str());
	CHECK(add(next, "GET gps").has_value());
	one.clear();
	STRCMP_EQUAL("GET gps", find("/api/webhook/gps").c_str());
	next.clear();
	STRCMP_EQUAL("404", find("/api/webhook/gps").c_str());
	CHECK(add(two, "GET gps").has_value());
}

TEST(Router, bad_patterns_are_refused)
{
	for (const char *bad : {"", "GET", "GET ", "get /a", "GET /a/../b", "GET /{a}/{a}", "GET /{rest…}/b", "GET /{}", "GET /{a b}", "GET /a{b}c", "GET /a{}",
			 "GET /a%20{b}", "GET /a b", "GET /a?b", "GET /a%20", "GET /a//b", "G T /a", "GET /\xff"})
		LONGS_EQUAL_TEXT(400, add(one, bad).error().status, bad);
	LONGS_EQUAL(400, add(one, "GET /a", "nonsense").error().status);
	LONGS_EQUAL(400, add(one, "GET /a", nullptr).error().status);
	LONGS_EQUAL(400, add(one, "POST /a", "topic:a").error().status);
	LONGS_EQUAL(0, one.count(pb_item::Kind::route));
}

TEST(Router, thousands_come_and_go)
{
	for (int round = 0; round < 3; ++round) {
		for (int i = 0; i < 1000; ++i) must(("GET /n/" + std::to_string(i) + "/{x}/" + std::to_string(i)).c_str());
		STRCMP_EQUAL("GET /n/777/{x}/777 y", find("/n/777/y/777").c_str());
		one.clear();
		STRCMP_EQUAL("404", find("/n/777/y/777").c_str());
	}
}
