#include "log/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <iterator>

namespace core {

namespace {
constexpr std::array<std::string_view, 4> names{"error", "warn", "info", "debug"};
constexpr std::chrono::seconds window{10};
constexpr unsigned lines_a_window = 10;
constexpr std::size_t messages_kept = 1024;

// Control bytes are escaped as well: strangers choose some of this text, and a terminal obeys it.
void quote(std::string &out, std::string_view text)
{
	out += '"';
	for (const char c : text) {
		const auto u = static_cast<unsigned char>(c);
		if (c == '"' || c == '\\') (out += '\\') += c;
		else if (c == '\n') out += "\\n";
		else if (u < 0x20 || u == 0x7f) fmt::format_to(std::back_inserter(out), "\\x{:02x}", u);
		else out += c;
	}
	out += '"';
}

std::string now()
{
	const auto t = std::chrono::system_clock::now();
	const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count() % 1000;
	return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(t), ms);
}

std::string as_text(std::string_view level, std::string_view plugin, std::string_view message, const json_t *fields)
{
	std::string out = fmt::format("{} {} plugin={} message=", now(), level, plugin);
	quote(out, message);
	const char *key;
	json_t *value;
	json_object_foreach(const_cast<json_t *>(fields), key, value) {
		fmt::format_to(std::back_inserter(out), " {}=", key);
		if (json_is_string(value)) quote(out, pb::text_of(value));
		else out += pb::Json::share(value).text();
	}
	return out += '\n';
}

std::string as_json(std::string_view level, std::string_view plugin, std::string_view message, const json_t *fields)
{
	pb::Json line{{"time", now()}, {"level", level}, {"plugin", plugin}, {"message", message}};
	if (fields) json_object_update_missing(line.get(), const_cast<json_t *>(fields));
	return line.text() += '\n';
}
} // namespace

bool parse_level(std::string_view word, pb_level &out) noexcept
{
	for (std::size_t i = 0; i < names.size(); ++i)
		if (names[i] == word) {
			out = static_cast<pb_level>(i);
			return true;
		}
	return false;
}

Log::~Log()
{
	if (fd > 2) close(fd);
}

bool Log::open(const std::string &file)
{
	const int next = file.empty() ? 2 : ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (next < 0) return false;
	if (fd > 2) close(fd);
	fd = next;
	path = file;
	return true;
}

void Log::reopen()
{
	if (!path.empty() && !open(path)) warn("log file cannot be opened again; the old one goes on", {{"file", path}});
}

void Log::write(pb_level at, std::string_view plugin, std::string_view message, const json_t *fields)
{
	if (at > level) return;
	if (repeats.size() >= messages_kept) repeats.clear();
	Repeat &r = repeats[std::string(plugin).append("\n").append(message)];
	const auto t = std::chrono::steady_clock::now();
	if (t - r.since > window) r.since = t, r.written = 0;
	if (++r.written > lines_a_window) {
		++r.left_out;
		++suppressed;
		return;
	}
	pb::Json more;
	if (r.left_out != 0) {
		more = fields ? pb::Json::own(json_copy(const_cast<json_t *>(fields))) : pb::Json::object();
		more.set("repeated", std::exchange(r.left_out, 0));
		fields = more.get();
	}
	const std::string_view name = names.at(at);
	const std::string line = format == Format::json ? as_json(name, plugin, message, fields) : as_text(name, plugin, message, fields);
	(void)!::write(fd, line.data(), line.size()); // a log that cannot be written has no better place to say so
	++lines;
	if (on_line) on_line(at, plugin, message, fields);
}

} // namespace core
