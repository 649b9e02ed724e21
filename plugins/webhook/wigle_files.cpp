#include "wigle_files.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace webhook {

namespace {
constexpr std::size_t most_files = 10'000;

struct Listing {
	std::vector<std::string> names; // newest first
	std::string why;                // not empty: it cannot be read
};

/// Blocks.
Listing list(const std::string &folder)
{
	struct File {
		std::string name;
		std::int64_t time;
	};
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(::opendir(folder.c_str()), &::closedir);
	if (!dir) return {{}, fmt::format("{}: {}", folder, std::strerror(errno))};
	std::vector<File> files;
	while (const dirent *e = ::readdir(dir.get())) {
		const std::string_view name = e->d_name;
		struct stat s {};
		if (!name.ends_with(".wiglecsv") || files.size() >= most_files) continue;
		if (::fstatat(::dirfd(dir.get()), e->d_name, &s, 0) != 0 || !S_ISREG(s.st_mode)) continue;
		files.push_back({std::string(name), static_cast<std::int64_t>(s.st_mtim.tv_sec) * 1'000'000'000 + s.st_mtim.tv_nsec});
	}
	std::ranges::sort(files, [](const File &a, const File &b) { return a.time != b.time ? a.time > b.time : a.name < b.name; });
	Listing out;
	for (File &f : files) out.names.push_back(std::move(f.name));
	return out;
}

std::string without_slash(std::string path)
{
	while (path.size() > 1 && path.back() == '/') path.pop_back();
	return path;
}
} // namespace

WigleFiles::WigleFiles(pb::Scope &scope_, std::vector<std::string> directories_)
	: scope(scope_), directories(std::move(directories_)), route(scope_, "GET /list_wigle_files", pb::bind<&WigleFiles::on_list>(this),
															   {.help = "the wiglecsv logs of a folder, newest first", .flags = PB_ROUTE_NO_STORE})
{}

void WigleFiles::on_list(const pb::None &, const Query &query, const pb::None &, pb::Request &&request)
{
	const bool is_any = !query.directory || query.directory->empty();
	const auto i = is_any ? directories.begin()
						  : std::ranges::find_if(directories, [&](const std::string &d) { return without_slash(d) == without_slash(*query.directory); });
	if (i == directories.end())
		throw pb::Error(
			403, "FORBIDDEN", fmt::format("{} is not one of wigle_directories in [plugins.webhook]", is_any ? "no folder" : pb::utf8(*query.directory)));
	auto r = std::make_shared<pb::Request>(std::move(request)); // shared: std::function copies
	const bool is_taken = scope.work([folder = *i] { return list(folder); },
		[r, folder = *i](const Listing &found) noexcept {
			if (!found.why.empty()) return r->fail(404, "NOT_FOUND", found.why);
			pb::Json files = pb::Json::array();
			for (const std::string &name : found.names) files.push(name);
			r->json(200, stamped({{"files", std::move(files)}, {"directory", folder}, {"count", found.names.size()}}));
		});
	if (!is_taken) r->fail(503, "", "the workers are too busy to list the folder; try again");
}

} // namespace webhook
