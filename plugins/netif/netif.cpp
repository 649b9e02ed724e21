// netif: interfaces by netlink, live, and their exclusive ownership with monitor and managed mode by nl80211.
#include "board.hpp"
#include "owners.hpp"
#include "watcher.hpp"

#include "files.hpp"

#include <fmt/format.h>

using namespace std::chrono_literals;

namespace netif {

namespace {

struct Settings {
	std::vector<std::string> interfaces;
	std::string state_file, record_dir;
	bool network_manager = true;
	static constexpr auto fields =
		pb::fields(pb::field("interfaces", &Settings::interfaces, {.fallback = "[\"wlan2\"]", .max = 64, .help = "those that can be acquired; all are shown"}),
			pb::field("state_file", &Settings::state_file,
				{.fallback = "\"/tmp/{interface}.state\"", .max = 256, .help = "written for older tools while an interface is owned; \"\": none"}),
			pb::field("record_dir", &Settings::record_dir,
				{.fallback = "\"/run/patchbay/netif\"",
					.min = 1,
					.max = 256,
					.help = "what an interface was before it was changed, so that a crash can be undone; best on a tmpfs"}),
			pb::field("network_manager", &Settings::network_manager,
				{.fallback = "true", .help = "tell NetworkManager, where it runs, to let go of an interface while it is owned"}));
};

struct Name {
	std::string name;
	static constexpr auto fields = pb::fields(pb::field("name", &Name::name, {.min = 1, .max = 15, .help = "the interface"}));
};

std::unique_ptr<Manager> manager_for(pb::Scope &scope, const Settings &settings)
{
	if (settings.network_manager) return make_network_manager(scope);
	return std::make_unique<NoManager>();
}

class Netif final : private News, private Audience, private Board::Source {
public:
	using Settings = netif::Settings;

	Netif(pb::Scope &scope_, const Settings &settings)
		: scope(scope_), now(settings), worker(scope_), scanner(scope_), manager(manager_for(scope_, settings)), records(settings.record_dir),
		  board(scope_, *this), watcher(scope_, worker, kernel, links, *this), around{scope, worker, scanner, kernel, *manager, links, records, *this,
																				   watcher.wiphys(), boot_id(), "", settings.state_file},
		  owners(around, settings.interfaces), incident(scope_, "netif/incident", "somebody else changed an owned interface, or it was lost", PB_TRANSIENT),
		  list_route(scope_, "GET interfaces", pb::bind<&Netif::on_list>(this), {.help = "every interface, as it is now"}),
		  one_route(scope_, "GET interfaces/{name}", pb::bind<&Netif::on_one>(this), {.help = "one interface"}),
		  acquire(scope_, "netif.acquire", pb::bind<&Netif::on_acquire>(this),
			  {.help = "own an interface, alone, in a mode; the same owner again renews or changes", .deadline = 60s}),
		  release(scope_, "netif.release", pb::bind<&Netif::on_release>(this), {.help = "give an interface back as it was", .deadline = 60s}),
		  list(scope_, "netif.list", pb::bind<&Netif::on_list_called>(this), {.help = "every interface", .role = PB_VIEWER}),
		  acquire_route(scope_, "POST interfaces/{name}/acquire", "method:netif.acquire", {.help = "own an interface", .deadline = 60s}),
		  release_route(scope_, "POST interfaces/{name}/release", "method:netif.release", {.help = "give an interface back", .deadline = 60s}),
		  air_timer(scope_, pb::bind<&Netif::on_air>(this)), drain_timer(scope_, pb::bind<&Netif::on_drain_time>(this))
	{}

	void configure(const Settings &settings)
	{
		if (settings.record_dir != now.record_dir || settings.network_manager != now.network_manager) {
			throw pb::Error(409, "", "record_dir and network_manager take effect when the plugin is started: POST plugins/netif/reload");
		}
		now = settings;
		around.state_pattern = settings.state_file;
		owners.configure(settings.interfaces);
	}

	void drain(bool is_shutdown, pb::Bound<> done) noexcept
	{
		drained = done;
		if (is_shutdown) owners.give_back(false);
		else owners.hand_over();
		drain_ends = std::chrono::steady_clock::now() + (is_shutdown ? 15s : 2s);
		living_until = std::chrono::steady_clock::now() + 5s;
		is_handing_over = !is_shutdown;
		drain_timer.every(50ms, pb::from_now);
	}

private:
	// News
	void on_link_changed(int index) noexcept override
	{
		board.mark(index);
		if (is_known) owners.on_news(index, false);
	}
	void on_link_gone(int index) noexcept override
	{
		board.mark(index);
		if (is_known) owners.on_news(index, true);
	}
	void on_all_known() noexcept override
	{
		is_known = true;
		around.country = watcher.country();
		board.flush_all();
		owners.recover();
		for (auto &ask : std::exchange(early, {})) ask();
	}

	// Audience
	void on_owner_changed(int index) noexcept override
	{
		board.mark(index);
		owners.on_changed();
	}
	void on_incident(pb::Json what) noexcept override { incident.publish(std::move(what)); }
	pb::Json entry(int index) override { return describe(index); }

	// Board::Source
	pb::Json describe(int index) override
	{
		const Link *link = links.find(index);
		if (!link) return {};
		const auto wiphy = link->radio ? watcher.wiphys().find(link->radio->wiphy) : watcher.wiphys().end();
		return netif::describe(*link, wiphy == watcher.wiphys().end() ? nullptr : &wiphy->second, owners.describe(index));
	}
	void on_watched(bool is_watched) noexcept override
	{
		if (is_watched) air_timer.every(5s, pb::from_now);
		else air_timer.stop();
	}

	void on_air() noexcept
	{
		if (is_known) watcher.refresh_air([] {});
	}

	/// What is asked before the first dump has come waits for it.
	void when_fresh(std::function<void()> ask)
	{
		if (is_known)
			return watcher.refresh_air([this, ask = std::move(ask)] {
				around.country = watcher.country();
				board.flush_all();
				ask();
			});
		if (early.size() >= 64) throw pb::Error(503, "BUSY", "the interfaces are still being read");
		early.push_back(std::move(ask));
	}

	void on_list(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
	{
		const auto kept = std::make_shared<pb::Request>(std::move(request)); // shared: callables are copied
		when_fresh([this, kept] { kept->respond(200, "application/json", board.list()); });
	}
	void on_one(const Name &path, const pb::None &, const pb::None &, pb::Request &&request)
	{
		const auto kept = std::make_shared<pb::Request>(std::move(request));
		when_fresh([this, kept, name = path.name] {
			if (const std::string *text = board.entry(name)) kept->respond(200, "application/json", *text);
			else kept->fail(404, "NOT_FOUND", fmt::format("there is no interface {}", name));
		});
	}
	void on_list_called(const pb::None &, pb::Reply &&reply)
	{
		const auto kept = std::make_shared<pb::Reply>(std::move(reply));
		when_fresh([this, kept] { kept->text(board.list()); });
	}
	void on_acquire(const AcquireArgs &args, pb::Reply &&reply) { owners.acquire(args, std::move(reply)); }
	void on_release(const ReleaseArgs &args, pb::Reply &&reply) { owners.release(args, std::move(reply)); }

	void on_drain_time() noexcept
	{
		const auto time = std::chrono::steady_clock::now();
		if (!is_handing_over && living_until != std::chrono::steady_clock::time_point{} && time >= living_until) {
			living_until = {};
			owners.give_back(true);
		}
		const bool is_at_rest = worker.is_idle() && scanner.is_idle() && (is_handing_over || owners.is_empty());
		if (!is_at_rest && time < drain_ends) return;
		drain_timer.stop();
		std::exchange(drained, {})();
	}

	pb::Scope &scope;
	Settings now;
	NetlinkKernel kernel;
	Links links;
	Worker worker, scanner;
	std::unique_ptr<Manager> manager;
	Records records;
	Board board;
	Watcher watcher;
	Surroundings around;
	Owners owners;
	std::vector<std::function<void()>> early;
	pb::Bound<> drained;
	std::chrono::steady_clock::time_point drain_ends{}, living_until{};
	bool is_known = false, is_handing_over = false;
	pb::Topic incident;
	pb::Handler<> list_route;
	pb::Handler<Name> one_route;
	pb::Method<AcquireArgs> acquire;
	pb::Method<ReleaseArgs> release;
	pb::Method<pb::None> list;
	pb::Route acquire_route, release_route;
	pb::Timer air_timer, drain_timer;
};

} // namespace
} // namespace netif

PATCHBAY_PLUGIN_WITH(netif::Netif, "netif", "1.0.0", "", PB_EXCLUSIVE)
