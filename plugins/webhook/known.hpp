// What the other plugins have told: the kept values of their topics, at hand without a call.
#pragma once
#include <patchbay/patchbay.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace webhook {

/// Subscribes to each topic that replies are made of, without counting as somebody who looks. Loop thread.
class Known final {
public:
	/// The topic whose value has changed, or gone.
	using OnChange = std::function<void(std::string_view topic)>;

	explicit Known(pb::Scope &scope);
	Known(const Known &) = delete;
	Known &operator=(const Known &) = delete;

	/// The value, or null where there is none. Good until the loop's next turn.
	[[nodiscard]] const json_t *at(std::string_view topic) const noexcept;
	/// Grows with every change.
	[[nodiscard]] std::uint64_t generation() const noexcept { return changes; }
	/// Told of every change from now on, as long as we live.
	void tell(OnChange listener) { listeners.push_back(std::move(listener)); }

	[[nodiscard]] bool runs(std::string_view plugin) const noexcept;
	/// "plugin procs is disabled", "plugin procs has failed: …", "plugin procs is not installed".
	[[nodiscard]] std::string why_not(std::string_view plugin) const;
	/// 503 that names the plugin.
	[[nodiscard]] pb::Error unavailable(std::string_view plugin) const;

	/// Kismet answers at its interface.
	[[nodiscard]] bool is_kismet_up() const noexcept;
	/// A process of procs has a PID. By its name.
	[[nodiscard]] bool is_process_up(std::string_view name) const noexcept;
	/// The plugin that asks it sees it, whoever started it.
	[[nodiscard]] bool is_kismet_seen() const noexcept;
	[[nodiscard]] bool is_gpsd_seen() const noexcept;
	/// Kismet's process is there, whoever started it.
	[[nodiscard]] bool is_kismet_there() const noexcept;
	[[nodiscard]] bool is_gpsd_there() const noexcept;
	[[nodiscard]] bool is_wigle_there() const noexcept;

private:
	[[nodiscard]] const json_t *plugin(std::string_view name) const noexcept;
	[[nodiscard]] const json_t *port(std::string_view name) const noexcept;
	void on_value(const pb_value &value) noexcept;

	std::map<std::string, pb::Json, std::less<>> values;
	std::vector<OnChange> listeners;
	std::uint64_t changes = 0;
	std::vector<std::unique_ptr<pb::Subscription>> subscriptions;
};

} // namespace webhook
