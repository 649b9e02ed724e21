// GET procs/{name}/log: the last lines, and with follow=1 those that come, as Server-Sent Events.
#pragma once
#include "coordinator.hpp"
#include "log_follow.hpp"
#include "log_tail.hpp"

#include <list>

namespace procs {

class LogRoute final {
public:
	LogRoute(Context &context, Coordinator &coordinator);
	~LogRoute();
	/// The last lines as {"lines":[…]}, or with why there are none.
	void tail(const std::string &name, std::size_t count, std::function<void(std::string json)> then);

private:
	struct Path {
		std::string name;
		static constexpr auto fields = pb::fields(pb::field("name", &Path::name, {.min = 1, .max = 64, .help = "of a process"}));
	};
	struct Query {
		int lines;
		bool follow;
		static constexpr auto fields =
			pb::fields(pb::field("lines", &Query::lines, {.fallback = "100", .min = 0, .max = 10000, .help = "how many of the last lines"}),
				pb::field("follow", &Query::follow, {.fallback = "false", .help = "then those that come, as Server-Sent Events"}));
	};
	class Reader;
	void on_request(const Path &path, const Query &query, const pb::None &, pb::Request &&request);
	void open(const std::string &log, LogTail tail, pb::Request &&request);

	Context &context;
	Coordinator &coordinator;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
	std::list<std::unique_ptr<Reader>> readers;
	pb::Handler<Path, Query> route;
};

} // namespace procs
