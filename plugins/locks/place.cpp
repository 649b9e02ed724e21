// Where a lock file belongs. A request's path is hostile: it may lead out of the roots by "..", by links, or by a folder that
// becomes a link while we look.
#include "lock_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fcntl.h>

namespace locks {

namespace {

std::string real_path(const std::string &path)
{
	const std::unique_ptr<char, decltype(&std::free)> p(::realpath(path.c_str(), nullptr), &std::free);
	return p ? p.get() : "";
}

/// The part of `path` beneath `root`: "" where it is the root itself; nothing where it lies outside.
std::optional<std::string> beneath(const std::string &root, const std::string &path)
{
	if (root.empty()) return {};
	if (root == "/") return path.substr(1);
	if (path == root) return "";
	if (path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/') return path.substr(root.size() + 1);
	return {};
}

/// Opens the folder step by step, so that no part of it can have become a link since realpath() looked.
Fd open_beneath(const std::string &root, std::string_view rest)
{
	constexpr int how = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	Fd at(::open(root.c_str(), how));
	while (at && !rest.empty()) {
		const std::string part(rest.substr(0, rest.find('/')));
		rest.remove_prefix(std::min(rest.size(), part.size() + 1));
		at = Fd(::openat(at.get(), part.c_str(), how));
	}
	return at;
}

} // namespace

std::variant<Place, Fault> find_place(const std::vector<std::string> &roots, const std::string &path)
{
	const auto slash = path.rfind('/');
	const std::string last = slash == std::string::npos ? "" : path.substr(slash + 1);
	if (path.empty() || path[0] != '/' || path.size() >= PATH_MAX || last.empty() || last == "." || last == ".." || last.size() + 5 > NAME_MAX ||
		path.find('\0') != std::string::npos)
		return Fault{400, "", fmt::format("path: {} is no absolute path of a file", path.substr(0, 200))};

	const Fault forbidden{
		403, "PATH_FORBIDDEN", fmt::format("{} lies outside the folders in which lock files may be made; they are set by [plugins.locks] file_roots", path)};
	const std::string folder = real_path(slash == 0 ? "/" : path.substr(0, slash));
	const int why = errno;
	// What is outside is not looked at: a missing folder is said only where it would be allowed.
	for (const std::string &root_path : roots) {
		const std::string root = real_path(root_path);
		if (folder.empty()) {
			if (path.find("/../") == std::string::npos && (beneath(root, path) || beneath(root_path, path)))
				return Fault{why == ENOENT ? 404 : 409, "", fmt::format("{}: the folder of the lock file cannot be opened: {}", path, std::strerror(why))};
			continue;
		}
		const auto rest = beneath(root, folder);
		if (!rest) continue;
		Fd fd = open_beneath(root, *rest);
		if (!fd) return forbidden;
		return Place{std::move(fd), last + ".lock", (folder == "/" ? "" : folder) + "/" + last};
	}
	return forbidden;
}

} // namespace locks
