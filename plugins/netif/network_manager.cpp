// NetworkManager over the system bus, by sd-bus, without blocking: Device.Managed and Device.State. It is never started by us.
#include "manager.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <poll.h>

#include <cstring>
#include <ctime>
#include <list>

namespace netif {

using namespace std::chrono_literals;

namespace {
constexpr auto service = "org.freedesktop.NetworkManager";
constexpr auto device_interface = "org.freedesktop.NetworkManager.Device";
constexpr auto properties_interface = "org.freedesktop.DBus.Properties";
constexpr std::uint64_t call_timeout_us = 2'000'000;
constexpr std::uint32_t state_unmanaged = 10;
constexpr auto state_interval = 200ms;
constexpr int most_state_looks = 25;

struct MessageUnref {
	void operator()(sd_bus_message *m) const noexcept { sd_bus_message_unref(m); }
};
using BusMessage = std::unique_ptr<sd_bus_message, MessageUnref>;

class NetworkManager final : public Manager {
public:
	explicit NetworkManager(pb::Scope &scope_)
		: scope(scope_), timeout(scope_, pb::bind<&NetworkManager::on_timeout>(this)), looks_later(scope_, pb::bind<&NetworkManager::on_look>(this))
	{}
	~NetworkManager() override { disconnect(); }
	NetworkManager(const NetworkManager &) = delete;
	NetworkManager &operator=(const NetworkManager &) = delete;

	void ask(const std::string &name, Answered done) override
	{
		with_device(name, [this, done](const std::string &path, const std::string &) {
			if (path.empty()) return done(std::nullopt);
			get(path, "Managed", [done](sd_bus_message *m) {
				int is_managed = 0;
				const bool is_good = m && sd_bus_message_read(m, "v", "b", &is_managed) >= 0;
				done(is_good ? std::optional(is_managed != 0) : std::nullopt);
			});
		});
	}

	void set_managed(const std::string &name, bool is_managed, Done done) override
	{
		with_device(name, [this, is_managed, done](const std::string &path, const std::string &why) {
			if (path.empty()) return done(why);
			BusMessage m = method(path, properties_interface, "Set");
			if (!m || sd_bus_message_append(m.get(), "ssv", device_interface, "Managed", "b", is_managed ? 1 : 0) < 0) return done("out of memory");
			send(std::move(m), [this, is_managed, path, done](sd_bus_message *reply, const std::string &refused) {
				if (!reply || is_managed) return done(refused);
				looks.push_back({path, done, 0});
				looks_later.once(0ms);
			});
		});
	}

private:
	using Replied = std::function<void(sd_bus_message *reply, const std::string &why)>; // reply null: why
	struct Call {
		NetworkManager *owner;
		Replied done;
		sd_bus_slot *slot = nullptr;
		std::list<Call>::iterator here;
	};
	/// Waits until a device is let go.
	struct Look {
		std::string path;
		Done done;
		int tries;
	};

	bool connect()
	{
		if (bus) return true;
		if (sd_bus_open_system(&bus) < 0) {
			bus = nullptr;
			return false;
		}
		fd.emplace(scope, sd_bus_get_fd(bus), pb::bind<&NetworkManager::on_ready>(this));
		watch();
		return true;
	}

	void disconnect() noexcept
	{
		fd.reset();
		timeout.stop();
		for (Call &call : calls) sd_bus_slot_unref(call.slot);
		bus = sd_bus_close_unref(bus);
	}

	/// Without it there is no answer: the connection's own wishes, after each piece of work.
	void watch() noexcept
	{
		const int events = sd_bus_get_events(bus);
		fd->watch((events & POLLIN ? std::uint32_t{PB_READ} : 0U) | (events & POLLOUT ? std::uint32_t{PB_WRITE} : 0U));
		std::uint64_t until = 0;
		if (sd_bus_get_timeout(bus, &until) <= 0 || until == UINT64_MAX) return timeout.stop();
		timespec now{};
		::clock_gettime(CLOCK_MONOTONIC, &now);
		const auto now_us = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
		timeout.once(pb::milliseconds(until > now_us ? (until - now_us) / 1000 + 1 : 0));
	}

	void on_ready(int, uint32_t) noexcept { work(); }
	void on_timeout() noexcept { work(); }

	void work() noexcept
	{
		int status = 1;
		for (int i = 0; i < 64 && status > 0; ++i) status = sd_bus_process(bus, nullptr);
		if (status >= 0) {
			watch();
			if (status > 0) timeout.once(0ms);
			return;
		}
		// The bus has gone. What was asked is answered; the next question connects anew.
		std::list<Call> lost;
		lost.swap(calls);
		for (Call &call : lost) sd_bus_slot_unref(call.slot);
		disconnect();
		for (Call &call : lost) finish(call, nullptr, fmt::format("the system bus has gone: {}", std::strerror(-status)));
	}

	BusMessage method(const std::string &path, const char *interface, const char *member)
	{
		sd_bus_message *m = nullptr;
		if (!connect() || sd_bus_message_new_method_call(bus, &m, service, path.c_str(), interface, member) < 0) return nullptr;
		sd_bus_message_set_auto_start(m, 0);
		return BusMessage(m);
	}

	void send(BusMessage m, Replied done)
	{
		calls.push_front({this, std::move(done), nullptr, {}});
		Call &call = calls.front();
		call.here = calls.begin();
		const int status = sd_bus_call_async(bus, &call.slot, m.get(), &NetworkManager::on_reply, &call, call_timeout_us);
		if (status >= 0) return watch();
		std::list<Call> mine;
		mine.splice(mine.begin(), calls, call.here);
		finish(mine.front(), nullptr, std::strerror(-status));
	}

	static int on_reply(sd_bus_message *m, void *data, sd_bus_error *) noexcept
	{
		auto *call = static_cast<Call *>(data);
		std::list<Call> mine;
		mine.splice(mine.begin(), call->owner->calls, call->here);
		sd_bus_slot_unref(call->slot);
		const sd_bus_error *error = sd_bus_message_get_error(m);
		call->owner->finish(*call, error ? nullptr : m, error ? (error->message ? error->message : error->name) : "");
		return 1;
	}

	void finish(Call &call, sd_bus_message *reply, const std::string &why) noexcept
	{
		pb::detail::guarded([&] { call.done(reply, why); }, [&](const pb_error &e) { scope.error(std::string("NetworkManager: ") + e.text); });
	}

	/// The object path of a device; "" where it is not known, and why.
	void with_device(const std::string &name, std::function<void(const std::string &path, const std::string &why)> done)
	{
		BusMessage m = method("/org/freedesktop/NetworkManager", service, "GetDeviceByIpIface");
		if (!m || sd_bus_message_append(m.get(), "s", name.c_str()) < 0) return done("", "there is no system bus");
		send(std::move(m), [done = std::move(done)](sd_bus_message *reply, const std::string &why) {
			const char *path = nullptr;
			if (!reply || sd_bus_message_read(reply, "o", &path) < 0) return done("", why);
			done(path, "");
		});
	}

	void get(const std::string &path, const char *property, std::function<void(sd_bus_message *)> done)
	{
		BusMessage m = method(path, properties_interface, "Get");
		if (!m || sd_bus_message_append(m.get(), "ss", device_interface, property) < 0) return done(nullptr);
		send(std::move(m), [done = std::move(done)](sd_bus_message *reply, const std::string &) { done(reply); });
	}

	void on_look() noexcept
	{
		std::list<Look> now;
		now.swap(looks);
		for (Look &look : now) {
			get(look.path, "State", [this, look](sd_bus_message *m) mutable {
				std::uint32_t state = 0;
				const bool is_known = m && sd_bus_message_read(m, "v", "u", &state) >= 0;
				if (!is_known || state == state_unmanaged || ++look.tries >= most_state_looks) {
					return look.done(is_known && state == state_unmanaged ? "" : "it did not let go within 5 s");
				}
				looks.push_back(look);
				looks_later.once(state_interval);
			});
		}
	}

	pb::Scope &scope;
	sd_bus *bus = nullptr;
	std::list<Call> calls;
	std::list<Look> looks;
	std::optional<pb::Fd> fd;
	pb::Timer timeout, looks_later;
};
} // namespace

std::unique_ptr<Manager> make_network_manager(pb::Scope &scope) { return std::make_unique<NetworkManager>(scope); }

} // namespace netif
