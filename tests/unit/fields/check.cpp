#include "fields/check.hpp"
#include "fields/faults.hpp"

#include <patchbay/fields.hpp>

using test::checked;

namespace {

constexpr pb_field end{};
constexpr pb_field port[] = {{"port", PB_INTEGER, "2947", "", 1, 65535, nullptr, nullptr}, end};
constexpr pb_field any_integer[] = {{"n", PB_INTEGER, nullptr, "", 0, 0, nullptr, nullptr}, end};

std::string one(std::uint32_t type, std::string_view json, const char *choices = nullptr, double min = 0, double max = 0, const char *fallback = nullptr)
{
	const pb_field fields[] = {{"v", type, fallback, "", min, max, choices, nullptr}, end};
	return checked(fields, json);
}

} // namespace

TEST_GROUP(check){};

TEST(check, fallbacks_fill_what_was_left_out)
{
	STRCMP_EQUAL(R"({"port":2947})", checked(port, "{}").c_str());
	STRCMP_EQUAL(R"({"port":80})", checked(port, R"({"port":80})").c_str());
	STRCMP_EQUAL(R"({"v":"a\"b"})", one(PB_STRING, "{}", nullptr, 0, 0, R"("a\"b")").c_str());
	STRCMP_EQUAL(R"({"v":5.0})", one(PB_DURATION, "{}", nullptr, 0, 0, "5s").c_str());
	STRCMP_EQUAL(R"({"v":5.0})", one(PB_DURATION, "{}", nullptr, 0, 0, "\"5s\"").c_str());
	STRCMP_EQUAL(R"({"v":["a","b"]})", one(PB_LIST | PB_STRING, "{}", nullptr, 0, 0, "[\"a\", 'b',]").c_str());
	STRCMP_EQUAL(R"({"v":{"x":[1,2],"y":[]}})", one(PB_MAP | PB_LIST | PB_INTEGER, "{}", nullptr, 0, 0, "{ x = [1, 2], y = [] }").c_str());
	STRCMP_EQUAL(R"({"v":-1000})", one(PB_INTEGER, "{}", nullptr, 0, 0, "-1_000").c_str());
	STRCMP_EQUAL(R"({"v":0.5})", one(PB_NUMBER, "{}", nullptr, 0, 0, "5e-1").c_str());
	STRCMP_EQUAL(R"({})", one(PB_NUMBER, "{}", nullptr, 0, 0, "").c_str());
}

TEST(check, no_object_at_all_counts_as_an_empty_one)
{
	std::vector<core::fields::Fault> faults;
	STRCMP_EQUAL(R"({"port":2947})", core::fields::check(port, nullptr, core::fields::Unknown::refuse, faults).text().c_str());
	STRCMP_EQUAL("{}", core::fields::check(nullptr, nullptr, core::fields::Unknown::refuse, faults).text().c_str());
	CHECK(faults.empty());
	STRCMP_EQUAL("! must be a table (a JSON object), not a list", checked(port, "[]").c_str());
}

TEST(check, required_members_are_missed)
{
	STRCMP_EQUAL("! v is required", one(PB_STRING, "{}").c_str());
	STRCMP_EQUAL("! v must be a string, not null", one(PB_STRING, R"({"v":null})").c_str());
}

TEST(check, null_leaves_an_optional_member_out)
{
	STRCMP_EQUAL("{}", one(PB_STRING, R"({"v":null})", nullptr, 0, 0, "").c_str());
	STRCMP_EQUAL(R"({"v":null})", one(PB_ANY, R"({"v":null})", nullptr, 0, 0, "").c_str());
}

TEST(check, unknown_members_name_the_nearest_known_one)
{
	STRCMP_EQUAL("! prot is not known; did you mean port?", checked(port, R"({"prot":1})").c_str());
	STRCMP_EQUAL("! zebra is not known", checked(port, R"({"zebra":1})").c_str());
	STRCMP_EQUAL(R"({"port":2947})", checked(port, R"({"zebra":1})", core::fields::Unknown::ignore).c_str());
	STRCMP_EQUAL("! a is not known", checked(nullptr, R"({"a":1})").c_str());
}

TEST(check, an_integer_has_no_fraction_and_no_quotes)
{
	STRCMP_EQUAL("! port must be an integer, not a number with a fraction", checked(port, R"({"port":5.0})").c_str());
	STRCMP_EQUAL("! port must be an integer, not a string", checked(port, R"({"port":"5"})").c_str());
	STRCMP_EQUAL("! port must be an integer, not a boolean", checked(port, R"({"port":true})").c_str());
	STRCMP_EQUAL("! port must be between 1 and 65535", checked(port, R"({"port":0})").c_str());
	STRCMP_EQUAL("! port must be between 1 and 65535", checked(port, R"({"port":65536})").c_str());
	STRCMP_EQUAL(R"({"port":65535})", checked(port, R"({"port":65535})").c_str());
}

TEST(check, integers_beside_limits_that_doubles_cannot_tell_apart)
{
	STRCMP_EQUAL(R"({"n":9223372036854775807})", checked(any_integer, R"({"n":9223372036854775807})").c_str());
	STRCMP_EQUAL("! v must be between 0 and 9.00719925474099e+15", one(PB_INTEGER, R"({"v":9007199254740993})", nullptr, 0, 9007199254740992.0).c_str());
	STRCMP_EQUAL(R"({"v":9223372036854775807})", one(PB_INTEGER, R"({"v":9223372036854775807})", nullptr, 0, 9223372036854775808.0).c_str());
	STRCMP_EQUAL(R"({"v":-9223372036854775808})", one(PB_INTEGER, R"({"v":-9223372036854775808})", nullptr, -9223372036854775808.0, 1).c_str());
	STRCMP_EQUAL("! v must be at least 1e+19", one(PB_INTEGER, R"({"v":9223372036854775807})", nullptr, 1e19, 0).c_str());
	STRCMP_EQUAL("! v must be between 0.5 and 2.5", one(PB_INTEGER, R"({"v":0})", nullptr, 0.5, 2.5).c_str());
	STRCMP_EQUAL("! v must be between 0.5 and 2.5", one(PB_INTEGER, R"({"v":3})", nullptr, 0.5, 2.5).c_str());
	STRCMP_EQUAL(R"({"v":2})", one(PB_INTEGER, R"({"v":2})", nullptr, 0.5, 2.5).c_str());
}

TEST(check, a_lower_limit_alone_has_no_upper_one)
{
	STRCMP_EQUAL(R"({"v":1000000})", one(PB_INTEGER, R"({"v":1000000})", nullptr, 1, 0).c_str());
	STRCMP_EQUAL("! v must be at least 1", one(PB_INTEGER, R"({"v":0})", nullptr, 1, 0).c_str());
	STRCMP_EQUAL("! v must be between -5 and 0", one(PB_INTEGER, R"({"v":1})", nullptr, -5, 0).c_str());
}

TEST(check, numbers_come_out_as_reals)
{
	STRCMP_EQUAL(R"({"v":3.0})", one(PB_NUMBER, R"({"v":3})").c_str());
	STRCMP_EQUAL("! v must be between 0 and 1", one(PB_NUMBER, R"({"v":1.5})", nullptr, 0, 1).c_str());
	STRCMP_EQUAL("! v must be a number, not a string", one(PB_NUMBER, R"({"v":"1"})").c_str());
}

TEST(check, durations_and_times_come_out_in_seconds)
{
	STRCMP_EQUAL(R"({"v":0.25})", one(PB_DURATION, R"({"v":"250ms"})").c_str());
	STRCMP_EQUAL(R"({"v":86400.0})", one(PB_TIME, R"({"v":"1970-01-02T00:00:00Z"})").c_str());
	STRCMP_EQUAL("! v must be between 100ms and 1h", one(PB_DURATION, R"({"v":"2h"})", nullptr, 0.1, 3600).c_str());
	STRCMP_EQUAL("! v must be a duration with its unit (\"250ms\", \"5s\", \"10m\", \"1h\", \"2d\"), not an integer", one(PB_DURATION, R"({"v":5})").c_str());
	STRCMP_EQUAL("! v must be a time as in ISO 8601 (\"2026-11-24T10:00:00Z\")", one(PB_TIME, R"({"v":"yesterday"})").c_str());
}

TEST(check, strings_have_limits_in_bytes_and_choices)
{
	STRCMP_EQUAL("! v must have between 1 and 3 bytes, has 4", one(PB_STRING, R"({"v":"ää"})", nullptr, 1, 3).c_str());
	STRCMP_EQUAL(R"({"v":"b"})", one(PB_STRING, R"({"v":"b"})", "a|b").c_str());
	STRCMP_EQUAL("! v must be one of kismet, gps, both; did you mean gps?", one(PB_STRING, R"({"v":"gsp"})", "kismet|gps|both").c_str());
	STRCMP_EQUAL("! v must be one of a, b", one(PB_STRING, R"({"v":""})", "a|b").c_str());
	STRCMP_EQUAL("! v must be one of a, b", one(PB_STRING, R"({"v":"a|b"})", "a|b").c_str());
}

TEST(check, a_nul_byte_is_refused)
{
	const pb_field fields[] = {{"v", PB_STRING, nullptr, "", 0, 0, nullptr, nullptr}, end};
	pb::Json given = pb::Json::object();
	given.set("v", std::string_view("a\0b", 3));
	std::vector<core::fields::Fault> faults;
	(void)core::fields::check(fields, given.get(), core::fields::Unknown::refuse, faults);
	STRCMP_EQUAL("v has a NUL byte in it", test::lines(faults).c_str());
}

TEST(check, lists_and_maps_name_the_place_in_them)
{
	STRCMP_EQUAL("! v[1] must be an integer, not a string", one(PB_LIST | PB_INTEGER, R"({"v":[1,"x",3]})").c_str());
	STRCMP_EQUAL("! v.a must be an integer, not a string", one(PB_MAP | PB_INTEGER, R"({"v":{"a":"x"}})").c_str());
	STRCMP_EQUAL("! v.a[1] must be an integer, not null", one(PB_MAP | PB_LIST | PB_INTEGER, R"({"v":{"a":[1,null]}})").c_str());
	STRCMP_EQUAL("! v.a must be a list, not an integer", one(PB_MAP | PB_LIST | PB_INTEGER, R"({"v":{"a":1}})").c_str());
	STRCMP_EQUAL("! v must be a list, not a table", one(PB_LIST | PB_INTEGER, R"({"v":{}})").c_str());
	STRCMP_EQUAL("! v must have at least 1 entries, has 0", one(PB_LIST | PB_INTEGER, R"({"v":[]})", nullptr, 1, 0).c_str());
	STRCMP_EQUAL("! v must have between 0 and 1 members, has 2", one(PB_MAP | PB_INTEGER, R"({"v":{"a":1,"b":2}})", nullptr, 0, 1).c_str());
	STRCMP_EQUAL("! v[0] must be one of a, b", one(PB_LIST | PB_STRING, R"({"v":["c"]})", "a|b").c_str());
}

TEST(check, tables_in_tables)
{
	const pb_field ready[] = {{"tcp", PB_STRING, "", "", 0, 0, nullptr, nullptr}, {"timeout", PB_DURATION, "60s", "", 0, 0, nullptr, nullptr}, end};
	const pb_field process[] = {
		{"command", PB_LIST | PB_STRING, nullptr, "", 1, 64, nullptr, nullptr}, {"ready", PB_TABLE | PB_ALSO_STRING, "\"none\"", "", 0, 0, "none", ready}, end};
	const pb_field procs[] = {{"process", PB_MAP | PB_TABLE, "{}", "", 0, 0, nullptr, process}, end};
	STRCMP_EQUAL(R"({"process":{"k":{"command":["x"],"ready":"none"}}})", checked(procs, R"({"process":{"k":{"command":["x"]}}})").c_str());
	STRCMP_EQUAL(R"({"process":{"k":{"command":["x"],"ready":{"tcp":"a:1","timeout":60.0}}}})",
		checked(procs, R"({"process":{"k":{"command":["x"],"ready":{"tcp":"a:1"}}}})").c_str());
	STRCMP_EQUAL("! process.k.command is required; process.k.ready.tpc is not known; did you mean tcp?",
		checked(procs, R"({"process":{"k":{"ready":{"tpc":"a:1"}}}})").c_str());
	STRCMP_EQUAL("! process.k.ready must be one of none", checked(procs, R"({"process":{"k":{"command":["x"],"ready":"soon"}}})").c_str());
	STRCMP_EQUAL("! process.k.ready must be a table or a string, not an integer", checked(procs, R"({"process":{"k":{"command":["x"],"ready":1}}})").c_str());
}

TEST(check, a_string_beside_another_type)
{
	STRCMP_EQUAL(R"({"v":["a"]})", one(PB_LIST | PB_STRING | PB_ALSO_STRING, R"({"v":"a"})").c_str());
	STRCMP_EQUAL(R"({"v":"never"})", one(PB_DURATION | PB_ALSO_STRING, R"({"v":"never"})", "never").c_str());
	STRCMP_EQUAL(R"({"v":5.0})", one(PB_DURATION | PB_ALSO_STRING, R"({"v":"5s"})", "never").c_str());
	STRCMP_EQUAL(R"({"v":"auto"})", one(PB_INTEGER | PB_ALSO_STRING, R"({"v":"auto"})").c_str());
}

TEST(check, tables_that_hold_themselves_end)
{
	pb_field tree[] = {{"child", PB_TABLE, "", "", 0, 0, nullptr, tree}, end};
	std::string deep = "{}";
	for (int i = 0; i < 100; ++i) deep = R"({"child":)" + deep + "}";
	CHECK(checked(tree, deep).find("is nested too deeply") != std::string::npos);
	STRCMP_EQUAL(R"({"child":{}})", checked(tree, R"({"child":{}})").c_str());
	pb_field bottomless[] = {{"child", PB_TABLE, "{}", "", 0, 0, nullptr, bottomless}, end};
	CHECK(checked(bottomless, "{}").find("is nested too deeply") != std::string::npos);
}

TEST(check, hostile_input_gives_a_bounded_answer)
{
	pb::Json many = pb::Json::object();
	for (int i = 0; i < 20000; ++i) many.set(("member" + std::to_string(i)).c_str(), i);
	std::vector<core::fields::Fault> faults;
	(void)core::fields::check(port, many.get(), core::fields::Unknown::refuse, faults);
	CHECK_EQUAL(256U, faults.size());
	const core::Error e = core::fields::as_error(std::move(faults));
	CHECK(e.text.size() < 1000);
}

TEST(check, errors_are_shaped_as_the_contract_says)
{
	const pb_field fields[] = {
		{"script", PB_STRING, nullptr, "", 0, 0, "kismet|gps|both", nullptr}, {"force", PB_BOOLEAN, "false", "", 0, 0, nullptr, nullptr}, end};
	const pb::Json given = pb::Json::parse(R"({"script":"x","force":1})");
	std::vector<core::fields::Fault> faults;
	(void)core::fields::check(fields, given.get(), core::fields::Unknown::refuse, faults);
	const core::Error e = core::fields::as_error(std::move(faults));
	CHECK_EQUAL(400, e.status);
	STRCMP_EQUAL("VALIDATION_ERROR", e.code.c_str());
	STRCMP_EQUAL("Invalid request parameters: script must be one of kismet, gps, both; force must be true or false, not an integer", e.text.c_str());
	STRCMP_EQUAL(
		R"([{"field":"script","message":"must be one of kismet, gps, both","value":"x"},{"field":"force","message":"must be true or false, not an integer","value":1}])",
		e.details.text().c_str());
}

TEST(check, secrets_are_not_given_back)
{
	const pb_field login[] = {{"password", PB_STRING | PB_SECRET, nullptr, "", 0, 0, nullptr, nullptr}, end};
	const pb_field fields[] = {
		{"login", PB_LIST | PB_TABLE, nullptr, "", 0, 0, nullptr, login}, {"key", PB_STRING | PB_SECRET, nullptr, "", 1, 3, nullptr, nullptr}, end};
	for (const char *json : {R"({"login":[{"password":1234567}],"key":"hunter2"})", R"({"login":[{"pasword":"hunter2","password":""}],"key":"a"})",
			 R"({"login":{"password":"hunter2"},"key":"a"})"}) {
		const pb::Json given = pb::Json::parse(json);
		std::vector<core::fields::Fault> faults;
		(void)core::fields::check(fields, given.get(), core::fields::Unknown::refuse, faults);
		CHECK(!faults.empty());
		const core::Error e = core::fields::as_error(std::move(faults));
		const std::string all = e.text + e.details.text();
		CHECK(all.find("hunter2") == std::string::npos && all.find("1234567") == std::string::npos);
	}
}

TEST(check, long_values_are_cut_or_left_out)
{
	const std::string text(5000, 'x');
	const pb::Json given{{"port", text}};
	std::vector<core::fields::Fault> faults;
	(void)core::fields::check(port, given.get(), core::fields::Unknown::refuse, faults);
	CHECK(pb::text_of(faults.at(0).value.get()).size() < 300);
}

namespace {
struct Face {
	std::string host;
	std::chrono::milliseconds interval;
	std::optional<std::int64_t> limit;
	std::map<std::string, std::vector<std::string>> group;
	static constexpr auto fields =
		pb::fields(pb::field("host", &Face::host, {.fallback = "\"::1\""}), pb::field("interval", &Face::interval, {.fallback = "250ms"}),
			pb::field("limit", &Face::limit, {}), pb::field("group", &Face::group, {.fallback = "{}"}));
};
} // namespace

TEST(check, what_the_cpp_face_declares_is_read_back)
{
	const pb::Json given = pb::Json::parse(R"({"interval":"1.5s","group":{"both":["gps","kismet"]}})");
	std::vector<core::fields::Fault> faults;
	const pb::Json made = core::fields::check(pb::field_table<Face>, given.get(), core::fields::Unknown::refuse, faults);
	CHECK(faults.empty());
	const Face face = pb::read_fields<Face>(made.get());
	STRCMP_EQUAL("::1", face.host.c_str());
	CHECK_EQUAL(1500, face.interval.count());
	CHECK(!face.limit);
	STRCMP_EQUAL("kismet", face.group.at("both").at(1).c_str());
}
