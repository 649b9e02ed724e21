// gpsd: is it there, has it a device, may it use it, and is the clock what the satellites say.
#include "doctor/checks.hpp"
#include "doctor/processes.hpp"

#include "terminal/units.hpp"

#include <fmt/format.h>

#include <glob.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>

namespace ctl {

namespace {

constexpr double tolerated_seconds = 2, bad_seconds = 30;

/// Serial devices that look like receivers.
std::vector<std::string> candidates()
{
	std::vector<std::string> out;
	for (const char *pattern : {"/dev/gps*", "/dev/ttyACM*", "/dev/ttyUSB*"}) {
		glob_t found{};
		if (glob(pattern, 0, nullptr, &found) == 0)
			for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
		globfree(&found);
	}
	return out;
}

bool may_use(const Process &p, const struct stat &s)
{
	if (p.uid == 0) return true;
	const mode_t wanted = p.uid == s.st_uid ? S_IRUSR | S_IWUSR : p.groups.contains(s.st_gid) ? S_IRGRP | S_IWGRP : S_IROTH | S_IWOTH;
	return (s.st_mode & wanted) == wanted;
}

std::string group_name(gid_t gid)
{
	const group *g = getgrgid(gid);
	return g ? g->gr_name : std::to_string(gid);
}

/// What keeps gpsd from a device; empty: nothing that we can see.
std::optional<Finding> flaw_of(const std::string &path, const std::vector<Process> &gpsd)
{
	struct stat s {};
	if (path.empty() || path[0] != '/') return {}; // a network source
	if (stat(path.c_str(), &s) != 0)
		return Finding{"gpsd", Grade::bad, fmt::format("gpsd's device {} is not there", path), "plug it in; `dmesg | tail` says under which name it comes"};
	const auto denied = [&](const Process &p) { return !may_use(p, s); };
	for (const Process &p : gpsd) {
		if (!denied(p)) continue;
		const std::string group = group_name(s.st_gid);
		const bool would_group_do = (s.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP) && s.st_gid != 0;
		return Finding{"gpsd", Grade::bad, fmt::format("gpsd (user {}) has no right to {} (mode {:03o}, group {})", p.uid, path, s.st_mode & 0777U, group),
			would_group_do ? fmt::format("sudo usermod -aG {} gpsd && sudo systemctl restart gpsd", group)
						   : fmt::format("sudo chgrp dialout {0} && sudo chmod 660 {0}", path)};
	}
	return {};
}

/// gpsd, as it listens there; else all that are called so.
std::vector<Process> gpsd_on(const std::string &port)
{
	std::uint16_t number = 0;
	(void)std::from_chars(port.data(), port.data() + port.size(), number);
	auto listener = listener_on(number);
	if (listener && listener->process && listener->process->name == "gpsd") return {std::move(*listener->process)};
	return processes_called("gpsd");
}

/// It has none: it drops what it cannot open. What it was started with, and what is plugged in, may say why.
Finding no_device(const std::vector<Process> &gpsd)
{
	const auto plugged = candidates();
	std::vector<std::string> named;
	for (const Process &p : gpsd)
		for (std::string &word : command_line_of(p.pid))
			if (word.starts_with("/dev/")) named.push_back(std::move(word));
	named.insert(named.end(), plugged.begin(), plugged.end());
	for (const std::string &device : named)
		if (auto flaw = flaw_of(device, gpsd)) return std::move(*flaw);
	if (plugged.empty())
		return {"gpsd", Grade::bad, "gpsd has no device, and no receiver is plugged in", "plug one in; gpsd's devices stand in /etc/default/gpsd"};
	return {"gpsd", Grade::bad, fmt::format("gpsd has no device, but {} is plugged in", plugged[0]), fmt::format("sudo gpsdctl add {}", plugged[0])};
}

void check_devices(const GpsdLook &look, const std::vector<Process> &gpsd, Findings &found)
{
	if (!look.has_told_devices)
		return found.push_back({"gpsd", Grade::bad, "gpsd answers, but does not say which devices it has", "sudo systemctl restart gpsd"});
	if (look.devices.empty()) return found.push_back(no_device(gpsd));
	for (const GpsdDevice &d : look.devices) {
		if (auto flaw = flaw_of(d.path, gpsd)) found.push_back(std::move(*flaw));
		else if (!d.is_open)
			found.push_back(
				{"gpsd", Grade::bad, fmt::format("gpsd has not opened {}", d.path), fmt::format("sudo gpsdctl remove {0}; sudo gpsdctl add {0}", d.path)});
		else found.push_back({"gpsd", Grade::good, fmt::format("gpsd has {}", d.path), ""});
	}
}

} // namespace

void check_gpsd(const Kit &kit, const GpsdLook &look, Findings &found)
{
	const std::string where = fmt::format("{}:{}", kit.text("gpsd", "host", "127.0.0.1"), kit.text("gpsd", "port", "2947"));
	if (!look.failure.empty()) {
		const bool is_installed = access("/usr/sbin/gpsd", X_OK) == 0;
		return found.push_back({"gpsd", Grade::bad, fmt::format("gpsd does not answer at {}: {}", where, look.failure),
			is_installed ? "sudo systemctl start gpsd" : "sudo apt-get install gpsd"});
	}
	if (!look.is_gpsd)
		return found.push_back(
			{"gpsd", Grade::bad, fmt::format("what answers at {} is not gpsd", where), fmt::format("sudo ss -ltnp; then set port in [plugins.gpsd]")});
	check_devices(look, gpsd_on(kit.text("gpsd", "port", "2947")), found);
}

void check_clock(const GpsdLook &look, Findings &found)
{
	if (!look.clock_ahead) return;
	const double ahead = *look.clock_ahead;
	if (std::abs(ahead) <= tolerated_seconds) return found.push_back({"clock", Grade::good, "the clock agrees with the satellites", ""});
	const auto right = static_cast<std::time_t>(static_cast<double>(std::time(nullptr)) - ahead);
	std::tm utc{};
	gmtime_r(&right, &utc);
	std::array<char, 32> text{};
	(void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &utc);
	found.push_back({"clock", std::abs(ahead) > bad_seconds ? Grade::bad : Grade::odd,
		fmt::format("the clock is {} {} the satellites'", duration_text(Seconds(std::abs(ahead))), ahead > 0 ? "ahead of" : "behind"),
		fmt::format("sudo date -u -s \"{}\"", text.data())});
}

} // namespace ctl
