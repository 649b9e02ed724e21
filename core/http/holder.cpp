#include "http/holder.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>

namespace core::http {

namespace {
struct CloseFile {
	void operator()(std::FILE *f) const noexcept { std::fclose(f); }
};
struct CloseFolder {
	void operator()(DIR *d) const noexcept { closedir(d); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;
using Folder = std::unique_ptr<DIR, CloseFolder>;

/// Inodes of the sockets that listen on that port, on this or every address.
void listening_inodes(const char *table, unsigned port, std::set<unsigned long> &out)
{
	const File f(std::fopen(table, "re"));
	char line[512];
	while (f && std::fgets(line, sizeof line, f.get())) {
		char local[40];
		unsigned local_port = 0, state = 0;
		unsigned long inode = 0;
		const int n = std::sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", local, &local_port, &state, &inode);
		if (n == 4 && state == 0x0a && local_port == port) out.insert(inode);
	}
}

void unix_inodes(std::string_view path, std::set<unsigned long> &out)
{
	const File f(std::fopen("/proc/net/unix", "re"));
	char line[512];
	while (f && std::fgets(line, sizeof line, f.get())) {
		unsigned long inode = 0;
		char name[256];
		if (std::sscanf(line, "%*x: %*x %*x %*x %*x %*x %lu %255s", &inode, name) == 2 && path == name) out.insert(inode);
	}
}

std::string read_line(const std::string &path)
{
	const File f(std::fopen(path.c_str(), "re"));
	char text[161];
	const std::size_t n = f ? std::fread(text, 1, sizeof text - 1, f.get()) : 0;
	std::string out(text, n);
	for (char &c : out)
		if (static_cast<unsigned char>(c) < 0x20) c = ' '; // between arguments stands a NUL
	while (!out.empty() && out.back() == ' ') out.pop_back();
	return out;
}

bool has_open(const std::string &fds, const std::set<unsigned long> &inodes)
{
	const Folder d(opendir(fds.c_str()));
	while (const dirent *e = d ? readdir(d.get()) : nullptr) {
		char link[64];
		const ssize_t n = readlinkat(dirfd(d.get()), e->d_name, link, sizeof link - 1);
		if (n <= 0) continue;
		link[n] = '\0';
		unsigned long inode = 0;
		if (std::sscanf(link, "socket:[%lu]", &inode) == 1 && inodes.contains(inode)) return true;
	}
	return false;
}
} // namespace

std::string holder_of(const sockaddr *address)
{
	std::set<unsigned long> inodes;
	if (address->sa_family == AF_UNIX) {
		unix_inodes(reinterpret_cast<const sockaddr_un *>(address)->sun_path, inodes);
	} else {
		const unsigned port = ntohs(address->sa_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6 *>(address)->sin6_port
																   : reinterpret_cast<const sockaddr_in *>(address)->sin_port);
		listening_inodes("/proc/net/tcp", port, inodes);
		listening_inodes("/proc/net/tcp6", port, inodes);
	}
	const Folder proc(inodes.empty() ? nullptr : opendir("/proc"));
	while (const dirent *e = proc ? readdir(proc.get()) : nullptr) {
		const std::string_view pid = e->d_name;
		if (pid.find_first_not_of("0123456789") != std::string_view::npos) continue;
		const std::string folder = fmt::format("/proc/{}", pid);
		if (!has_open(folder + "/fd", inodes)) continue;
		std::string command = read_line(folder + "/cmdline");
		if (command.empty()) command = read_line(folder + "/comm");
		return fmt::format("pid {} ({})", pid, command);
	}
	return {};
}

} // namespace core::http
