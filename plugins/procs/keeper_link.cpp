#include "keeper_link.hpp"

#include "identity.hpp"
#include "units.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace procs {

namespace {
constexpr milliseconds patience{2000};
constexpr int packets_a_turn = 16;
} // namespace

std::string to_hex(const Nonce &nonce)
{
	constexpr std::string_view digits = "0123456789abcdef";
	std::string out;
	for (const std::uint8_t b : nonce) out.append({digits[b >> 4], digits[b & 15]});
	return out;
}

bool from_hex(std::string_view text, Nonce &out) noexcept
{
	const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
	if (text.size() != 2 * out.size()) return false;
	for (std::size_t i = 0; i < out.size(); ++i) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0) return false;
		out[i] = static_cast<std::uint8_t>(high * 16 + low);
	}
	return true;
}

Nonce random_nonce()
{
	Nonce n{};
	if (::getrandom(n.data(), n.size(), 0) != static_cast<ssize_t>(n.size())) throw std::runtime_error("no random numbers");
	return n;
}

KeeperLink::KeeperLink(Context &context_, UniqueFd socket_, UniqueFd pidfd_, const Nonce &nonce_, Owner &owner_)
	: context(context_), socket(std::move(socket_)), pidfd(std::move(pidfd_)), nonce(nonce_), owner(&owner_),
	  watch(std::make_unique<pb::Fd>(context_.scope, socket.get(), pb::bind<&KeeperLink::on_socket>(this))),
	  late(context_.scope, pb::bind<&KeeperLink::on_late>(this))
{}

std::uint32_t KeeperLink::send(keep_type type, Values values)
{
	keep_packet p{};
	p.magic = KEEP_MAGIC;
	p.version = KEEP_VERSION;
	p.type = static_cast<std::uint16_t>(type);
	std::memcpy(p.nonce, nonce.data(), nonce.size());
	p.seq = ++seq;
	p.flags = values.flags;
	p.signal = values.signal;
	p.ms = static_cast<std::uint32_t>(values.time.count());
	if (socket && type != KEEP_ACK) expect_answer(patience);
	if (socket) (void)!::send(socket.get(), &p, sizeof p, MSG_NOSIGNAL | MSG_DONTWAIT); // a full queue is a keeper that does not answer
	return p.seq;
}

void KeeperLink::expect_answer(milliseconds limit) noexcept { late.once(limit); }

void KeeperLink::on_socket(int, std::uint32_t) noexcept
{
	for (int i = 0; i < packets_a_turn && owner && socket; ++i) {
		keep_packet p;
		const ssize_t n = ::recv(socket.get(), &p, sizeof p, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
		if (n <= 0) {
			hang_up();
			owner->on_closed();
			return;
		}
		if (n != sizeof p || p.magic != KEEP_MAGIC || p.version != KEEP_VERSION || std::memcmp(p.nonce, nonce.data(), nonce.size()) != 0) continue;
		late.stop();
		lateness = 0;
		p.text[sizeof p.text - 1] = 0;
		owner->on_packet(p);
	}
}

void KeeperLink::hang_up() noexcept
{
	late.stop();
	if (watch) watch->watch(0);
	context.graveyard.bury(std::move(watch));
	socket.reset();
	if (has_ended || end) return;
	if (pidfd) end = std::make_unique<pb::Fd>(context.scope, pidfd.get(), pb::bind<&KeeperLink::on_keeper_end>(this));
	else has_ended = true;
}

void KeeperLink::dismiss() noexcept
{
	owner = nullptr;
	if (socket) send(KEEP_ACK);
	hang_up();
}

void KeeperLink::on_keeper_end(int, std::uint32_t) noexcept
{
	siginfo_t info{};
	::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG); // ECHILD: another daemon's child
	has_ended = true;
	end->watch(0);
}

void KeeperLink::signal_keeper(int number) const noexcept
{
	if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

void KeeperLink::on_late() noexcept
{
	if (!owner) return;
	if (lateness++ == 0) {
		signal_keeper(SIGCONT);
		late.once(patience);
		owner->on_silent("its keeper did not answer for 2 s; it was told to continue");
		return;
	}
	signal_keeper(SIGKILL); // end of file follows
	owner->on_silent("its keeper did not answer for 4 s; it was killed");
}

void KeeperLink::look_for_stop(pid_t pid) noexcept
{
	const auto s = stat_of(pid);
	if (!s || (s->state != 'T' && s->state != 't') || !owner) return;
	signal_keeper(SIGCONT);
	owner->on_silent("its keeper was stopped; it was told to continue");
	send(KEEP_GET);
}

Context::Context(pb::Scope &scope_, const Settings &settings_, Paths paths_) : scope(scope_), settings(settings_), paths(std::move(paths_)), graveyard(scope_)
{}

Context::~Context() = default;

void Context::keep_dying(std::unique_ptr<KeeperLink> link)
{
	drop_dead();
	dying.push_back(std::move(link));
}

void Context::drop_dead() noexcept
{
	std::erase_if(dying, [](const auto &link) { return link->is_over(); });
}

} // namespace procs
