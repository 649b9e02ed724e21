// How the server behaves to strangers: who the client is, which names and origins it may use, how often it may ask, what it
// may do, and what it finds where no route is.
#pragma once
#include "bus/methods.hpp"
#include "bus/topics.hpp"
#include "config/config.hpp"
#include "http/request.hpp"
#include "http/router.hpp"
#include "log/log.hpp"
#include "metrics/metrics.hpp"

namespace core::http {

/// A request that is not served. lines: whole lines for the reply's head ("Retry-After: 3\r\n"); members: go into its body.
struct Unwelcome {
	Error error;
	std::string lines{};
	pb::Json members{};
};

/// Asked by the server at fixed points. Loop thread.
class Manners final {
public:
	struct Needs {
		Reactor &reactor;
		Log &log;
		Metrics &metrics;
		Topics &topics;
		Methods &methods;
		Router &router;
		Scope &scope;
	}; // scope: the core's own

	explicit Manners(Needs needs_);
	~Manners();
	Manners(const Manners &) = delete;
	Manners &operator=(const Manners &) = delete;

	/// New settings, also the first ones.
	void configure(const config::Core &core);
	/// The listeners that plugins have opened: they count for the warnings.
	void set_further(std::vector<std::string> addresses);

	/// The head has been checked and its route found, the body has not been read. role: what the route asks for (pb_role,
	/// never PB_ROLE_DEFAULT; PB_VIEWER where no route is). Must call request.set_caller().
	[[nodiscard]] std::optional<Unwelcome> on_head(Request &request, int role);
	/// Lines for the head of every reply to it, each with CRLF: CORS. Also for refusals and for the 204 to OPTIONS.
	void add_lines(const Request &request, std::string &lines) const;
	/// No route has this path. True: it has answered, or will. GET and HEAD only.
	[[nodiscard]] bool serve(Request &request);

private:
	struct State;
	void tell();
	Needs needs;
	std::unique_ptr<State> state;
};

} // namespace core::http
