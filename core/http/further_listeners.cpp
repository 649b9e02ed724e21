#include "http/further_listeners.hpp"

#include "config/listen.hpp"
#include "http/engine.hpp"
#include "http/exposure.hpp"
#include "http/holder.hpp"
#include "http/listener.hpp"
#include "reactor/watch.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace core::http {

using namespace std::chrono_literals;

namespace {
constexpr auto again = 5s;
} // namespace

/// One of a plugin's.
struct FurtherListeners::Item final : pb_item {
	Item(FurtherListeners &all_, Scope &scope_, std::string_view address_, pb_listening_fn *told_, void *self_)
		: pb_item(scope_, Kind::listener), all(all_), address(address_), told(told_), told_self(self_),
		  attempt(all_.engine.needs.reactor, bind<&Item::on_attempt>(this))
	{
		all.items.push_back(this);
		attempt.once(0ms); // nothing is called back from inside the call that registers
	}
	~Item() override
	{
		std::erase(all.items, this);
		if (!listener) return;
		listener.reset();
		all.tell_addresses();
	}

	void on_attempt() noexcept;
	void close(const Error &why);
	void find_holder();
	void tell(const Error *error);

	FurtherListeners &all;
	const std::string address;
	pb_listening_fn *const told;
	void *const told_self;
	std::shared_ptr<Listener> listener;                             // shared with another item of the same address; null: does not listen
	bool is_refused = false;                                        // and was told so
	std::shared_ptr<Item *> alive = std::make_shared<Item *>(this); // shared: a search may come back after us
	Timer attempt;
};

void FurtherListeners::Item::on_attempt() noexcept
{
	if (listener || all.engine.is_stopping) return;
	if (!all.is_allowed(address)) {
		if (std::exchange(is_refused, true)) return;
		const Error why{
			fmt::format("{} can be reached from other machines, but nothing says who may come in; write [auth] mode in the configuration", address), 403};
		return tell(&why);
	}
	const auto same = std::ranges::find_if(all.items, [this](const Item *i) { return i->address == address && i->listener; });
	if (same != all.items.end()) {
		listener = (*same)->listener;
	} else {
		auto opened = Listener::open(all.engine, address, {.is_legacy = true});
		if (!opened) {
			attempt.once(again);
			if (std::exchange(is_refused, true)) return;
			return opened.error().code == "ADDRESS_TAKEN" ? find_holder() : tell(&opened.error());
		}
		listener = std::move(*opened);
	}
	is_refused = false;
	all.tell_addresses();
	tell(nullptr);
}

/// On a worker: it looks at every process.
void FurtherListeners::Item::find_holder()
{
	const auto holder = std::make_shared<std::string>(); // shared: worker and loop
	const auto where = Where::parse(address);
	const bool is_taken = all.pool.submit([holder, where = *where] { *holder = holder_of(where.get()); },
		[holder, weak = std::weak_ptr(alive)] {
			const auto item = weak.lock();
			if (!item || (*item)->listener) return;
			const Error why{fmt::format("{} is taken {}; it is tried again every {} s", (*item)->address,
								holder->empty() ? "by a process that the kernel does not show us" : "by " + *holder, again.count()),
				409, "ADDRESS_TAKEN"};
			(*item)->tell(&why);
		});
	if (!is_taken) is_refused = false; // told at the next attempt
}

void FurtherListeners::Item::close(const Error &why)
{
	listener.reset();
	is_refused = true;
	tell(&why);
}

void FurtherListeners::Item::tell(const Error *error)
{
	if (!told) return;
	pb_error e{};
	if (error) pb::detail::fill(e, error->status, error->code, error->text);
	const Charge charge(all.engine.needs.reactor, scope.account);
	told(told_self, error ? &e : nullptr);
}

FurtherListeners::FurtherListeners(Engine &engine_, Pool &pool_) : engine(engine_), pool(pool_) {}
FurtherListeners::~FurtherListeners() = default;

Result<pb_item *> FurtherListeners::add(Scope &scope, std::string_view address, pb_listening_fn *told, void *self)
{
	if (const std::string flaw = config::listen_flaw(address); !flaw.empty()) return fail(fmt::format("listen: \"{}\" {}", pb::utf8(address), flaw), 400);
	return new Item(*this, scope, address, told, self);
}

bool FurtherListeners::is_allowed(const std::string &address) const { return may_be_exposed || !is_exposed(address); }

void FurtherListeners::configure(const config::Core &core)
{
	may_be_exposed = core.auth.is_written;
	for (Item *i : items) {
		if (i->listener) continue;
		i->is_refused = false; // said again where it is still so
		i->attempt.once(0ms);
	}
	// A copy, looked up each time: what is told may end items.
	for (Item *i : std::vector(items)) {
		if (std::ranges::find(items, i) == items.end() || !i->listener || is_allowed(i->address)) continue;
		i->close({fmt::format("{} is closed: it can be reached from other machines, and [auth] mode is not written any more", i->address), 403});
	}
	tell_addresses();
}

void FurtherListeners::stop()
{
	for (Item *i : items) {
		i->attempt.stop();
		i->listener.reset();
	}
}

void FurtherListeners::tell_addresses()
{
	std::vector<std::string> out;
	for (const Item *i : items)
		if (i->listener && std::ranges::find(out, i->address) == out.end()) out.push_back(i->address);
	engine.manners.set_further(std::move(out));
}

} // namespace core::http
