#include "host/crash.hpp"

#include <execinfo.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

namespace core::host {

namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr std::size_t crashes_in_a_row = 3; // issue: on the stack in the last 3 crashes within a minute
constexpr std::int64_t crash_window_seconds = 60;
constexpr int watchdog_tick_ms = 5000; // two ticks unanswered: past 10 s, and a daemon that was SIGSTOPped is not blamed
constexpr int ticks_until_hung = 2;

/// All that the signal handler may touch: no allocation, no locks.
struct Shared {
	struct Code {
		std::atomic<std::uintptr_t> begin{0}, end{0};
		char name[32]{};
	};
	std::array<Code, 128> code;
	std::array<struct sigaction, signals.size()> former{};
	int fd = -1;
	std::atomic<Reactor *> reactor{nullptr};
	std::atomic<bool> is_crashing{false};
	pthread_t loop{};
	alignas(16) std::array<char, 65536> stack{}; // a handler's own: the loop's may have overflowed
};
Shared shared; // a signal handler has no other way to its data

void put(int fd, const char *text) noexcept { (void)!write(fd, text, std::strlen(text)); }

void put_number(int fd, std::int64_t value) noexcept
{
	char digits[24];
	std::size_t at = sizeof digits;
	auto rest = static_cast<std::uint64_t>(value);
	do digits[--at] = static_cast<char>('0' + rest % 10);
	while ((rest /= 10) != 0);
	(void)!write(fd, digits + at, sizeof digits - at);
}

const Shared::Code *owner_of(std::uintptr_t address) noexcept
{
	for (const Shared::Code &c : shared.code)
		if (const auto begin = c.begin.load(); begin != 0 && address >= begin && address < c.end.load()) return &c;
	return nullptr;
}

void handle(int signal, siginfo_t *, void *) noexcept
{
	if (!shared.is_crashing.exchange(true)) {
		std::array<void *, 64> frames{};
		const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
		std::array<const char *, 8> names{};
		std::size_t named = 0;
		const auto name = [&](const char *n) {
			if (named < names.size() && std::none_of(names.begin(), names.begin() + named, [&](const char *have) { return std::strcmp(have, n) == 0; }))
				names[named++] = n;
		};
		for (int i = 0; i < count; ++i)
			if (const Shared::Code *c = owner_of(reinterpret_cast<std::uintptr_t>(frames[static_cast<std::size_t>(i)]))) name(c->name);
		Reactor *reactor = shared.reactor.load();
		if (reactor && pthread_equal(pthread_self(), shared.loop) && reactor->current() != &reactor->core) name(reactor->current()->name.c_str());
		for (const int out : {shared.fd, 2}) {
			if (out < 0) continue;
			if (out == 2) put(2, "patchbayd: crashed, signal ");
			else put_number(out, static_cast<std::int64_t>(time(nullptr)));
			if (out == 2) put_number(2, signal), put(2, named != 0 ? ", in" : "");
			for (std::size_t i = 0; i < named; ++i) put(out, " "), put(out, names[i]);
			put(out, "\n");
		}
		backtrace_symbols_fd(frames.data(), count, 2);
	}
	const auto i = static_cast<std::size_t>(std::ranges::find(signals, signal) - signals.begin());
	sigaction(signal, &shared.former.at(i), nullptr); // the former handler, or the default, meets the same fault again
	if (signal == SIGABRT) raise(signal);
}

} // namespace

Crash::Crash(Reactor &reactor_, const std::string &directory) : reactor(reactor_)
{
	shared.loop = pthread_self();
	shared.reactor = &reactor;
	shared.is_crashing = false;
	if (!directory.empty()) shared.fd = open((directory + "/crashes").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	std::array<void *, 4> frames{};
	(void)backtrace(frames.data(), frames.size()); // loads what it needs now, not inside the handler
	stack_t stack{};
	stack.ss_sp = shared.stack.data();
	stack.ss_size = shared.stack.size();
	sigaltstack(&stack, nullptr);
	struct sigaction action {};
	action.sa_sigaction = handle;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals.at(i), &action, &shared.former.at(i));
}

Crash::~Crash()
{
	if (watchdog.joinable()) {
		const std::uint64_t one = 1;
		(void)!write(stop_fd, &one, sizeof one);
		watchdog.join();
		close(stop_fd);
	}
	for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals.at(i), &shared.former.at(i), nullptr);
	shared.reactor = nullptr;
	if (shared.fd >= 0) close(std::exchange(shared.fd, -1));
}

std::vector<std::string> Crash::suspects(const std::string &directory)
{
	const std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen((directory + "/crashes").c_str(), "re"), &std::fclose);
	if (!file) return {};
	struct Record {
		std::int64_t time;
		std::vector<std::string> names;
	};
	std::vector<Record> last;
	std::array<char, 512> line{};
	while (std::fgets(line.data(), line.size(), file.get())) {
		char *rest = nullptr;
		Record r{std::strtoll(line.data(), &rest, 10), {}};
		if (rest == line.data()) continue;
		for (const char *word = std::strtok(rest, " \n"); word; word = std::strtok(nullptr, " \n")) r.names.emplace_back(word);
		last.push_back(std::move(r));
		if (last.size() > crashes_in_a_row) last.erase(last.begin());
	}
	const std::int64_t now = time(nullptr);
	if (last.size() < crashes_in_a_row || last.back().time - last.front().time > crash_window_seconds || now - last.back().time > crash_window_seconds)
		return {};
	std::vector<std::string> out = last.front().names;
	for (const Record &r : last) std::erase_if(out, [&](const std::string &n) { return std::ranges::find(r.names, n) == r.names.end(); });
	return out;
}

void Crash::forget() noexcept
{
	if (shared.fd >= 0) (void)!ftruncate(shared.fd, 0);
}

void Crash::add_code(std::string_view plugin, std::uintptr_t begin, std::uintptr_t end) noexcept
{
	for (Shared::Code &c : shared.code) {
		if (begin == 0 || c.begin.load() != 0) continue;
		c.name[plugin.copy(c.name, sizeof c.name - 1)] = '\0';
		c.end = end;
		c.begin = begin;
		return;
	}
}

void Crash::remove_code(std::uintptr_t begin) noexcept
{
	for (Shared::Code &c : shared.code)
		if (begin != 0 && c.begin.load() == begin) c.begin = 0;
}

void Crash::start_watchdog()
{
	stop_fd = eventfd(0, EFD_CLOEXEC);
	sigset_t all, old; // signals are the loop's
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	watchdog = std::thread(&Crash::watch_loop, this);
	pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void Crash::watch_loop() noexcept
{
	pthread_setname_np(pthread_self(), "watchdog");
	const auto answered = std::make_shared<std::atomic<bool>>(true); // shared: a late answer may outlive this thread
	int silent = 0;
	for (pollfd p{stop_fd, POLLIN, 0}; poll(&p, 1, watchdog_tick_ms) == 0 || errno == EINTR;) {
		if (answered->exchange(false)) {
			silent = 0;
			reactor.inject([answered] { *answered = true; });
			continue;
		}
		if (++silent < ticks_until_hung) continue;
		// current() names whose callback it is; the loop's own stack goes to the log by the handler.
		const std::string text = fmt::format(
			"patchbayd: the loop has been held for more than 10 s by {}; ending, so that a supervisor can start it again\n", reactor.current()->name);
		put(2, text.c_str());
		pthread_kill(shared.loop, SIGABRT);
		poll(nullptr, 0, watchdog_tick_ms);
		_exit(1); // the handler did not get through
	}
}

} // namespace core::host
