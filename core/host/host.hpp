// The plugin host: which plugins there are, which of them should run, and how they get there.
#pragma once
#include "config/config.hpp"
#include "host/crash.hpp"
#include "host/folder_watch.hpp"
#include "host/instance.hpp"

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace core::host {

class Host;

/// A plugin by name, whatever becomes of its instances.
struct Plugin {
	enum class State { waiting, running, disabled, failed };

	Plugin(std::string name, Host &host_) : host(host_), account{std::move(name), 0, 0, {}, {}} {}
	Host &host;
	Account account;  // its name, and its time over all instances
	std::string path; // in the folder; empty: the file is gone
	Stamp stamp;
	State state = State::waiting;
	std::string reason;
	std::optional<PluginFile> fresh;    // taken from the folder, not loaded yet
	std::unique_ptr<Instance> instance; // loaded; runs where state is running
	std::unique_ptr<Instance> next;     // an exclusive upgrade: starts once the old instance rests
	pb::Json next_settings;
	pb::Json settings;           // checked; what the instance has
	std::optional<bool> by_hand; // enabled or disabled by hand
	std::string left_off;        // why it is not started after crashes; empty: it is not
	std::string failure;         // why it is failed, until its file, its settings or a hand changes that
	bool is_resting = false;     // on its way to a stop
	bool wants_restart = false;  // stop, then start with the present settings

	[[nodiscard]] const std::string &name() const noexcept { return account.name; }
};

/// Loop thread. Reconciles what runs with what should: files in the folders, configuration, hands, needs.
class Host final {
public:
	Host(Services &services, Crash &crash, const std::string &copies_in);
	~Host();
	Host(const Host &) = delete;
	Host &operator=(const Host &) = delete;

	/// Scans the folders and loads what is enabled. Problems with the settings: nothing is started. suspects: who crashed the
	/// daemon; left off from now on.
	std::vector<config::Problem> load(config::Config config, const std::vector<std::string> &suspects);
	/// After load(), once the daemon listens.
	void start();
	/// Another configuration: applied whole, or not at all where there are problems.
	std::vector<config::Problem> apply(config::Config config);
	/// Looks at the folders again (SIGHUP).
	void rescan();
	/// Dependents first, each drained; then `on_stopped`.
	void stop(Bound<> on_stopped);
	/// While stopping: nobody is waited for any more, but for jobs on workers. The order stays.
	void hurry() noexcept;
	/// At the very end: whatever still runs is stopped.
	void stop_now() noexcept;

	using Done = std::function<void(Result<pb::Json>)>; // the entry, once the change has taken effect
	void enable(const std::string &name, bool is_enabled, Done done);
	void reload(const std::string &name, Done done);

	/// For GET plugins. with_figures: what changes all the time (cpu_ms) as well.
	[[nodiscard]] pb::Json describe(bool with_figures) const;
	/// For GET config: {"files","settings","differences"}, without secrets.
	[[nodiscard]] pb::Json describe_config() const;
	[[nodiscard]] const std::map<std::string, Plugin> &all() const noexcept { return plugins; }
	/// Told when describe(false) may have changed.
	Bound<> on_change{};

private:
	struct Closing {
		std::unique_ptr<Instance> instance;
		Host *host;
	};
	struct Waiter {
		std::string name;
		Done done;
	};

	void on_file(const std::string &path) noexcept;
	void took(const std::string &path, Stamp stamp, Result<PluginFile> file);
	void adopt(const std::string &path, Stamp stamp, Result<PluginFile> file);
	void gone(const std::string &path);
	[[nodiscard]] bool is_enabled(const Plugin &p) const;
	[[nodiscard]] bool wants(const Plugin &p) const;
	[[nodiscard]] std::string unmet_need(const Plugin &p) const;
	bool load(Plugin &p, std::vector<config::Problem> *problems);
	void start(Plugin &p);
	void rest(Plugin &p);
	void upgrade(Plugin &p);
	void exchange(Plugin &p);
	void close_later(std::unique_ptr<Instance> old);
	[[nodiscard]] bool is_leaving(const Plugin &p) const;
	void stop_unwanted();
	void find_cycles();
	void reconcile();
	void reconcile_once();
	void settle() noexcept;
	void name_state(Plugin &p) const;
	void fail_plugin(Plugin &p, std::string why);
	void keep_hands();
	void take_again(Plugin &p);
	[[nodiscard]] pb::Json describe(const Plugin &p, bool with_figures) const;
	static void on_rested(void *plugin) noexcept;
	static void on_closed(void *closing) noexcept;
	[[nodiscard]] pb::Json line_of(const std::string &name) const;

	Services &services;
	Crash &crash;
	CopyFolder copies;
	config::Config config;
	std::map<std::string, Plugin> plugins;
	std::map<std::string, std::string> bad_files; // path → why
	pb::Json by_hand, left_off;                   // as kept: {NAME: {"enabled", "line"}}, {NAME: why}
	std::list<Closing> closing;
	std::vector<Waiter> waiters;
	std::set<std::string> taking; // paths being copied
	std::vector<std::string> folders;
	FolderWatch watch;
	bool is_started = false, is_stopping = false, is_hurried = false, is_planned = false;
	Bound<> on_stopped{};
};

[[nodiscard]] const char *to_string(Plugin::State state) noexcept;

} // namespace core::host
