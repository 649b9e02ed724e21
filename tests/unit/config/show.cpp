#include "config/config.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

using core::config::read;

namespace {
constexpr pb_field end{};
constexpr pb_field ready[] = {{"tcp", PB_STRING, "", "", 0, 0, nullptr, nullptr}, {"timeout", PB_DURATION, "60s", "", 0, 0, nullptr, nullptr}, end};
constexpr pb_field process[] = {{"command", PB_LIST | PB_STRING, "[]", "", 0, 0, nullptr, nullptr}, {"ready", PB_TABLE, "{}", "", 0, 0, nullptr, ready}, end};
constexpr pb_field procs[] = {{"poll", PB_DURATION, "2s", "", 0, 0, nullptr, nullptr}, {"pass", PB_STRING | PB_SECRET, "", "", 0, 0, nullptr, nullptr},
	{"process", PB_MAP | PB_TABLE, "{}", "", 0, 0, nullptr, process}, end};

const pb_field *settings_of(const std::string &name) { return name == "procs" ? procs : nullptr; }
} // namespace

TEST_GROUP(shown_config)
{
	test::TempFolder folder;
	core::config::Config of(std::string_view text)
	{
		auto c = read(folder.write("p.toml", text));
		CHECK(c.has_value());
		return std::move(*c);
	}
	std::string shown(std::string_view text) { return core::config::show(of(text), {"procs", "other"}, settings_of).text(); }
	/// "key=value(default)@line …"
	std::string differences(std::string_view text)
	{
		std::string out;
		const pb::Json list = core::config::differences(of(text), settings_of);
		std::size_t i;
		json_t *d;
		const auto value = [&](const char *key) { return pb::Json::share(pb::at(d, key)).text(); };
		json_array_foreach(list.get(), i, d)
			out += std::string(pb::text_at(d, "key")) + "=" + value("value") + "(" + value("default") + ")@" + value("line") + " ";
		return out;
	}
};

TEST(shown_config, has_no_secrets)
{
	const std::string_view text = "[auth]\nmode = 'token'\ntokens = [{ name = 'a', hash = "
								  "'sha256$73616c74$0000000000000000000000000000000000000000000000000000000000000000', role = 'admin' }]\n"
								  "[plugins.procs]\nenabled = false\npass = 'hunter2'\n[plugins.other]\npassword = 'hunter2'\n";
	for (const std::string &t : {shown(text), differences(text)}) CHECK(t.find("hunter2") == std::string::npos && t.find("sha256") == std::string::npos);
	CHECK(shown(text).find(R"("other":{"enabled":true,"password":"***"})") != std::string::npos);
}

TEST(shown_config, is_complete_and_as_one_would_write_it)
{
	CHECK(shown("").find(R"("rate_limit":100)") != std::string::npos);
	CHECK(shown("").find(R"("procs":{"enabled":true,"poll":"2s","pass":null,"process":{}})") != std::string::npos);
	CHECK(shown("[plugins.procs.process.x]\ncommand = ['a']").find(R"("process":{"x":{"command":["a"],"ready":{"tcp":null,"timeout":"60s"}}})") !=
		  std::string::npos);
}

TEST(shown_config, what_differs_from_the_default_has_its_place)
{
	STRCMP_EQUAL("", differences("").c_str());
	STRCMP_EQUAL("", differences("[http]\nrate_limit = 100\n[plugins.procs]\nenabled = true\npoll = '2000ms'").c_str());
	STRCMP_EQUAL("http.rate_limit=5(100)@2 plugins.procs.enabled=false(true)@4 plugins.procs.pass=\"***\"(null)@5 plugins.procs.poll=\"3s\"(\"2s\")@6 ",
		differences("[http]\nrate_limit = 5\n[plugins.procs]\nenabled = false\npass = 'x'\npoll = '3s'").c_str());
}

TEST(shown_config, differences_are_found_in_tables_within_tables)
{
	STRCMP_EQUAL("plugins.procs.process.x.command=[\"a\"]([])@2 plugins.procs.process.x.ready.tcp=\"h:1\"(null)@3 ",
		differences("[plugins.procs.process.x]\ncommand = ['a']\nready = { tcp = 'h:1', timeout = '1m' }").c_str());
	STRCMP_EQUAL("plugins.other.list=[1](null)@2 ", differences("[plugins.other]\nlist = [1]").c_str());
}
