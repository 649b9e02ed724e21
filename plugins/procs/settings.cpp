#include "settings.hpp"

#include "graph.hpp"
#include "probe_target.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <span>
#include <sys/resource.h>

namespace procs {

namespace {
struct Named {
	std::string_view name;
	int number;
};

constexpr std::array signals{Named{"HUP", SIGHUP}, Named{"INT", SIGINT}, Named{"QUIT", SIGQUIT}, Named{"ILL", SIGILL}, Named{"TRAP", SIGTRAP},
	Named{"ABRT", SIGABRT}, Named{"BUS", SIGBUS}, Named{"FPE", SIGFPE}, Named{"KILL", SIGKILL}, Named{"USR1", SIGUSR1}, Named{"SEGV", SIGSEGV},
	Named{"USR2", SIGUSR2}, Named{"PIPE", SIGPIPE}, Named{"ALRM", SIGALRM}, Named{"TERM", SIGTERM}, Named{"CHLD", SIGCHLD}, Named{"CONT", SIGCONT},
	Named{"STOP", SIGSTOP}, Named{"TSTP", SIGTSTP}, Named{"TTIN", SIGTTIN}, Named{"TTOU", SIGTTOU}, Named{"URG", SIGURG}, Named{"XCPU", SIGXCPU},
	Named{"XFSZ", SIGXFSZ}, Named{"VTALRM", SIGVTALRM}, Named{"PROF", SIGPROF}, Named{"WINCH", SIGWINCH}, Named{"IO", SIGIO}, Named{"PWR", SIGPWR},
	Named{"SYS", SIGSYS}};

constexpr std::array limits{Named{"cpu", RLIMIT_CPU}, Named{"fsize", RLIMIT_FSIZE}, Named{"data", RLIMIT_DATA}, Named{"stack", RLIMIT_STACK},
	Named{"core", RLIMIT_CORE}, Named{"rss", RLIMIT_RSS}, Named{"nproc", RLIMIT_NPROC}, Named{"nofile", RLIMIT_NOFILE}, Named{"memlock", RLIMIT_MEMLOCK},
	Named{"as", RLIMIT_AS}, Named{"locks", RLIMIT_LOCKS}, Named{"sigpending", RLIMIT_SIGPENDING}, Named{"msgqueue", RLIMIT_MSGQUEUE},
	Named{"nice", RLIMIT_NICE}, Named{"rtprio", RLIMIT_RTPRIO}, Named{"rttime", RLIMIT_RTTIME}};

bool is_name(std::string_view s) noexcept
{
	return !s.empty() && s.size() <= 64 && s.front() != '.' && s.front() != '-' && std::ranges::all_of(s, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
	});
}

bool is_octal(std::string_view s) noexcept
{
	return !s.empty() && s.size() <= 4 && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '7'; });
}

bool is_absolute(std::string_view path) noexcept { return path.starts_with('/') && path.find('\0') == std::string_view::npos; }

class Checker {
public:
	explicit Checker(const Settings &s) : settings(s) {}

	std::vector<std::string> run()
	{
		for (const auto &[name, p] : settings.process) {
			where = "process." + name;
			if (!is_name(name)) fault("is no name: letters, digits, _ - . and at most 64 of them");
			if (name == "summary") fault("is taken: procs/summary is the topic of all of them");
			process(name, p);
		}
		groups();
		where = "process";
		std::map<std::string, std::vector<std::string>> edges;
		for (const auto &[name, p] : settings.process) edges[name] = p.needs;
		if (const auto cycle = find_cycle(edges); !cycle.empty()) fault(fmt::format("requires goes in a circle: {}", fmt::join(cycle, " → ")));
		where.clear();
		for (const std::string *path : {&settings.pid_dir, &settings.keep_dir, &settings.log_dir, &settings.keeper})
			if (!path->empty() && !is_absolute(*path)) fault(fmt::format("{} must be an absolute path", *path));
		return std::move(faults);
	}

private:
	void fault(const std::string &text) { faults.push_back(where.empty() ? text : where + ": " + text); }

	void process(const std::string &name, const ProcessSettings &p)
	{
		kind(p);
		for (const std::string &need : p.needs) known("requires", need, name);
		for (const std::string &other : p.conflicts) known("conflicts", other, name);
		ready(p);
		for (const std::string &path : p.pid_files)
			if (!is_absolute(path)) fault(fmt::format("pid_files: {} must be an absolute path", path));
		if (p.adopt && p.adopt->executable.empty() && p.adopt->arguments.empty()) fault("adopt needs an executable or arguments");
		if (p.adopt && p.command.empty()) fault("adopt goes with a command");
		for (const int port : p.ports)
			if (port < 1 || port > 65535) fault(fmt::format("ports: {} is no port", port));
	}

	void kind(const ProcessSettings &p)
	{
		const int kinds = !p.command.empty() + !p.unit.empty() + p.observed;
		if (kinds != 1) fault("needs one of command, unit and observed");
		if (!p.command.empty() && p.command.front().empty()) fault("command has no program");
		if (p.observed && (p.ready.kind == Ready::Kind::none || p.ready.kind == Ready::Kind::notify || p.ready.kind == Ready::Kind::log))
			fault("observed needs ready with tcp, http or file");
		if (!p.unit.empty() && (p.ready.kind == Ready::Kind::notify || p.ready.kind == Ready::Kind::log))
			fault("a unit's own type tells when it has started; ready takes tcp, http or file");
		if (!is_absolute(p.directory)) fault(fmt::format("directory {} must be an absolute path", p.directory));
		if (!is_octal(p.umask)) fault(fmt::format("umask {} is not octal", p.umask));
		if (signal_number(p.stop_signal) == 0) fault(fmt::format("stop_signal {} is no signal", p.stop_signal));
		for (const auto &[key, value] : p.limits) {
			if (limit_number(key) < 0) fault(fmt::format("limits: {} is no resource limit", key));
			if (value < -1) fault(fmt::format("limits: {} = {} makes no sense; -1 is no limit", key, value));
		}
		for (const auto &[key, value] : p.environment)
			if (key.empty() || key.find('=') != std::string::npos) fault(fmt::format("environment: \"{}\" is no name", key));
	}

	void known(std::string_view what, const std::string &other, const std::string &self)
	{
		if (other == self) fault(fmt::format("{} names itself", what));
		else if (!settings.process.contains(other)) fault(fmt::format("{} names {}, which is no process", what, other));
	}

	void ready(const ProcessSettings &p)
	{
		if (p.ready.conditions.size() > 1) fault(fmt::format("ready has {}; one condition is wanted", fmt::join(p.ready.conditions, " and ")));
		if (p.ready.kind == Ready::Kind::tcp && !parse_endpoint(p.ready.target)) fault(fmt::format("ready.tcp {} is not HOST:PORT", p.ready.target));
		if (p.ready.kind == Ready::Kind::http && !parse_url(p.ready.target)) fault(fmt::format("ready.http {} is not http://HOST:PORT/PATH", p.ready.target));
		if (p.ready.kind == Ready::Kind::file && !is_absolute(p.ready.target)) fault(fmt::format("ready.file {} must be an absolute path", p.ready.target));
		if (p.ready.kind == Ready::Kind::log && p.ready.target.empty()) fault("ready.log is empty");
	}

	void groups()
	{
		for (const auto &[name, members] : settings.group) {
			where = "group." + name;
			if (!is_name(name)) fault("is no name: letters, digits, _ - . and at most 64 of them");
			if (members.empty()) fault("is empty");
			for (const std::string &m : members)
				if (!settings.process.contains(m)) fault(fmt::format("names {}, which is no process", m));
		}
	}

	const Settings &settings;
	std::string where;
	std::vector<std::string> faults;
};

int find(std::span<const Named> list, std::string_view name, int none) noexcept
{
	for (const Named &n : list)
		if (n.name == name) return n.number;
	return none;
}
} // namespace

void read_value(const json_t *j, Ready &out)
{
	out = {};
	if (json_is_string(j)) {
		out.kind = pb::text_of(j) == "notify" ? Ready::Kind::notify : Ready::Kind::none;
		return;
	}
	const auto t = pb::read_fields<Ready::Table>(j);
	const auto take = [&](Ready::Kind kind, const char *name, const std::optional<std::string> &value) {
		if (!value) return;
		out.kind = kind;
		out.target = *value;
		out.conditions.emplace_back(name);
	};
	take(Ready::Kind::tcp, "tcp", t.tcp);
	take(Ready::Kind::http, "http", t.http);
	take(Ready::Kind::file, "file", t.file);
	take(Ready::Kind::log, "log", t.log);
	if (t.notify) take(Ready::Kind::notify, "notify", "");
	out.timeout = t.timeout;
}

std::vector<std::string> faults_in(const Settings &settings) { return Checker(settings).run(); }

int signal_number(std::string_view name) noexcept
{
	if (name.starts_with("SIG")) name.remove_prefix(3);
	if (const int n = find(signals, name, 0); n != 0) return n;
	int n = 0;
	for (const char c : name) {
		if (c < '0' || c > '9' || n > 64) return 0;
		n = n * 10 + (c - '0');
	}
	return n <= 64 ? n : 0;
}

std::string signal_name(int number)
{
	for (const Named &n : signals)
		if (n.number == number) return fmt::format("SIG{}", n.name);
	return fmt::format("signal {}", number);
}

int limit_number(std::string_view name) noexcept { return find(limits, name, -1); }

} // namespace procs
