#include "link.hpp"

#include "unpack.hpp"

#include <fmt/format.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gpsd {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds connect_within = 5s;
constexpr milliseconds silence_shown_after = 1s; // an answer that comes sooner is not worth a change of state
constexpr milliseconds healthy_after = 30s;      // up for so long: attempts are counted from the start
constexpr unsigned quick_attempts = 10;
constexpr milliseconds quick_delay = 5s, slow_delay = 30s;

// A peer that floods gets so much of the loop and no more; the rest waits in the kernel. Three receivers at 10 Hz are 38 kB/s.
constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t read_cost = 2048; // a read costs that at least
constexpr double bytes_a_second = 1024 * 1024;
constexpr milliseconds flood_pause = 100ms;

void set(int fd, int level, int option, int value) noexcept { (void)setsockopt(fd, level, option, &value, sizeof value); }

} // namespace

const char *name_of(Link::State s) noexcept
{
	static constexpr std::array names{"down", "connecting", "silent", "up"};
	return names[static_cast<std::size_t>(s)];
}

Link::Link(pb::Scope &scope_, Events events_)
	: scope(scope_), events(events_), deadline(scope, pb::bind<&Link::on_deadline>(this)), retry(scope, pb::bind<&Link::on_retry>(this)),
	  resume(scope, pb::bind<&Link::on_resume>(this))
{}

bool Link::is_local() const noexcept { return host == "localhost" || host == "::1" || host.starts_with("127."); }

void Link::open(std::string host_, std::uint16_t port_)
{
	host = std::move(host_);
	port = port_;
	named = host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
	why_down.clear();
	reconnect();
}

void Link::reconnect()
{
	attempts = 0;
	attempt();
}

// ---- connecting -------------------------------------------------------------------------------------------------------

void Link::attempt()
{
	close();
	retry.stop();
	next_attempt.reset();
	enter(State::connecting);
	addresses = literal(host, port);
	if (addresses.empty()) resolve();
	else try_addresses();
}

void Link::resolve()
{
	if (is_resolving) return; // on_resolved will see that it was for an earlier attempt
	is_resolving = scope.work([name = host, p = port] { return look_up(name, p); }, [this, g = generation](Resolved r) { on_resolved(g, std::move(r)); });
	if (!is_resolving) down(fmt::format("gpsd {}: the name cannot be looked up: no worker is free", named));
}

void Link::on_resolved(unsigned for_generation, Resolved r)
{
	is_resolving = false;
	if (for_generation != generation) {
		if (now_in == State::connecting && waits == Waits::nothing) resolve();
		return;
	}
	if (r.addresses.empty()) return down(fmt::format("gpsd {}: the name cannot be resolved: {}; write an address, or mend the name service", named, r.error));
	addresses = std::move(r.addresses);
	try_addresses();
}

void Link::try_addresses()
{
	while (!addresses.empty()) {
		const Address next = addresses.front();
		addresses.erase(addresses.begin());
		if (begin(next)) return;
	}
	give_up();
}

bool Link::begin(const Address &to)
{
	fd = socket(to.raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		set(fd, SOL_SOCKET, SO_KEEPALIVE, 1); // a gpsd without devices says nothing for days: the kernel sees that its machine has gone
		set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
		set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
		set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
		if (connect(fd, to.get(), to.size()) == 0 || errno == EINPROGRESS) {
			watch = std::make_unique<pb::Fd>(scope, fd, pb::bind<&Link::on_fd>(this), PB_WRITE);
			wait(Waits::connect, connect_within);
			if (*watch) return true;
			errno = ENOMEM;
		}
	}
	failed_with = errno;
	close_socket();
	return false;
}

void Link::give_up()
{
	const bool is_refused = failed_with == ECONNREFUSED;
	const char *hint = !is_refused  ? ""
					   : is_local() ? "; is gpsd running? (systemctl start gpsd)"
									: "; is gpsd running there, and does it listen to others (gpsd -G)?";
	std::string why = std::strerror(failed_with);
	if (is_refused) why = "connection refused";
	else if (failed_with == ETIMEDOUT) why = "no connection within 5 s";
	down(fmt::format("gpsd {}: {}{}", named, why, hint));
	if (is_refused) events.on_refused();
}

void Link::on_fd(int, std::uint32_t) noexcept
{
	if (waits == Waits::connect) finish_connect();
	else read();
}

void Link::finish_connect()
{
	socklen_t size = sizeof failed_with;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed_with, &size) != 0) failed_with = errno;
	if (failed_with != 0) {
		close_socket();
		return try_addresses();
	}
	addresses.clear();
	budget = bytes_a_second;
	paid = Clock::now();
	watch->watch(PB_READ);
	wait(Waits::banner, limits.answer_within);
}

void Link::banner()
{
	if (waits != Waits::banner) return; // an answer to ?VERSION
	up_since = last_line = Clock::now();
	send("?WATCH={\"enable\":true,\"json\":true};\n");
	why_down.clear();
	enter(State::up);
	wait(Waits::line, limits.silent_after);
}

// ---- lines ------------------------------------------------------------------------------------------------------------

void Link::read()
{
	std::array<char, read_size> buffer;
	const auto n = recv(fd, buffer.data(), buffer.size(), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0)
		return down(fmt::format("gpsd {}: {}{}", named, n == 0 ? "it closed the connection" : std::strerror(errno),
			n == 0 && waits == Waits::banner ? " at once; it may have all the clients that it takes" : ""));
	in.append(buffer.data(), static_cast<std::size_t>(n));
	pay(static_cast<std::size_t>(n));
	split_lines();
	events.on_read();
}

void Link::split_lines()
{
	std::size_t begin = 0;
	is_splitting = true;
	while (refused.empty()) {
		const auto end = in.find('\n', std::max(begin, scanned));
		if (end == in.npos) break;
		std::string_view line(in.data() + begin, end - begin);
		if (line.ends_with('\r')) line.remove_suffix(1);
		begin = end + 1;
		if (line.empty()) continue;
		line_came();
		events.on_line(line);
	}
	is_splitting = false;
	in.erase(0, begin);
	scanned = in.size();
	if (in.size() > Unpacker::max_line && refused.empty()) refused = "it sent a line longer than 64 KiB";
	if (!refused.empty()) down(fmt::format("gpsd {}: {}", named, std::exchange(refused, {})));
}

void Link::line_came()
{
	last_line = Clock::now();
	if (now_in == State::silent) {
		why_down.clear();
		enter(State::up);
	}
	if (waits == Waits::answer) wait(Waits::line, limits.silent_after);
}

/// Takes what was read from the budget, and lets the socket rest where there is none left.
void Link::pay(std::size_t bytes)
{
	const auto now = Clock::now();
	budget = std::min(bytes_a_second, budget + std::chrono::duration<double>(now - paid).count() * bytes_a_second);
	paid = now;
	budget -= static_cast<double>(std::max(bytes, read_cost));
	if (budget > 0) return;
	scope.warn(fmt::format("gpsd {}: it sends more than 1 MiB a second; read at that pace", named));
	watch->watch(0);
	resume.once(flood_pause);
}

void Link::on_resume() noexcept
{
	if (watch) watch->watch(PB_READ);
}

void Link::send(std::string_view commands)
{
	const auto n = ::send(fd, commands.data(), commands.size(), MSG_NOSIGNAL);
	if (n != static_cast<ssize_t>(commands.size())) refuse(fmt::format("it takes no commands: {}", n < 0 ? std::strerror(errno) : "its buffer is full"));
}

void Link::refuse(std::string why)
{
	refused = std::move(why);
	if (!is_splitting) down(fmt::format("gpsd {}: {}", named, std::exchange(refused, {})));
}

// ---- deadlines --------------------------------------------------------------------------------------------------------

void Link::expect_lines(bool expected)
{
	if (expected == lines_expected) return;
	lines_expected = expected;
	if (waits == Waits::line) wait(Waits::line, limits.silent_after);
}

void Link::on_deadline() noexcept
{
	switch (waits) {
	case Waits::nothing: break;
	case Waits::connect:
		failed_with = ETIMEDOUT;
		close_socket();
		try_addresses();
		break;
	case Waits::banner:
		down(fmt::format("gpsd {}: connected, but it said nothing for {} s; is it gpsd, and does it run? (a device that it opens may hold it up)", named,
			std::chrono::duration<double>(limits.answer_within).count()));
		break;
	case Waits::line:
	case Waits::answer: check_silence(); break;
	}
}

void Link::check_silence()
{
	const auto now = Clock::now();
	if (waits == Waits::line) {
		if (is_watching && !lines_expected) return; // expect_lines() starts it again
		if (const auto idle = now - last_line; idle < limits.silent_after) return wait(Waits::line, limits.silent_after - idle);
		asked = now;
		wait(Waits::answer, std::min(silence_shown_after, limits.answer_within));
		return send("?VERSION;?DEVICES;\n");
	}
	const auto unanswered = now - asked;
	const auto idle_s = std::chrono::duration_cast<std::chrono::seconds>(now - last_line).count();
	if (unanswered >= limits.answer_within) return down(fmt::format("gpsd {}: no line for {} s, and no answer to ?VERSION", named, idle_s));
	why_down = fmt::format("gpsd {}: no line for {} s; asked whether it is there", named, idle_s);
	enter(State::silent);
	wait(Waits::answer, limits.answer_within - unanswered);
}

void Link::wait(Waits what, Clock::duration limit)
{
	waits = what;
	deadline.once(std::chrono::ceil<milliseconds>(limit));
}

// ---- states -----------------------------------------------------------------------------------------------------------

void Link::enter(State state)
{
	if (now_in != state) since = pb::unix_ms();
	now_in = state;
	events.on_state();
}

void Link::down(const std::string &why)
{
	const bool was_up = now_in == State::up || now_in == State::silent;
	close();
	if (was_up && Clock::now() - up_since >= healthy_after) attempts = 0;
	const auto delay = ++attempts <= quick_attempts ? quick_delay : slow_delay;
	why_down = why;
	next_attempt = pb::unix_ms() + delay.count();
	retry.once(delay);
	enter(State::down);
}

void Link::close_socket() noexcept
{
	watch.reset();
	if (fd >= 0) ::close(fd);
	fd = -1;
	waits = Waits::nothing;
	deadline.stop();
	resume.stop();
}

void Link::close() noexcept
{
	close_socket();
	++generation;
	addresses.clear();
	in.clear();
	scanned = 0;
	refused.clear();
	is_watching = lines_expected = false;
}

} // namespace gpsd
