// GET info (section 3 of the contract), and the flat /info of the older pages.
#pragma once
#include "known.hpp"
#include "machine.hpp"

namespace webhook {

/// Answers from memory. Loop thread.
class Info final {
public:
	Info(pb::Scope &scope, const Known &known, Machine &machine, std::string config_dir);
	/// Forgets the kept reply.
	void clear() noexcept { kept.clear(); }

private:
	void on_info(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	[[nodiscard]] pb::Json services() const;
	[[nodiscard]] pb::Json interfaces() const;
	[[nodiscard]] pb::Json gps() const;
	void refresh_ports();

	pb::Scope &scope;
	const Known &known;
	Machine &machine;
	const std::string config_dir;
	std::string kept; // all but the timestamp, for a second
	std::uint64_t kept_generation = 0;
	std::chrono::steady_clock::time_point kept_at{}, ports_at{};
	pb::Handler<> info_route, flat_route;
};

} // namespace webhook
