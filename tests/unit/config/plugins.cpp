#include "config/config.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

using core::config::read;

namespace {
constexpr pb_field end{};
constexpr pb_field gpsd[] = {{"host", PB_STRING, "\"127.0.0.1\"", "", 0, 0, nullptr, nullptr}, {"port", PB_INTEGER, "2947", "", 1, 65535, nullptr, nullptr},
	{"poll", PB_DURATION, "2s", "", 0, 0, nullptr, nullptr}, {"pass", PB_STRING | PB_SECRET, "", "", 0, 0, nullptr, nullptr}, end};
} // namespace

TEST_GROUP(plugin_tables)
{
	test::TempFolder folder;
	core::config::Config of(std::string_view text)
	{
		auto c = read(folder.write("p.toml", text));
		CHECK(c.has_value());
		return std::move(*c);
	}
	std::string changed(std::string_view before, std::string_view after)
	{
		std::string out;
		for (const std::string &name : core::config::changed_plugins(of(before), of(after))) out += (out.empty() ? "" : " ") + name;
		return out;
	}
};

TEST(plugin_tables, are_checked_against_their_fields)
{
	STRCMP_EQUAL(R"({"host":"127.0.0.1","port":2947,"poll":2.0})", core::config::check_plugin(of(""), "gpsd", gpsd)->text().c_str());
	STRCMP_EQUAL(R"({"host":"127.0.0.1","port":1,"poll":0.25})",
		core::config::check_plugin(of("[plugins.gpsd]\nenabled = true\nport = 1\npoll = '250ms'"), "gpsd", gpsd)->text().c_str());
	STRCMP_EQUAL("{}", core::config::check_plugin(of("[plugins.x]\nenabled = true"), "x", nullptr)->text().c_str());
}

TEST(plugin_tables, problems_have_their_places)
{
	const auto made = core::config::check_plugin(of("[plugins.gpsd]\npotr = 1\n\nport = 0\n"), "gpsd", gpsd);
	CHECK(!made);
	CHECK_EQUAL(2U, made.error().size());
	STRCMP_EQUAL((folder / "p.toml:2:1: plugins.gpsd.potr is not known; did you mean port?").c_str(), core::config::to_string(made.error()[0]).c_str());
	STRCMP_EQUAL((folder / "p.toml:4:1: plugins.gpsd.port must be between 1 and 65535").c_str(), core::config::to_string(made.error()[1]).c_str());
}

TEST(plugin_tables, a_missing_setting_is_told_at_its_table)
{
	const pb_field needs[] = {{"url", PB_STRING, nullptr, "", 0, 0, nullptr, nullptr}, end};
	STRCMP_EQUAL((folder / "p.toml:2:10: plugins.x.url is required").c_str(),
		core::config::to_string(core::config::check_plugin(of("\n[plugins.x]"), "x", needs).error()[0]).c_str());
	STRCMP_EQUAL(
		(folder / "p.toml: plugins.x.url is required").c_str(), core::config::to_string(core::config::check_plugin(of(""), "x", needs).error()[0]).c_str());
}

TEST(plugin_tables, of_plugins_that_are_not_there)
{
	const auto problems = core::config::unknown_plugins(of("[plugins.gspd]\n[plugins.zebra]\n[plugins.kismet]"), {"gpsd", "kismet"});
	CHECK_EQUAL(2U, problems.size());
	STRCMP_EQUAL((folder / "p.toml:1:10: plugins.gspd: there is no such plugin; did you mean gpsd?").c_str(), core::config::to_string(problems[0]).c_str());
	CHECK(core::config::to_string(problems[1]).find("plugins.zebra: there is no such plugin in ") != std::string::npos);
}

TEST(plugin_tables, those_that_changed_between_two_readings)
{
	STRCMP_EQUAL("", changed("[plugins.a]\nx = 1", "[plugins.a]\nx = 1").c_str());
	STRCMP_EQUAL("a", changed("[plugins.a]\nx = 1", "[plugins.a]\nx = 2").c_str());
	STRCMP_EQUAL("a c", changed("[plugins.a]\nx = 1\n[plugins.b]", "[plugins.c]\nx = 1").c_str());
	STRCMP_EQUAL("a", changed("", "[plugins.a]\nenabled = true").c_str());
	STRCMP_EQUAL("a", changed("[plugins.a]\nenabled = false", "[plugins.a]\nenabled = true").c_str());
	STRCMP_EQUAL("", changed("[http]\nrate_limit = 1", "[http]\nrate_limit = 2").c_str());
}
