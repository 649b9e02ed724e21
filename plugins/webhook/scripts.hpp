// run-script, stop-script and script-status: section 2 of the contract.
#pragma once
#include "launcher.hpp"

namespace webhook {

/// Loop thread.
class Scripts final {
public:
	Scripts(pb::Scope &scope, Launcher &launcher);

private:
	struct Options {
		std::optional<std::string> interface, config;
		static constexpr auto fields =
			pb::fields(pb::field("interface", &Options::interface,
						   {.min = 1, .max = 15, .help = "an interface of this machine: KISMET_INTERFACE and WIRELESS_INTERFACE of the child"}),
				pb::field("config", &Options::config, {.min = 1, .max = 4096, .help = "a file within config_dir: `--config FILE`"}));
	};
	struct RunBody {
		std::string script;
		std::optional<Options> options;
		static constexpr auto fields =
			pb::fields(pb::field("script", &RunBody::script, {.min = 1, .max = 64, .help = "kismet, gps, both, or another group of processes"}),
				pb::field("options", &RunBody::options, {.help = "for this run"}));
	};
	struct StopBody {
		std::string script;
		bool force = false;
		static constexpr auto fields =
			pb::fields(pb::field("script", &StopBody::script, {.min = 1, .max = 64, .help = "kismet, gps, both, or another group of processes"}),
				pb::field("force", &StopBody::force, {.fallback = "false", .help = "SIGKILL at once"}));
	};
	struct StatusQuery {
		std::optional<std::string> script;
		static constexpr auto fields = pb::fields(pb::field("script", &StatusQuery::script, {.min = 1, .max = 64, .help = "this one alone"}));
	};
	void on_run(const pb::None &, const pb::None &, const RunBody &body, pb::Request &&request);
	void on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request);
	void on_status(const pb::None &, const StatusQuery &query, const pb::None &, pb::Request &&request);

	Launcher &launcher;
	pb::Handler<pb::None, pb::None, RunBody> run_route;
	pb::Handler<pb::None, pb::None, StopBody> stop_route;
	pb::Handler<pb::None, StatusQuery> status_route;
};

/// Answers with what went wrong, in the ordinary shape.
void fail_with(pb::Request &request, const pb::Error &e);

} // namespace webhook
