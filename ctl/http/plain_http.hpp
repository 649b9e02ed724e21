// HTTP/1.1 over a plain socket, one request at a time on a kept connection: what most commands need. libcurl can all of it and more,
// but takes longer to load than they take to answer; it does TLS and streams (http/curl.hpp).
#pragma once
#include "http/target.hpp"
#include "terminal/units.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace ctl {

/// Why there is no answer.
struct PlainFailure {
	enum class Kind { no_connection, no_answer, too_late } kind;
	std::string text;
};

class PlainHttp final {
public:
	PlainHttp() = default;
	PlainHttp(const PlainHttp &) = delete;
	PlainHttp &operator=(const PlainHttp &) = delete;
	~PlainHttp() { leave(); }

	struct Reply {
		long status = 0;
		std::string body;
	};
	/// headers: whole lines. Throws PlainFailure.
	[[nodiscard]] Reply ask(
		const Target &target, const char *method, const std::string &path, const std::vector<std::string> &headers, std::string_view body, Seconds limit);
	/// No TLS.
	[[nodiscard]] static bool serves(const Target &target) { return target.base.starts_with("http://"); }

private:
	using Time = std::chrono::steady_clock::time_point;
	void connect(const Target &target, Time until);
	void send(std::string_view bytes, Time until) const;
	bool more(Time until);
	[[nodiscard]] std::string_view line(Time until);
	[[nodiscard]] std::string take(std::size_t n, Time until);
	[[nodiscard]] Reply read_reply(Time until);
	[[nodiscard]] std::string read_chunks(Time until);
	void leave() noexcept;

	int fd = -1;
	std::string where, buffer, last_line;
};

} // namespace ctl
