// A lock held by a connection while a command runs.
//
// POST locks/NAME/acquire?verbose=1 {"owner","timeout_ms","hold":"connection"} is answered by a stream of JSON lines: waiting,
// then granted or refused. The lock lasts as long as the connection: as long as this object, whatever ends the process.
#pragma once
#include "context.hpp"

#include <patchbay/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace ctl {

class HeldLock final {
public:
	/// Sends the question.
	HeldLock(Client &client, const std::string &name, const std::string &owner, Seconds wait);
	~HeldLock();
	HeldLock(const HeldLock &) = delete;
	HeldLock &operator=(const HeldLock &) = delete;

	/// Waits for whatever comes: the daemon, `fd` readable (-1: none), or the time. Gives true where fd is readable.
	bool wait(int fd, int timeout_ms);
	[[nodiscard]] bool is_granted() const noexcept { return state == State::granted; }
	/// Why there is no lock, or no more; empty: there may still be one.
	[[nodiscard]] const std::string &failure() const noexcept { return why; }
	[[nodiscard]] int exit_code() const noexcept { return code; }
	/// A line for people while it waits: who has it, how many are ahead. Empty: nothing new.
	[[nodiscard]] std::string take_news();

private:
	enum class State { asking, waiting, granted, failed };
	void begin();
	void take(std::string_view bytes);
	void on_line(std::string_view line);
	void look_for_end();
	void fail(int code_, std::string text);
	static std::size_t on_data(char *bytes, std::size_t, std::size_t n, void *self);

	Client &client;
	std::string name, path, body, half, refusal, news, why;
	void *multi, *easy = nullptr;
	State state = State::asking;
	int code = 0;
	long status = 0;
};

/// The descriptors that are open at its construction: what we inherited, and a command inherits from us.
class Inherited final {
public:
	Inherited();
	/// Everything opened since then is closed by exec.
	void keep_no_others() const;

private:
	std::set<int> descriptors;
};

/// Runs `command` and gives its exit status (128 + n where signal n ended it); signals that reach us reach it. is_strict: it is
/// told to end (SIGTERM) where the lock is lost under it.
[[nodiscard]] int run_under(HeldLock &lock, const std::vector<std::string> &command, bool is_strict);

} // namespace ctl
