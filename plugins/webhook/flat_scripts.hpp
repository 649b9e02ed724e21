// The flat /run-script, /stop-script and /script-status: what the Flask service and its pages speak.
#pragma once
#include "launcher.hpp"

#include <map>

namespace webhook {

/// Loop thread. Aliases: other names of scripts, as older callers write them.
class FlatScripts final {
public:
	using Aliases = std::map<std::string, std::string>;
	FlatScripts(pb::Scope &scope, const Known &known, Launcher &launcher, Aliases aliases, pb::milliseconds patience);

private:
	struct RunBody {
		std::optional<std::string> script_name, script;
		std::optional<std::vector<std::string>> args;
		static constexpr auto fields =
			pb::fields(pb::field("script_name", &RunBody::script_name, {.max = 64, .help = "a script; the whole chain where none is named"}),
				pb::field("script", &RunBody::script, {.max = 64, .help = "the same"}),
				pb::field("args", &RunBody::args, {.max = 16, .help = "further arguments: letters, digits and _-.,:=+@% alone"}));
	};
	struct StopBody {
		std::optional<std::string> script_name, script;
		std::optional<bool> force;
		static constexpr auto fields =
			pb::fields(pb::field("script_name", &StopBody::script_name, {.max = 64, .help = "a script; the whole chain where none is named"}),
				pb::field("script", &StopBody::script, {.max = 64, .help = "the same"}), pb::field("force", &StopBody::force, {.help = "SIGKILL at once"}));
	};
	struct PendingStop;

	void on_run(const pb::None &, const pb::None &, const RunBody &body, pb::Request &&request);
	void on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request);
	void on_status(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request);
	[[nodiscard]] pb::Json status(const Sheet *sheet) const;
	[[nodiscard]] std::string name_of(const std::optional<std::string> &one, const std::optional<std::string> &other) const;

	pb::Scope &scope;
	const Known &known;
	Launcher &launcher;
	const Aliases aliases;
	const pb::milliseconds patience; // of a caller of /stop-script
	pb::Handler<pb::None, pb::None, RunBody> run_route;
	pb::Handler<pb::None, pb::None, StopBody> stop_route;
	pb::Handler<> status_route;
};

} // namespace webhook
