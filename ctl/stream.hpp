// An event stream that comes back: a lost connection is told of and made again, from where it was lost.
#pragma once
#include "context.hpp"

#include "http/event_stream.hpp"

#include <functional>
#include <string>

namespace ctl {

class Stream final {
public:
	/// `path` below /api/webhook/. Its events' ids go back as Last-Event-ID.
	Stream(Context &context_, std::string path_) : context(context_), path(std::move(path_)) {}
	/// The path for every connection after the first.
	void then(std::string path_) { next_path = std::move(path_); }
	/// Called before the first bytes of every connection after the first.
	void on_return(std::function<void()> called) { returned = std::move(called); }
	/// Without the retained values: only what is newer than this.
	void begin_after(std::string id) { last_id = std::move(id); }
	/// Runs until `on_event` answers false (then 0), or a signal ends the program. Throws Failure where the daemon refuses, and
	/// where it was not there at the beginning.
	int run(const std::function<bool(const Event &)> &on_event);

private:
	Context &context;
	std::string path, next_path, last_id;
	std::function<void()> returned;
};

} // namespace ctl
