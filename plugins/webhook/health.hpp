// GET health, the flat /health, and cache/clear.
#pragma once
#include "known.hpp"

#include <functional>
#include <map>
#include <string>

namespace webhook {

/// Loop thread.
class Health final {
public:
	using Clear = std::function<void()>;
	/// clients: how many sockets there are. caches: what POST cache/clear can forget, by name.
	Health(pb::Scope &scope, const Known &known, std::function<std::size_t()> clients, std::map<std::string, Clear, std::less<>> caches);

private:
	struct ClearBody {
		std::string key;
		static constexpr auto fields =
			pb::fields(pb::field("key", &ClearBody::key, {.fallback = "\"\"", .max = 256, .help = "info or kismet-data; all where it is left out"}));
	};
	void on_health(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request request);
	void on_clear(const pb::None &, const pb::None &, const ClearBody &body, pb::Request request);
	[[nodiscard]] pb::Json checks(bool &is_whole) const;
	[[nodiscard]] pb::Json warnings() const;
	[[nodiscard]] pb::Json port() const;

	pb::Scope &scope;
	const Known &known;
	std::function<std::size_t()> clients;
	std::map<std::string, Clear, std::less<>> caches;
	pb::Handler<> health_route, flat_route;
	pb::Handler<pb::None, pb::None, ClearBody> clear_route;
};

} // namespace webhook
