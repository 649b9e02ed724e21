// The configuration, the daemon, and who stands in its way.
#include "doctor/checks.hpp"
#include "doctor/processes.hpp"

#include "failure.hpp"
#include "program.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace ctl {

namespace {

/// The port in "127.0.0.1:8092"; 0: none.
std::uint16_t port_of(std::string_view listen)
{
	const std::size_t colon = listen.rfind(':');
	std::uint16_t port = 0;
	if (colon == std::string_view::npos || listen.starts_with("unix:")) return 0;
	(void)std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
	return port;
}

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

} // namespace

void check_config(const Kit &kit, Findings &found)
{
	if (kit.file.empty()) return;
	if (access(kit.file.c_str(), R_OK) != 0)
		return found.push_back({"configuration", Grade::odd, fmt::format("{} cannot be read by this user, so the usual settings are looked at", kit.file),
			"sudo patchbayctl doctor"});
	std::string said;
	int code = not_done;
	try {
		code = run_program({daemon_path(), "--check", "--config", kit.file}, &said);
	} catch (const Failure &f) {
		return found.push_back({"configuration", Grade::odd, fmt::format("{} was not checked: {}", kit.file, f.text), ""});
	}
	if (code == done) return found.push_back({"configuration", Grade::good, fmt::format("{} is right", kit.file), ""});
	const auto lines = std::ranges::count(said, '\n');
	found.push_back({"configuration", Grade::bad, fmt::format("{}{}", first_line(said), lines > 1 ? fmt::format(" (and {} more)", lines - 1) : ""),
		fmt::format("sudoedit {}; then patchbayctl config check {}", kit.file, kit.file)});
}

void check_daemon_gone(const Kit &kit, const std::string &why, Findings &found)
{
	for (const std::string &listen : kit.config.core.http.listen) {
		const std::uint16_t port = port_of(listen);
		const auto listener = port != 0 ? listener_on(port) : std::nullopt;
		if (!listener) continue;
		if (!listener->process) {
			found.push_back({"port", Grade::bad, fmt::format("port {} is taken by another user's program, so Patchbay cannot listen there", port),
				fmt::format("sudo ss -ltnp 'sport = :{}'", port)});
		} else if (listener->process->name != "patchbayd") {
			const Process &p = *listener->process;
			found.push_back({"port", Grade::bad, fmt::format("port {} is taken by {} (PID {}), so Patchbay cannot listen there", port, p.name, p.pid),
				fmt::format("sudo kill {}", p.pid)});
		}
	}
	found.push_back({"patchbay", Grade::bad, first_line(why), "sudo systemctl start patchbay"});
}

} // namespace ctl
