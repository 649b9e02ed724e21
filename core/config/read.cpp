// Reading the files: bounded, in order, merged.
#include "config/config.hpp"
#include "config/settings.hpp"
#include "config/toml.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace core::config {

namespace {
constexpr std::size_t most_bytes = 1024 * 1024;
constexpr std::size_t most_files = 256;

struct Closing {
	int fd;
	explicit Closing(int fd_) : fd(fd_) {}
	~Closing()
	{
		if (fd >= 0) close(fd);
	}
	Closing(const Closing &) = delete;
	Closing &operator=(const Closing &) = delete;
};

std::string hint(int error)
{
	if (error == ENOENT) return "no such file";
	if (error == EACCES) return fmt::format("permission denied (as user {}); see its mode and owner, and those of its folders", geteuid());
	return std::strerror(error);
}

/// The whole file. O_NONBLOCK: a FIFO without a writer must not hold us.
tl::expected<std::string, std::string> contents(const std::string &file)
{
	const Closing in(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	if (in.fd < 0) return tl::unexpected(fmt::format("cannot be read: {}", hint(errno)));
	struct stat about {};
	if (fstat(in.fd, &about) != 0) return tl::unexpected(fmt::format("cannot be read: {}", hint(errno)));
	if (S_ISDIR(about.st_mode)) return tl::unexpected(std::string("is a folder; a TOML file is wanted"));
	if (!S_ISREG(about.st_mode)) return tl::unexpected(std::string("is no regular file"));
	std::string out;
	const auto size = static_cast<std::size_t>(about.st_size);
	if (size <= most_bytes) out.resize(most_bytes + 1);
	std::size_t n = 0;
	while (n < out.size()) {
		const ssize_t got = ::read(in.fd, out.data() + n, out.size() - n);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return tl::unexpected(fmt::format("cannot be read: {}", hint(errno)));
		if (got == 0) break;
		n += static_cast<std::size_t>(got);
	}
	if (size > most_bytes || n > most_bytes) return tl::unexpected(fmt::format("is larger than {} bytes; is it a configuration?", most_bytes));
	out.resize(n);
	out.shrink_to_fit();
	return out;
}

std::string folder_of(const std::string &file)
{
	const std::size_t slash = file.rfind('/');
	return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

/// conf.d/*.toml beside the file, in name order. A folder that is not there has none.
std::vector<std::string> more_files(const std::string &file, std::vector<Problem> &problems)
{
	const std::string folder = folder_of(file) + "conf.d";
	const std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir(folder.c_str()), &closedir);
	std::vector<std::string> out;
	if (!dir) {
		if (errno != ENOENT) problems.push_back({{folder, 0, 0}, fmt::format("cannot be read: {}", hint(errno))});
		return out;
	}
	while (const dirent *entry = readdir(dir.get())) {
		const std::string_view name = entry->d_name;
		if (!name.starts_with('.') && name.ends_with(".toml")) out.push_back(fmt::format("{}/{}", folder, name));
	}
	std::ranges::sort(out);
	if (out.size() > most_files) {
		problems.push_back({{folder, 0, 0}, fmt::format("has {} files, at most {} are read", out.size(), most_files)});
		out.resize(most_files);
	}
	return out;
}

bool is_within(const std::string &path, const std::string &of)
{
	return path.size() > of.size() && path.starts_with(of) && (path[of.size()] == '.' || path[of.size()] == '[');
}

/// `from` into `into`: tables merge, anything else replaces what was there, with its places.
void merge(json_t *into, const json_t *from, const std::string &path, std::map<std::string, Place> &places)
{
	const char *key;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(from), key, v) {
		const std::string here = path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
		json_t *there = json_object_get(into, key);
		if (json_is_object(there) && json_is_object(v)) {
			merge(there, v, here, places);
		} else {
			if (there) std::erase_if(places, [&](const auto &p) { return is_within(p.first, here); });
			json_object_set(into, key, v);
		}
	}
}

/// One file into what was read before. False: it is not whole, what was found is told.
bool take_in(const std::string &file, pb::Json &table, std::map<std::string, Place> &places, std::vector<Problem> &problems)
{
	const auto text = contents(file);
	if (!text) return problems.push_back({{file, 0, 0}, text.error()}), false;
	auto parsed = parse_toml(*text, file);
	if (!parsed) {
		std::ranges::move(parsed.error(), std::back_inserter(problems));
		return false;
	}
	merge(table.get(), parsed->table.get(), "", places);
	for (auto &[path, place] : parsed->places) places[path] = std::move(place);
	return true;
}
} // namespace

std::string to_string(const Problem &p)
{
	if (p.place.file.empty()) return p.message;
	if (p.place.line == 0) return fmt::format("{}: {}", p.place.file, p.message);
	return fmt::format("{}:{}:{}: {}", p.place.file, p.place.line, p.place.column, p.message);
}

tl::expected<Config, std::vector<Problem>> read(const std::string &file, const Flags &flags)
{
	Config config;
	std::vector<Problem> problems;
	pb::Json table = pb::Json::object();
	if (!file.empty()) {
		config.files.push_back(file);
		std::ranges::move(more_files(file, problems), std::back_inserter(config.files));
	}
	for (const std::string &f : config.files) (void)take_in(f, table, config.places, problems);
	const bool is_whole = problems.empty();
	const auto order = [&config](const Problem &p) { // as a reader meets them
		const auto i = std::ranges::find(config.files, p.place.file);
		return std::tuple(i - config.files.begin(), p.place.line, p.place.column);
	};
	apply(table, flags, is_whole, config, problems);
	std::ranges::stable_sort(problems, {}, order);
	if (!problems.empty()) return tl::unexpected(std::move(problems));
	return config;
}

} // namespace core::config
