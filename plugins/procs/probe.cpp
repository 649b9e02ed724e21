#include "probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

namespace procs {

namespace {
constexpr milliseconds attempt_limit{2000}, longest_pause{500};
constexpr std::size_t most_answer = 4096;

Address make_address(int family, const void *bytes, std::uint16_t port)
{
	Address a;
	if (family == AF_INET) {
		auto *in = reinterpret_cast<sockaddr_in *>(&a.storage);
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		std::memcpy(&in->sin_addr, bytes, sizeof in->sin_addr);
		a.size = sizeof *in;
	} else {
		auto *in = reinterpret_cast<sockaddr_in6 *>(&a.storage);
		in->sin6_family = AF_INET6;
		in->sin6_port = htons(port);
		std::memcpy(&in->sin6_addr, bytes, sizeof in->sin6_addr);
		a.size = sizeof *in;
	}
	return a;
}
} // namespace

std::vector<Address> resolve(const Endpoint &where, bool may_ask, std::string &why)
{
	std::vector<Address> out;
	std::array<unsigned char, 16> bytes;
	if (where.host == "localhost") {
		const in_addr v4{htonl(INADDR_LOOPBACK)};
		return {make_address(AF_INET, &v4, where.port), make_address(AF_INET6, &in6addr_loopback, where.port)};
	}
	for (const int family : {AF_INET, AF_INET6})
		if (::inet_pton(family, where.host.c_str(), bytes.data()) == 1) return {make_address(family, bytes.data(), where.port)};
	if (!may_ask) return out;
	addrinfo hints{}, *list = nullptr;
	hints.ai_socktype = SOCK_STREAM;
	if (const int e = ::getaddrinfo(where.host.c_str(), fmt::format("{}", where.port).c_str(), &hints, &list); e != 0) {
		why = fmt::format("{}: {}", where.host, ::gai_strerror(e));
		return out;
	}
	for (const addrinfo *i = list; i && out.size() < 8; i = i->ai_next) {
		Address a;
		if (i->ai_addrlen > sizeof a.storage) continue;
		std::memcpy(&a.storage, i->ai_addr, i->ai_addrlen);
		a.size = i->ai_addrlen;
		out.push_back(a);
	}
	::freeaddrinfo(list);
	return out;
}

// ---- one attempt ------------------------------------------------------------------------------------------------------

Attempt::Attempt(Context &context, const Endpoint &where_, const Address &address, bool is_http_, Done done_)
	: where(where_), is_http(is_http_), done(done_), fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
	  late(context.scope, pb::bind<&Attempt::on_late>(this))
{
	const bool is_v6 = where.host.find(':') != std::string::npos;
	request = fmt::format("GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUser-Agent: patchbay\r\nAccept: */*\r\nConnection: close\r\n\r\n", where.path,
		is_v6 ? "[" : "", where.host, is_v6 ? "]" : "", where.port);
	late.once(attempt_limit);
	if (!fd || (::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address.storage), address.size) != 0 && errno != EINPROGRESS)) {
		answer = std::strerror(errno);
		fd.reset();
		late.once(milliseconds(0)); // told later, as everything is
		return;
	}
	watch = std::make_unique<pb::Fd>(context.scope, fd.get(), pb::bind<&Attempt::on_ready>(this), PB_WRITE);
}

void Attempt::tell(bool is_ready, const std::string &why)
{
	if (watch) watch->watch(0);
	late.stop();
	done(is_ready, why);
}

void Attempt::on_late() noexcept { tell(false, !fd ? answer : is_http ? "no answer within 2 s" : "no connection within 2 s"); }

void Attempt::on_ready(int, std::uint32_t what) noexcept
{
	if ((what & PB_READ) != 0) return read_status();
	int error = 0;
	socklen_t size = sizeof error;
	::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) return tell(false, std::strerror(error));
	if (!is_http) return tell(true, "");
	const ssize_t n = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL); // a fresh socket takes so little at once
	if (n != static_cast<ssize_t>(request.size())) return tell(false, "the request could not be sent");
	watch->watch(PB_READ);
}

void Attempt::read_status()
{
	std::array<char, most_answer> buffer;
	const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size() - answer.size(), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n < 0) return tell(false, std::strerror(errno));
	answer.append(buffer.data(), static_cast<std::size_t>(n));
	const std::size_t end = answer.find("\r\n");
	if (end == std::string::npos && n > 0 && answer.size() < most_answer) return;
	const std::string line = answer.substr(0, std::min<std::size_t>(end, 80));
	if (!line.starts_with("HTTP/1.") || line.size() < 12) return tell(false, "what answers is not HTTP");
	if (line[9] == '2') return tell(true, "");
	tell(false, fmt::format("answered {}", pb::utf8(line.substr(9))));
}

// ---- until it is ------------------------------------------------------------------------------------------------------

Probe::Probe(Context &context_, const Ready &ready_, std::string log, std::int64_t began_ms_, milliseconds limit_, Owner &owner_)
	: context(context_), ready(ready_), began_ms(began_ms_), is_single(limit_.count() == 0), owner(owner_), alive(std::make_shared<bool>(true)),
	  round(context_.scope, pb::bind<&Probe::on_round>(this)), limit(context_.scope, pb::bind<&Probe::on_limit>(this))
{
	if (ready.kind == Ready::Kind::tcp) where = parse_endpoint(ready.target);
	if (ready.kind == Ready::Kind::http) where = parse_url(ready.target);
	if (ready.kind == Ready::Kind::log) follow = std::make_unique<LogFollow>(context, std::move(log), 0, 0, *this);
	else round.once(milliseconds(0));
	if (!is_single) limit.once(limit_);
}

Probe::~Probe() { *alive = false; }

std::string Probe::name_of(const Ready &r)
{
	switch (r.kind) {
	case Ready::Kind::none: return "exec";
	case Ready::Kind::notify: return "READY=1 from sd_notify";
	case Ready::Kind::tcp: return "tcp " + r.target;
	case Ready::Kind::http: return "status 200 to 299 of " + r.target;
	case Ready::Kind::file: return "file " + r.target;
	case Ready::Kind::log: return fmt::format("\"{}\" in its output", r.target);
	}
	return {};
}

void Probe::say(bool is_ready)
{
	if (std::exchange(is_over, true)) return;
	round.stop();
	limit.stop();
	context.graveyard.bury(std::move(attempt));
	context.graveyard.bury(std::move(follow));
	if (is_ready) owner.on_ready();
	else owner.on_not_ready(fmt::format("{}{}{}", name_of(ready), last_error.empty() ? "" : ": ", last_error));
}

void Probe::on_limit() noexcept { say(false); }

void Probe::on_round() noexcept
{
	if (is_over) return;
	if (ready.kind == Ready::Kind::file) return look_for_file();
	if (ready.kind == Ready::Kind::notify || ready.kind == Ready::Kind::none) return; // the owner is told by others
	if (addresses.empty()) return look_up();
	connect_next();
}

void Probe::look_up()
{
	struct Found {
		std::vector<Address> addresses;
		std::string why;
	};
	addresses = resolve(*where, false, last_error);
	if (!addresses.empty()) return connect_next();
	const bool is_taken = context.scope.work(
		[w = *where] {
			Found f;
			f.addresses = resolve(w, true, f.why);
			return f;
		},
		[this, token = alive](Found f) noexcept {
			if (!*token || is_over) return;
			addresses = std::move(f.addresses);
			if (addresses.empty()) on_attempt(false, f.why);
			else connect_next();
		});
	if (!is_taken) on_attempt(false, "the worker pool is busy");
}

void Probe::connect_next()
{
	context.graveyard.bury(std::move(attempt));
	attempt = std::make_unique<Attempt>(
		context, *where, addresses[next_address++ % addresses.size()], ready.kind == Ready::Kind::http, pb::bind<&Probe::on_attempt>(this));
}

void Probe::look_for_file()
{
	const bool is_taken = context.scope.work([path = ready.target] { return ::access(path.c_str(), F_OK) == 0 ? 0 : errno; },
		[this, token = alive](int error) noexcept {
			if (*token && !is_over) on_attempt(error == 0, error == 0 ? "" : std::strerror(error));
		});
	if (!is_taken) on_attempt(false, "the worker pool is busy");
}

void Probe::on_attempt(bool is_ready, const std::string &why) noexcept
{
	if (is_over) return;
	if (is_ready) return say(true);
	last_error = why;
	const bool has_more = next_address % std::max<std::size_t>(addresses.size(), 1) != 0;
	if (is_single && !has_more) return say(false);
	round.once(has_more ? milliseconds(0) : pause);
	if (!has_more) pause = std::min(pause * 2, longest_pause);
}

void Probe::on_line(const LogLine &line) noexcept
{
	if (line.time_ms >= began_ms && line.stream != "keeper" && matches(ready.target, line.text)) say(true);
}

} // namespace procs
