// The live view: dumps on the worker first, then notifications on the loop; after lost ones a dump again.
#pragma once
#include "kernel.hpp"
#include "worker.hpp"

#include <variant>

namespace netif {

/// Who is told what has changed.
class News {
public:
	virtual ~News() = default;
	virtual void on_link_changed(int index) noexcept = 0;
	virtual void on_link_gone(int index) noexcept = 0;
	virtual void on_all_known() noexcept = 0; // once
};

/// Loop thread. Fills `links` and `wiphys`; borrows all.
class Watcher final {
public:
	Watcher(pb::Scope &scope, Worker &worker, NetlinkKernel &kernel, Links &links, News &news);
	Watcher(const Watcher &) = delete;
	Watcher &operator=(const Watcher &) = delete;

	[[nodiscard]] const std::map<std::uint32_t, Wiphy> &wiphys() const noexcept { return radios.wiphys; }
	[[nodiscard]] const std::string &country() const noexcept { return radios.country; }
	[[nodiscard]] std::uint64_t overruns() const noexcept { return overrun_count; }
	/// SSID, signal, frequency and rfkill of all radios anew, then done. Not more often than every two seconds.
	void refresh_air(std::function<void()> done);

private:
	struct Detail {
		int index = 0;
		Hardware hardware;
		Answer radio_answer;
		Radio radio;
		std::optional<Air> air;
	};
	using Queued = std::variant<LinkNews, AddressNews>;

	void on_route_readable(int fd, uint32_t what) noexcept;
	void on_wireless_readable(int fd, uint32_t what) noexcept;
	void on_message(const nlmsghdr *message);
	void on_wireless(const nlmsghdr *message);
	void apply(const Queued &news);
	void reload() noexcept;
	void on_reloaded(Snapshot snapshot);
	void find_wireless();
	void on_wireless_found(std::optional<Family> family);
	void reload_radios() noexcept;
	void on_radios(RadioSnapshot snapshot);
	void look_closer(int index);
	void look_closer_soon() noexcept;
	void on_details(std::vector<Detail> details);
	[[nodiscard]] std::function<std::vector<Detail>()> details_of(std::set<int> indices, bool with_air);
	void become_ready();

	static constexpr std::size_t most_queued = 20000, most_at_once = 32;
	pb::Scope &scope;
	Worker &worker;
	NetlinkKernel &kernel;
	Links &links;
	News &news;
	RadioSnapshot radios;
	std::vector<Queued> queued; // while a dump is under way
	std::set<int> curious;      // to be looked at closer
	std::vector<std::function<void()>> waiting_for_air;
	std::chrono::steady_clock::time_point air_time{};
	std::uint64_t overrun_count = 0;
	int reload_tries = 0;
	bool is_reloading = false, must_reload = false, is_ready = false, is_asking_wireless = false, is_looking_closer = false, radios_unread = false,
		 has_links = false;
	Listener route;
	std::unique_ptr<Listener> wireless;
	pb::Timer reload_later, radios_later, closer_later;
	std::optional<pb::Fd> wireless_fd;
	pb::Fd route_fd;
};

} // namespace netif
