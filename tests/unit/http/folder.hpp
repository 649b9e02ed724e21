// A temporary folder for one test, removed with it.
#pragma once
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

class Folder final {
public:
	Folder()
	{
		char name[] = "/tmp/patchbay-unit-XXXXXX";
		path = mkdtemp(name) ? name : "";
	}
	Folder(const Folder &) = delete;
	Folder &operator=(const Folder &) = delete;
	~Folder()
	{
		if (!path.empty())
			nftw(
				path.c_str(), [](const char *p, const struct stat *, int, FTW *) { return remove(p); }, 16, FTW_DEPTH | FTW_PHYS);
	}
	void write(const std::string &name, std::string_view content) const
	{
		const int fd = open((path + '/' + name).c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) abort();
		close(fd);
	}
	void folder(const std::string &name) const { (void)!mkdir((path + '/' + name).c_str(), 0755); }
	void link(const std::string &to, const std::string &name) const { (void)!symlink(to.c_str(), (path + '/' + name).c_str()); }
	std::string path;
};
