// A scope: everything that one plugin instance (or the core) has registered. Freed as a whole, in reverse order.
#pragma once
#include "reactor/account.hpp"

#include <cstddef>
#include <string>

namespace core {
class Scope;
}

/// One registration. A subclass's destructor ends it; it is a member of its scope's list, newest first.
struct pb_item {
	enum class Kind { timer, fd, topic, subscription, method, route, listener };

	pb_item(core::Scope &scope, Kind kind);
	virtual ~pb_item();
	pb_item(const pb_item &) = delete;
	pb_item &operator=(const pb_item &) = delete;

	core::Scope &scope;
	const Kind kind;

private:
	friend class core::Scope;
	pb_item *older = nullptr, *newer = nullptr;
};

namespace core {

/// Owns its items. Loop thread.
class Scope {
public:
	Scope(std::string plugin_, Account &account_) : plugin(std::move(plugin_)), account(account_) {}
	virtual ~Scope() { clear(); }
	Scope(const Scope &) = delete;
	Scope &operator=(const Scope &) = delete;

	/// Ends all items, newest first.
	void clear() noexcept
	{
		while (newest) delete newest; // NOLINT(clang-analyzer-cplusplus.NewDelete): its destructor makes the next one the newest
	}
	[[nodiscard]] std::size_t count(pb_item::Kind kind) const noexcept
	{
		std::size_t n = 0;
		for (const pb_item *i = newest; i; i = i->older) n += i->kind == kind;
		return n;
	}

	const std::string plugin;
	Account &account;
	bool is_ending = false; // its plugin is being stopped: what it fails now, it could not answer (503)

private:
	friend struct ::pb_item;
	pb_item *newest = nullptr;
};

} // namespace core

inline pb_item::pb_item(core::Scope &scope_, Kind kind_) : scope(scope_), kind(kind_), older(scope_.newest)
{
	if (older) older->newer = this;
	scope.newest = this;
}

inline pb_item::~pb_item()
{
	(newer ? newer->older : scope.newest) = older;
	if (older) older->newer = newer;
}

/// The border's handle of a scope.
struct pb_scope : core::Scope {
	using core::Scope::Scope;
};
