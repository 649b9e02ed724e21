// Kismet: does somebody answer, does it want a password, have we one.
#include "doctor/checks.hpp"

#include "http/plain_get.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace ctl {

namespace {
bool is_written(const Kit &kit, const char *key)
{
	const json_t *v = kit.setting("kismet", key);
	return json_is_string(v) && json_string_length(v) > 0;
}
} // namespace

void check_kismet(const Kit &kit, Findings &found)
{
	if (!kit.is_enabled("kismet")) return;
	const std::string url = kit.text("kismet", "url", "http://127.0.0.1:2501"), file = kit.text("kismet", "password_file", "");
	if (!file.empty() && access(file.c_str(), R_OK) != 0 && geteuid() == 0)
		return found.push_back({"kismet", Grade::bad, fmt::format("Kismet's password file {} cannot be read", file),
			fmt::format("sudo ls -l {}; then password_file in [plugins.kismet]", file)});
	const bool has_secret = is_written(kit, "password") || is_written(kit, "api_token") || !file.empty();
	const PlainAnswer answer = plain_get(url + "/system/status.json");
	if (answer.status == 401 && !has_secret)
		return found.push_back({"kismet", Grade::bad, fmt::format("Kismet at {} wants a password, and none is set", url),
			"password_file = \"/home/pi/.kismet/kismet_httpd.conf\" under [plugins.kismet], in conf.d/kismet.toml"});
	if (answer.status == 0)
		return found.push_back({"kismet", Grade::odd, fmt::format("Kismet does not answer at {}: {}", url, answer.failure), "patchbayctl start kismet"});
	if (!has_secret)
		return found.push_back({"kismet", Grade::odd, "no password is set for Kismet",
			"password_file = \"/home/pi/.kismet/kismet_httpd.conf\" under [plugins.kismet], in conf.d/kismet.toml"});
	found.push_back({"kismet", Grade::good, fmt::format("Kismet answers at {}", url), ""});
}

} // namespace ctl
