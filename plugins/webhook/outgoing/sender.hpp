// One delivery at a time: resolve, look whether it may go there, connect, post, read the status.
#pragma once
#include "place.hpp"
#include "resolver.hpp"
#include "trust.hpp"
#include "url.hpp"

#include <patchbay/patchbay.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

struct evhttp_connection;
struct evhttp_request;
struct ssl_st;

namespace webhook::outgoing {

/// How a delivery ended.
struct Outcome {
	int status = 0;   // of the answer; 0: there was none
	std::string text; // what went wrong, for people
	[[nodiscard]] bool is_taken() const noexcept { return status >= 200 && status < 300; }
};

/// By libevent's evhttp, each on a connection of its own. Its callback comes from the loop's own turn. Loop thread.
class Sender final {
public:
	struct Shared {
		pb::Scope &scope;
		Resolver &resolver;
		const Trust &trust;
		const Rules &rules;
	};
	struct Post {
		Url url;
		std::vector<std::pair<std::string, std::string>> headers;
		std::string body;
	};
	static constexpr std::chrono::seconds deadline{10}; // once the name is resolved, which has a limit of its own

	Sender(Shared shared, pb::Bound<const Outcome &> on_end);
	~Sender();
	Sender(const Sender &) = delete;
	Sender &operator=(const Sender &) = delete;

	[[nodiscard]] bool is_busy() const noexcept { return is_sending; }
	/// Not while it is busy.
	void send(Post post);
	/// Gives up, without on_end.
	void close() noexcept;

private:
	struct Calls; // evhttp's
	friend struct Calls;
	void on_places(const Resolver::Answer &answer);
	void on_step() noexcept;
	void on_deadline() noexcept;
	[[nodiscard]] std::string connect(const Place &to);
	[[nodiscard]] std::string post_it();
	void finish(std::string text, bool may_try_next = false) noexcept;
	[[nodiscard]] std::string why_none() const;

	Shared shared;
	const pb::Bound<const Outcome &> on_end;
	Post post;
	std::vector<Place> places; // still to be tried, the next one last
	std::string refused;       // why the last of those that were left out was
	std::string trying;        // the address that is being tried
	Outcome outcome;
	bool is_sending = false, has_ended = false;
	int error = -1; // evhttp_request_error
	evhttp_connection *connection = nullptr;
	ssl_st *session = nullptr;        // the connection's; null: plain
	std::shared_ptr<Sender *> asking; // whose answer counts; shared with the resolver
	pb::Timer step, limit;
};

} // namespace webhook::outgoing
