// Listeners that plugins ask for, beside those of [http] listen: for ports that clients of an older program expect.
#pragma once
#include "config/config.hpp"
#include "host/scope.hpp"
#include "reactor/pool.hpp"
#include "result.hpp"

#include <patchbay/http.h>

#include <string>
#include <string_view>
#include <vector>

namespace core::http {

class Engine;

/// Opens what plugins name, and tries again while another process has it. Does not own the items: their scopes do. Two
/// instances of a plugin that name the same address share one socket. Loop thread.
class FurtherListeners final {
public:
	FurtherListeners(Engine &engine, Pool &pool);
	~FurtherListeners();
	FurtherListeners(const FurtherListeners &) = delete;
	FurtherListeners &operator=(const FurtherListeners &) = delete;

	/// told: see pb_http.add_listener. An error: the address is none.
	Result<pb_item *> add(Scope &scope, std::string_view address, pb_listening_fn *told, void *self);
	/// New settings: what they do not allow is closed, what they allow now is opened.
	void configure(const config::Core &core);
	/// All close; none opens any more.
	void stop();

private:
	struct Item;
	[[nodiscard]] bool is_allowed(const std::string &address) const;
	void tell_addresses();
	Engine &engine;
	Pool &pool;
	bool may_be_exposed = false; // [auth] mode is written
	std::vector<Item *> items;
};

} // namespace core::http
