// The WebSocket /webhook: section 7 of the contract.
#pragma once
#include "broadcast.hpp"
#include "client.hpp"
#include "feed.hpp"
#include "new_devices.hpp"
#include "script_news.hpp"

#include <array>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace webhook {

/// Owns the clients. Its timers run only while there are any. Loop thread.
class Sockets final : private ClientOwner {
public:
	Sockets(pb::Scope &scope, Feed &feed, ScriptNews &scripts);
	~Sockets();

	[[nodiscard]] std::size_t count() const noexcept { return clients.size(); }
	/// Tells all that it ends, closes them, then calls back.
	void shut_down(std::string_view why, pb::Bound<> done);

private:
	void on_request(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request);
	void on_message(Client &client, std::string_view text) override;
	void on_room(Client &client) override;
	void on_gone(Client &client) override;

	void subscribe(Client &client, const json_t *data, bool is_on);
	void ask_status(Client &client, const std::string &script);
	void ask_next();
	[[nodiscard]] const std::string &answer_to(const std::string &script);
	void on_answer_time() noexcept;
	void say(Client &client, const char *name, const pb::Json &data);
	void complain(Client &client, const std::string &message);
	void set_channels(Client &client, unsigned channels);

	void on_event(const FeedEvent &event) noexcept;
	void on_device(const json_t *device) noexcept;
	void on_devices(const json_t *data, std::size_t count) noexcept;
	void on_ping_time() noexcept;
	void on_farewell() noexcept;

	ScriptNews &scripts;
	std::map<std::string, std::unique_ptr<Client>, std::less<>> clients; // by id
	std::list<Client *> turns;                                           // the next one to be pinged first
	std::array<std::size_t, std::size(channel_names)> subscribers{};     // of each channel
	struct Asking {
		std::string client, script;
	};
	std::vector<Asking> asking, answering;                   // for the next answer; for the present one
	std::size_t answered = 0;                                // of answering
	std::optional<Launcher::Outcome<Sheet>> outcome;         // the present answer
	std::map<std::string, std::string, std::less<>> answers; // made of it, by script
	bool is_asking = false;
	std::string farewell;
	pb::Bound<> gone;
	bool is_ending = false;
	Feed::Seat seat;
	Broadcast broadcast;
	NewDevices new_devices;
	pb::Handler<> route;
	pb::Timer pings, ending, answer_timer;
};

} // namespace webhook
