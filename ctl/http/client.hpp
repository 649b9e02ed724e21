// The daemon, asked over HTTP: plain requests by plain_http, TLS and streams by libcurl; every request has a deadline.
#pragma once
#include "failure.hpp"
#include "http/plain_http.hpp"
#include "http/target.hpp"
#include "terminal/units.hpp"

#include <patchbay/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using CURL = void;

namespace ctl {

struct Access {
	std::vector<Target> targets; // tried in their order
	std::string token;           // empty: none
	std::string ca_file;         // empty: the system's
	Seconds timeout{0};          // for each request; 0: what the command thinks right
};

struct Answer {
	long status = 0;
	std::string body;
};

/// A refusal of the daemon as a Failure: its message, its code, what it says of each argument, and the exit code it means.
[[nodiscard]] Failure as_failure(const Answer &answer);

class Client final {
public:
	explicit Client(const Access &access);
	~Client();
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	static constexpr Seconds usual{10};
	/// Any answer. Throws Failure(unreachable) where none comes.
	[[nodiscard]] Answer ask(const char *method, const std::string &path, std::string_view body = {}, Seconds deadline = usual);
	/// The body of a 200. Throws Failure for anything else. Paths are below /api/webhook/.
	[[nodiscard]] std::string get(const std::string &path, Seconds deadline = usual);
	[[nodiscard]] pb::Json json(const std::string &path, Seconds deadline = usual);
	/// The body of a 2xx.
	[[nodiscard]] std::string post(const std::string &path, const pb::Json &body, Seconds deadline = usual);

	enum class End { left, lost };
	/// A stream: bytes as they come, until `on_bytes` answers false (left) or the connection is lost, ends, or says nothing for
	/// `silence` (lost; `why` says how). Throws Failure where the answer is no 200.
	[[nodiscard]] End follow(const std::string &path, const std::vector<std::string> &headers, const std::function<bool(std::string_view)> &on_bytes,
		Seconds silence, std::string &why);

	/// A libcurl handle set up for a request, for those that wait for other things as well.
	[[nodiscard]] CURL *prepare(const char *method, const std::string &path, std::string_view body, const std::vector<std::string> &headers = {});
	/// Why the last transfer failed, in our words.
	[[nodiscard]] std::string reason(int code) const;
	/// Which target answers.
	[[nodiscard]] const Target &target() const noexcept { return access.targets[at]; }
	/// The next target after the present one could not be connected to; false: there is none.
	[[nodiscard]] bool next_target(int code);
	/// The same after 403: on its socket the daemon asks who we are, on loopback it may not; what one refuses the other may grant.
	[[nodiscard]] bool next_after_refusal();
	/// For people: which targets were tried, and what came of each.
	[[nodiscard]] std::string unreachable_text(int code) const;

private:
	struct Handle; // libcurl's
	/// CURLE_OK and an answer, or why not.
	int ask_once(const char *method, const std::string &path, std::string_view body, Seconds limit, Answer &answer);
	const Access &access;
	std::size_t at = 0;
	bool has_answered = false;
	std::vector<std::string> tried; // targets that could not be connected to, and why
	PlainHttp plain;
	std::string plain_reason; // why it had no answer; empty: libcurl knows
	std::unique_ptr<Handle> handle;
};

} // namespace ctl
