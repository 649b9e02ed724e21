// statusUpdate and scriptEvent: what becomes of scripts, while somebody wants to hear of it.
#pragma once
#include "feed.hpp"
#include "launcher.hpp"

#include <map>
#include <string>

namespace webhook {

/// Loop thread. Its timer runs only while statusUpdate is wanted.
class ScriptNews final {
public:
	using Done = std::function<void(const Launcher::Outcome<Sheet> &)>;
	ScriptNews(pb::Scope &scope, Known &known, Launcher &launcher, Feed &feed);

	/// The present status; those who ask while one is on its way share it. False: too many wait.
	bool ask(Done done);

private:
	void on_wanted(unsigned kinds) noexcept;
	void on_timer() noexcept;
	void on_summary();
	void tell_change(const std::string &name, std::string_view before, std::string_view now, std::int64_t pid);
	void tell(const std::string &name, const char *action, std::int64_t pid);

	pb::Scope &scope;
	Known &known;
	Launcher &launcher;
	Feed &feed;
	std::map<std::string, std::string, std::less<>> states; // of each process
	bool has_states = false, is_asking = false;
	std::vector<Done> waiting;
	pb::Timer timer, soon;
};

} // namespace webhook
