// The connection to one keeper: packets out and in, and what to do about one that does not answer.
#pragma once
#include "context.hpp"
#include "keeper/protocol.h"

#include <array>
#include <cstdint>

namespace procs {

using Nonce = std::array<std::uint8_t, KEEP_NONCE>;
[[nodiscard]] std::string to_hex(const Nonce &nonce);
[[nodiscard]] bool from_hex(std::string_view text, Nonce &out) noexcept;
[[nodiscard]] Nonce random_nonce();

/// Owns socket and pidfd, and reaps the keeper where it is our child. A keeper that leaves a request unanswered is
/// continued after 2 s (it may have been stopped), killed after 2 s more. Loop thread.
class KeeperLink final {
public:
	struct Owner {
		virtual void on_packet(const keep_packet &packet) noexcept = 0;
		virtual void on_closed() noexcept = 0;                        // end of file; nothing comes after
		virtual void on_silent(const std::string &what) noexcept = 0; // what was done about it
	protected:
		~Owner() = default;
	};

	KeeperLink(Context &context, UniqueFd socket, UniqueFd pidfd, const Nonce &nonce, Owner &owner);
	KeeperLink(const KeeperLink &) = delete;
	KeeperLink &operator=(const KeeperLink &) = delete;

	struct Values {
		int signal = 0;
		milliseconds time{};
		std::uint32_t flags = 0;
	};
	/// Returns the number that the answer will carry.
	std::uint32_t send(keep_type type, Values values);
	std::uint32_t send(keep_type type) { return send(type, Values()); }
	/// An answer is waited for, though nothing was sent (HELLO).
	void expect_answer(milliseconds limit) noexcept;
	/// Says ACK and hangs up; stays until the keeper has ended, to reap it.
	void dismiss() noexcept;
	[[nodiscard]] bool is_over() const noexcept { return has_ended; }
	/// Looks whether the keeper is stopped (state T); continues it.
	void look_for_stop(pid_t pid) noexcept;

private:
	void on_socket(int fd, std::uint32_t what) noexcept;
	void on_late() noexcept;
	void on_keeper_end(int fd, std::uint32_t what) noexcept;
	void hang_up() noexcept;
	void signal_keeper(int number) const noexcept;

	Context &context;
	UniqueFd socket, pidfd;
	const Nonce nonce;
	Owner *owner;
	std::uint32_t seq = 0;
	int lateness = 0;
	bool has_ended = false;
	std::unique_ptr<pb::Fd> watch, end;
	pb::Timer late;
};

} // namespace procs
