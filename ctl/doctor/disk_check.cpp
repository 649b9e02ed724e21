// Full disks: where Patchbay keeps its state, where Kismet logs, and the root.
#include "doctor/checks.hpp"

#include "terminal/units.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <set>

namespace ctl {

namespace {

constexpr double bad_bytes = 64.0 * 1024 * 1024, odd_share = 0.05, odd_bytes = 1024.0 * 1024 * 1024;

/// The folder, or the nearest one above it that is there.
std::string existing(std::string path)
{
	struct stat s {};
	while (path.size() > 1 && stat(path.c_str(), &s) != 0) path.resize(std::max<std::size_t>(path.rfind('/'), 1));
	return path.empty() ? "/" : path;
}

} // namespace

void check_disks(const Kit &kit, Findings &found)
{
	std::vector<std::string> folders{"/", kit.config.core.state.directory};
	for (std::string &f : kit.list("csv", "directories", {"/home/pi/kismet_ops"})) folders.push_back(std::move(f));
	std::set<dev_t> seen;
	for (const std::string &wanted : folders) {
		if (wanted.empty() || wanted[0] != '/') continue;
		const std::string folder = existing(wanted);
		struct stat s {};
		struct statvfs v {};
		if (stat(folder.c_str(), &s) != 0 || !seen.insert(s.st_dev).second || statvfs(folder.c_str(), &v) != 0 || v.f_blocks == 0) continue;
		const double free = static_cast<double>(v.f_bavail) * static_cast<double>(v.f_frsize),
					 size = static_cast<double>(v.f_blocks) * static_cast<double>(v.f_frsize);
		const bool lacks_inodes = v.f_files > 0 && v.f_favail == 0, is_read_only = (v.f_flag & ST_RDONLY) != 0;
		const std::string mend = fmt::format("sudo du -xhd2 {} 2>/dev/null | sort -h | tail; then remove what is not needed", folder);
		if (is_read_only)
			found.push_back({"disk", Grade::bad, fmt::format("{} is mounted read-only", folder),
				fmt::format("sudo mount -o remount,rw {}; dmesg says why it became so", folder)});
		else if (lacks_inodes) found.push_back({"disk", Grade::bad, fmt::format("{} has room, but for no more files", folder), mend});
		else if (free < bad_bytes)
			found.push_back({"disk", Grade::bad, fmt::format("the disk of {} is full: {} of {} are free", folder, bytes_text(free), bytes_text(size)), mend});
		else if (free < size * odd_share && free < odd_bytes)
			found.push_back(
				{"disk", Grade::odd, fmt::format("the disk of {} is nearly full: {} of {} are free", folder, bytes_text(free), bytes_text(size)), mend});
		else found.push_back({"disk", Grade::good, fmt::format("the disk of {} has {} free", folder, bytes_text(free)), ""});
	}
}

} // namespace ctl
