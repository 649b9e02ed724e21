// etc/patchbay.toml as it is installed: it says nothing, and what it shows is true and complete.
#include "config/config.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <cctype>
#include <sstream>

namespace {

/// With "#key = value" and "#[table]" made real.
std::string uncommented(const std::string &text)
{
	std::istringstream lines(text);
	std::string out;
	for (std::string line; std::getline(lines, line);) {
		const bool is_setting = line.size() > 2 && line[0] == '#' && (std::islower(static_cast<unsigned char>(line[1])) != 0 || line[1] == '[');
		if (line.starts_with("#certificate = ") || line.starts_with("#key = ")) continue; // files that are not there
		out += (is_setting ? line.substr(1) : line) + "\n";
	}
	return out;
}

} // namespace

TEST_GROUP(default_file) { test::TempFolder folder; };

TEST(default_file, as_it_is_gives_the_defaults)
{
	const auto file = core::config::read(DEFAULT_FILE), none = core::config::read("");
	CHECK(file.has_value());
	CHECK(file->core.http == none->core.http && file->core.auth == none->core.auth && file->core.log == none->core.log &&
		  file->core.plugin_host == none->core.plugin_host);
	STRCMP_EQUAL("/var/lib/patchbay", file->core.state.directory.c_str());
	CHECK(file->plugins.empty());
}

TEST(default_file, shows_every_key_with_its_default)
{
	const auto shown = core::config::read(folder.write("p.toml", uncommented(test::TempFolder::read(DEFAULT_FILE))));
	CHECK(shown.has_value());
	const std::string text = test::TempFolder::read(DEFAULT_FILE);
	CHECK(text.find("\n#certificate = ") != std::string::npos && text.find("\n#key = ") != std::string::npos);
	const auto none = core::config::read("");
	for (const pb_field *section = core::config::core_fields(); section->name; ++section) {
		for (const pb_field *key = section->fields; key && key->name; ++key) {
			const std::string path = std::string(section->name) + "." + key->name;
			CHECK_TEXT(shown->places.contains(path) || path == "http.certificate" || path == "http.key", path.c_str());
			const json_t *value = pb::at(pb::at(shown->core_table.get(), section->name), key->name),
						 *fallback = pb::at(pb::at(none->core_table.get(), section->name), key->name);
			CHECK_TEXT(!fallback || path == "state.directory" || json_equal(value, fallback) != 0, path.c_str());
		}
	}
}
