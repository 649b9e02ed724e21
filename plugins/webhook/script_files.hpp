// /api/start-script, /api/stop-script and /api/script-status: single script files that the settings allow, run by procs.
#pragma once
#include "known.hpp"
#include "launcher.hpp"

#include <map>

namespace webhook {

/// A script is known by its file name. Loop thread.
class ScriptFiles final {
public:
	/// paths: absolute; throws where two have the same name.
	ScriptFiles(pb::Scope &scope, const Known &known, Launcher &launcher, const std::vector<std::string> &paths);

private:
	struct StartBody {
		std::string name;
		static constexpr auto fields =
			pb::fields(pb::field("scriptName", &StartBody::name, {.min = 1, .max = 255, .help = "the file name of a script that `scripts` lists"}));
	};
	struct StopBody {
		std::optional<std::string> name;
		static constexpr auto fields =
			pb::fields(pb::field("scriptName", &StopBody::name, {.min = 1, .max = 255, .help = "this one alone; all where it is left out"}));
	};
	struct Stopping;
	void on_start(const pb::None &, const pb::None &, const StartBody &body, pb::Request &&request);
	void on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request);
	void on_status(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request);
	void run(const std::string &name, const std::string &path, std::shared_ptr<pb::Request> request);
	/// Those of the list that have a process, with its PID.
	[[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> running(const Sheet &sheet) const;
	void stop(const std::vector<std::string> &names, pb::Request &&request);

	pb::Scope &scope;
	const Known &known;
	Launcher &launcher;
	std::map<std::string, std::string> paths; // by file name
	pb::Handler<pb::None, pb::None, StartBody> start_route;
	pb::Handler<pb::None, pb::None, StopBody> stop_route;
	pb::Handler<> status_route;
};

} // namespace webhook
