// webhook: the contract that older dashboards, scripts and fleets speak, made of the other plugins' topics and methods.
#include "air.hpp"
#include "air_news.hpp"
#include "feed.hpp"
#include "flat_scripts.hpp"
#include "health.hpp"
#include "info.hpp"
#include "kismet_data.hpp"
#include "known.hpp"
#include "launcher.hpp"
#include "legacy.hpp"
#include "machine.hpp"
#include "outgoing/outgoing.hpp"
#include "script_files.hpp"
#include "script_news.hpp"
#include "scripts.hpp"
#include "settings.hpp"
#include "sockets.hpp"
#include "state_file.hpp"
#include "wigle_files.hpp"

#include <patchbay/patchbay.hpp>

namespace webhook {

class Webhook final {
public:
	using Settings = webhook::Settings;
	Webhook(pb::Scope &scope, const Settings &settings)
		: known(scope), machine(scope, settings.config_dir), info(scope, known, machine, settings.config_dir),
		  health(scope, known, [this] { return sockets.count(); }, {{"info", [this] { info.clear(); }}}), launcher(scope, known, machine, settings.config_dir),
		  scripts(scope, launcher), flat_scripts(scope, known, launcher, settings.aliases, settings.stop_patience),
		  script_files(scope, known, launcher, settings.scripts), wigle_files(scope, settings.wigle_directories), air(scope, known), kismet_data(scope, air),
		  script_news(scope, known, launcher, feed), air_news(scope, known, feed), sockets(scope, feed, script_news),
		  state_file(scope, known, settings.state_file), legacy(scope, settings.legacy_listen), outgoing(scope, known, settings.outgoing)
	{}
	void drain(bool is_shutdown, pb::Bound<> done) noexcept
	{
		if (is_shutdown) rested = done;
		sockets.shut_down(is_shutdown ? "the daemon is stopping" : "the plugin is being stopped or replaced; connect again",
			is_shutdown ? pb::Bound<>(pb::bind<&Webhook::on_sockets_closed>(this)) : done);
	}

private:
	void on_sockets_closed() noexcept { state_file.wait_for_procs(rested); }

	pb::Bound<> rested;
	Known known;
	Machine machine;
	Info info;
	Health health;
	Launcher launcher;
	Scripts scripts;
	FlatScripts flat_scripts;
	ScriptFiles script_files;
	WigleFiles wigle_files;
	AirSource air;
	KismetData kismet_data;
	Feed feed;
	ScriptNews script_news;
	AirNews air_news;
	Sockets sockets;
	StateFile state_file;
	Legacy legacy;
	outgoing::Outgoing outgoing;
};

} // namespace webhook

// Two instances would deliver the same events.
PATCHBAY_PLUGIN_WITH(webhook::Webhook, "webhook", "1.0.0", "", PB_EXCLUSIVE)
