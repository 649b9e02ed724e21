// One loaded instance of a plugin: its code, its scope, its life from start to stop.
#pragma once
#include "host/plugin_file.hpp"
#include "host/services.hpp"
#include "reactor/watch.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace core::host {

/// Loads, starts, drains and unloads. Loop thread. Owns code, scope and copy; gone means gone: memory, descriptors, mapping.
class Instance final {
public:
	Instance(Services &services, Account &account, PluginFile file);
	~Instance(); // stops it if it runs; the caller has waited for its jobs
	Instance(const Instance &) = delete;
	Instance &operator=(const Instance &) = delete;

	/// Maps the code (its constructors run).
	Result<void> load();
	/// nullptr before load().
	[[nodiscard]] const pb_field *settings() const noexcept { return plugin ? plugin->settings : nullptr; }
	Result<void> start(const json_t *settings);
	/// False: it must be stopped and started instead.
	[[nodiscard]] bool can_configure() const noexcept { return plugin && plugin->configure; }
	Result<void> configure(const json_t *settings);
	/// While it comes to rest: its time is over now. Jobs are still waited for, since they run its code.
	void hurry() noexcept;
	/// Ends what it has registered, then calls stop(). Its jobs must have ended.
	void stop() noexcept;

	/// Rest, then `on_rest` (later, never from inside): waits for drain(), for its jobs, and, where asked, for requests and
	/// calls in flight; at most `limit`, but for jobs, which are always waited for.
	void rest(bool is_shutdown, bool wait_for_requests, std::chrono::milliseconds limit, Bound<> on_rest);

	[[nodiscard]] bool is_running() const noexcept { return runs; }
	[[nodiscard]] const Descriptor &descriptor() const noexcept { return file.descriptor; }
	[[nodiscard]] const HostScope &scope() const noexcept { return *own_scope; }
	/// Where its code lies, for naming who was on the stack in a crash. {0, 0}: nowhere.
	struct Range {
		std::uintptr_t begin = 0, end = 0;
	};
	[[nodiscard]] Range code() const noexcept { return range; }

private:
	static void on_drained(void *self);
	void on_look() noexcept;

	Services &services;
	Account &account;
	PluginFile file;
	void *handle = nullptr;
	const pb_plugin *plugin = nullptr;
	void *self = nullptr;
	bool runs = false, is_drained = false, waits_for_requests = false;
	Range range;
	std::unique_ptr<HostScope> own_scope;
	std::chrono::steady_clock::time_point rest_until{};
	Bound<> on_rest{};
	Timer look;
};

} // namespace core::host
