// From a request to its route, and from the route to a topic, a method or a handler.
#pragma once
#include "http/request.hpp"
#include "http/router.hpp"

namespace core::http {

/// Two words, made where it is needed. Loop thread.
class Dispatch final {
public:
	explicit Dispatch(Engine &engine_) noexcept : engine(engine_) {}

	enum class Next { answered, take_body, stream_body }; // answered: or will be, without the body
	/// The head is there. body_limit: what the body may have.
	Next on_head(Request &r, std::uint64_t &body_limit) const;
	/// The body is there as well, or the route streams it.
	void run(Request &r) const;
	/// A piece of a streamed body; empty: its end.
	void give_body(Request &r, std::string_view piece) const;

	[[nodiscard]] static Error too_large(std::uint64_t limit);

private:
	void without_route(Request &r, const Match &m) const;
	[[nodiscard]] int role_of(const RouteItem *route) const;
	void run_handler(Request &r, RouteItem &route) const;
	void serve_topic(Request &r, RouteItem &route) const;
	void call_method(Request &r, const RouteItem &route) const;
	Engine &engine;
};

} // namespace core::http
