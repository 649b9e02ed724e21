#include "record.hpp"

#include "keeper/protocol.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <set>

#include <sys/resource.h>

namespace procs {

namespace {
/// The words of one line.
class Words {
public:
	explicit Words(std::string_view line_) : line(line_) {}
	std::string_view next() noexcept
	{
		const std::size_t space = std::min(line.find(' '), line.size());
		const std::string_view w = line.substr(0, space);
		line.remove_prefix(std::min(space + 1, line.size()));
		return w;
	}
	template<typename T> bool number(T &out) noexcept
	{
		const std::string_view w = next();
		const auto r = std::from_chars(w.data(), w.data() + w.size(), out);
		return r.ec == std::errc() && r.ptr == w.data() + w.size() && !w.empty();
	}
	[[nodiscard]] std::string_view rest() const noexcept { return line; }

private:
	std::string_view line;
};

/// f(word, Words) for each line; false ends it.
template<typename F> bool each_line(std::string_view text, F f)
{
	while (!text.empty()) {
		const std::size_t end = std::min(text.find('\n'), text.size());
		Words words(text.substr(0, end));
		const std::string_view first = words.next();
		if (!f(first, words)) return false;
		text.remove_prefix(std::min(end + 1, text.size()));
	}
	return true;
}

class Spec {
public:
	void add(std::string_view key, std::string_view value)
	{
		if (value.find('\0') != std::string_view::npos && why.empty()) why = fmt::format("{} holds a NUL byte", key);
		out.append(key).append("=").append(value).push_back('\0');
		++count;
	}
	std::string out, why;
	std::size_t count = 0;
};

void add_environment(Spec &spec, const ProcessSettings &s, const Launch &l)
{
	std::map<std::string, std::string> all{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
	if (l.user) {
		all["HOME"] = l.user->home;
		all["USER"] = all["LOGNAME"] = l.user->name;
		all["SHELL"] = l.user->shell;
	}
	for (const auto &[k, v] : s.environment) all[k] = v;
	for (const auto &[k, v] : l.environment) all[k] = v;
	if (s.ready.kind == Ready::Kind::notify) all["NOTIFY_SOCKET"] = l.folder + "/n";
	all[std::string(marker)] = fmt::format("{}.{}", l.name, l.nonce);
	for (const auto &[k, v] : all) spec.add("env", k + "=" + v);
}

void add_limits(Spec &spec, const ProcessSettings &s)
{
	const auto value = [](std::int64_t n) { return n < 0 ? std::string("-") : fmt::format("{}", n); };
	for (const auto &[name, n] : s.limits) spec.add("limit", fmt::format("{}:{}:{}", limit_number(name), value(n), value(n)));
}
} // namespace

std::optional<Id> parse_id(std::string_view text)
{
	Id id;
	const bool is_good = each_line(text, [&](std::string_view word, Words &w) {
		if (word == "keeper") return w.number(id.keeper.pid) && w.number(id.keeper.start);
		if (word == "main") return w.number(id.main.pid) && w.number(id.main.start);
		if (word == "boot") return id.boot = w.rest(), true;
		if (word == "cgns") return w.number(id.cgns);
		if (word == "cgroup") return id.cgroup = w.rest() == "-" ? "" : w.rest(), true;
		if (word == "began") return w.number(id.began_ms);
		return true;
	});
	if (!is_good || !id.keeper || id.main.pid < 0) return {};
	return id;
}

std::optional<Ended> parse_exit(std::string_view text)
{
	Ended e;
	bool has_main = false;
	const bool is_good = each_line(text, [&](std::string_view word, Words &w) {
		if (word == "main") return has_main = w.number(e.code) && w.number(e.signal), has_main;
		if (word == "began") return w.number(e.began_ms);
		if (word == "ended") return w.number(e.ended_ms);
		if (word == "killed") return w.number(e.killed);
		if (word == "lost") return w.number(e.lost);
		if (word == "failed") return w.number(e.step) && w.number(e.error);
		return true;
	});
	if (!is_good || !has_main || e.code < -1 || e.code > 255 || e.signal < 0 || e.signal > 64) return {};
	return e;
}

std::string make_spec(const ProcessSettings &s, const Launch &l, std::string &why)
{
	Spec spec;
	spec.add("v", fmt::format("{}", KEEP_VERSION));
	spec.add("name", l.name);
	spec.add("nonce", l.nonce);
	spec.add("boot", boot_id());
	for (const std::string &a : s.command) spec.add("arg", a);
	for (const std::string &a : l.arguments) spec.add("arg", a);
	add_environment(spec, s, l);
	spec.add("dir", s.directory);
	spec.add("umask", s.umask);
	if (l.user) {
		spec.add("uid", fmt::format("{}", l.user->uid));
		spec.add("gid", fmt::format("{}", l.user->gid));
		spec.add("groups", fmt::format("{}", fmt::join(l.user->groups, ",")));
	}
	add_limits(spec, s);
	if (s.nice) spec.add("nice", fmt::format("{}", *s.nice));
	if (s.oom_score_adjust) spec.add("oom", fmt::format("{}", *s.oom_score_adjust));
	if (!s.io_class.empty()) spec.add("ioprio", fmt::format("{}:{}", s.io_class == "realtime" ? 1 : s.io_class == "best-effort" ? 2 : 3, s.io_level));
	spec.add("log", l.log);
	spec.add("log_bytes", fmt::format("{}", s.log_size));
	spec.add("log_files", fmt::format("{}", s.log_files));
	if (!l.cgroup.empty()) spec.add("cgroup", l.cgroup);
	if (l.own_namespace) spec.add("cgns", "1");
	if (s.ready.kind == Ready::Kind::notify) spec.add("notify", "1");
	spec.add("stop_signal", fmt::format("{}", signal_number(s.stop_signal)));
	spec.add("stop_ms", fmt::format("{}", s.stop_timeout.count()));
	why = spec.why;
	if (why.empty() && (spec.out.size() > KEEP_SPEC_MAX || s.command.size() + l.arguments.size() > KEEP_ARGS_MAX || spec.count > 2 * KEEP_ARGS_MAX))
		why = "command and environment are too long";
	return why.empty() ? std::move(spec.out) : std::string();
}

std::string spec_value(std::string_view spec, std::string_view key)
{
	while (!spec.empty()) {
		const std::size_t end = std::min(spec.find('\0'), spec.size());
		const std::string_view record = spec.substr(0, end);
		if (record.size() > key.size() && record.starts_with(key) && record[key.size()] == '=') return std::string(record.substr(key.size() + 1));
		spec.remove_prefix(std::min(end + 1, spec.size()));
	}
	return {};
}

} // namespace procs
