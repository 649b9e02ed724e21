#include "sockets.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <sys/random.h>

namespace webhook {

namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto ping_interval = 30s, look_interval = 1s;
constexpr std::size_t most_at_once = 250; // clients that a turn pings or closes
constexpr unsigned most_asking = 8;
constexpr std::size_t most_channels = 16, most_answers = 64;

std::string new_id()
{
	std::uint64_t n = 0;
	if (::getrandom(&n, sizeof n, 0) != sizeof n) n = static_cast<std::uint64_t>(pb::unix_ms());
	return fmt::format("ws_{:016x}", n);
}

pb::Json names_of(unsigned channels)
{
	pb::Json out = pb::Json::array();
	for (const ChannelName &c : channel_names)
		if ((channels & c.bit) != 0) out.push(c.name);
	return out;
}

constexpr unsigned all_channels = channel_status | channel_devices | channel_alerts;
} // namespace

Sockets::Sockets(pb::Scope &scope, Feed &feed, ScriptNews &scripts_)
	: scripts(scripts_), seat(feed, pb::bind<&Sockets::on_event>(this)), broadcast(scope),
	  new_devices(scope, pb::bind<&Sockets::on_device>(this), pb::bind<&Sockets::on_devices>(this)),
	  route(scope, "GET /webhook", pb::bind<&Sockets::on_request>(this), {.help = "a WebSocket: status, devices and alerts as they come"}),
	  pings(scope, pb::bind<&Sockets::on_ping_time>(this)), ending(scope, pb::bind<&Sockets::on_farewell>(this)),
	  answer_timer(scope, pb::bind<&Sockets::on_answer_time>(this))
{}

Sockets::~Sockets() = default;

// ---- clients ------------------------------------------------------------------------------------------------------------

void Sockets::on_request(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
{
	if (is_ending) throw pb::Error(503, "", "the WebSocket is closing");
	ClientOwner &self = *this;
	auto owned = std::make_unique<Client>(self, std::move(request), new_id());
	Client &c = *owned;
	if (!c.is_open()) return; // refused, and answered
	if (clients.empty()) pings.every(look_interval);
	c.due = Clock::now() + ping_interval;
	c.turn = turns.insert(turns.end(), &c);
	broadcast.add(c);
	clients.emplace(c.id, std::move(owned));
	say(c, "connected", {{"clientId", c.id}, {"availableChannels", names_of(all_channels)}});
}

void Sockets::on_gone(Client &client)
{
	set_channels(client, 0);
	broadcast.remove(client);
	if (client.turn != turns.end()) turns.erase(client.turn);
	clients.erase(client.id);
	if (clients.empty()) pings.stop();
}

void Sockets::say(Client &client, const char *name, const pb::Json &data) { (void)client.send(message_text(name, data.get())); }

void Sockets::complain(Client &client, const std::string &message) { say(client, "error", {{"message", message}}); }

void Sockets::on_message(Client &client, std::string_view text)
{
	std::string why;
	const pb::Json message = pb::Json::parse(text, &why);
	if (!message) return complain(client, fmt::format("that is not valid JSON: {}", why));
	const json_t *event = pb::at(message.get(), "event");
	if (!json_is_string(event)) event = pb::at(message.get(), "type");
	if (!json_is_string(event)) return complain(client, R"(send {"event":"subscribe","data":{"channels":["status"]}})");
	const json_t *data = pb::at(message.get(), "data");
	if (!json_is_object(data)) data = message.get();
	const std::string_view name = pb::text_of(event);
	if (name == "subscribe") return subscribe(client, data, true);
	if (name == "unsubscribe") return subscribe(client, data, false);
	if (name != "requestStatus")
		return complain(client, fmt::format("unknown event {}; there are subscribe, unsubscribe and requestStatus", pb::utf8(name.substr(0, 64))));
	const json_t *script = pb::at(data, "script");
	if (script && !json_is_string(script) && !json_is_null(script)) return complain(client, "script must be a string");
	ask_status(client, std::string(pb::text_of(script)));
}

void Sockets::subscribe(Client &client, const json_t *data, bool is_on)
{
	const json_t *list = pb::at(data, "channels");
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > most_channels)
		return complain(client, "channels must be a list of status, devices, alerts");
	unsigned named = 0;
	std::size_t i;
	json_t *c;
	json_array_foreach(const_cast<json_t *>(list), i, c) {
		const auto *known = std::ranges::find_if(channel_names, [c](const ChannelName &n) { return pb::text_of(c) == n.name; });
		if (known == std::end(channel_names))
			complain(client, fmt::format("unknown channel {}; there are status, devices, alerts", pb::utf8(pb::Json::share(c).text().substr(0, 64))));
		else named |= known->bit;
	}
	if (named == 0) return;
	set_channels(client, is_on ? client.channels | named : client.channels & ~named);
	say(client, is_on ? "subscribed" : "unsubscribed", {{"channels", names_of(named)}});
	if (is_on && (named & channel_status) != 0) ask_status(client, {});
}

/// What nobody hears is not made.
void Sockets::set_channels(Client &client, unsigned channels)
{
	unsigned any = 0;
	for (std::size_t i = 0; i < subscribers.size(); ++i) {
		const unsigned bit = channel_names[i].bit;
		if ((channels & bit) != 0 && (client.channels & bit) == 0) ++subscribers[i];
		if ((channels & bit) == 0 && (client.channels & bit) != 0) --subscribers[i];
		if (subscribers[i] > 0) any |= bit;
	}
	client.channels = channels;
	if ((any & channel_devices) == 0) new_devices.clear();
	seat.want(((any & channel_status) != 0 ? feed_status | feed_scripts : 0U) | ((any & channel_devices) != 0 ? unsigned{feed_devices} : 0U) |
			  ((any & channel_alerts) != 0 ? unsigned{feed_alerts} : 0U));
}

/// To this client alone. script empty: all. Those who ask while an answer is on its way share the next one.
void Sockets::ask_status(Client &client, const std::string &script)
{
	if (client.asking >= most_asking) return complain(client, "too many requestStatus wait already");
	++client.asking;
	asking.push_back({client.id, script.empty() ? "all" : script});
	ask_next();
}

void Sockets::ask_next()
{
	if (asking.empty() || !answering.empty() || std::exchange(is_asking, true)) return;
	const bool is_taken = scripts.ask([this](const Launcher::Outcome<Sheet> &got) {
		is_asking = false;
		answering = std::move(asking);
		asking.clear();
		answered = 0;
		answers.clear();
		if (const auto *e = std::get_if<pb::Error>(&got)) outcome.emplace(*e);
		else outcome.emplace(std::get<Sheet>(got).share());
		answer_timer.once(0ms);
	});
	if (!is_taken) is_asking = false; // the next one who asks tries again
}

/// The message for one script, made once for all who ask.
const std::string &Sockets::answer_to(const std::string &script)
{
	const auto i = answers.find(script);
	if (i != answers.end()) return i->second;
	const auto *e = std::get_if<pb::Error>(&*outcome);
	const auto *sheet = std::get_if<Sheet>(&*outcome);
	std::string text;
	if (e && script == "all") text = message_text("statusUpdate", pb::Json{{"script", "all"}, {"status", nullptr}, {"message", e->what()}}.get());
	else if (e) text = message_text("error", pb::Json{{"message", e->what()}}.get());
	else if (script == "all") text = message_text("statusUpdate", pb::Json{{"script", "all"}, {"status", sheet->statuses()}}.get());
	else if (sheet->knows(script)) text = message_text("statusUpdate", pb::Json{{"script", script}, {"status", sheet->status(script)}}.get());
	else text = message_text("error", pb::Json{{"message", fmt::format("unknown script {}", pb::utf8(std::string_view(script).substr(0, 64)))}}.get());
	if (answers.size() >= most_answers) answers.clear(); // strangers choose the names
	return answers.emplace(script, std::move(text)).first->second;
}

void Sockets::on_answer_time() noexcept
{
	for (std::size_t done = 0; answered < answering.size(); ++done) {
		if (done == most_at_once) return answer_timer.once(0ms);
		const Asking one = answering[answered++];
		const auto i = clients.find(one.client); // it may have gone meanwhile
		if (i == clients.end()) continue;
		--i->second->asking;
		(void)i->second->send(answer_to(one.script));
	}
	answering.clear();
	answers.clear();
	ask_next();
}

/// A slow client has room again: it is told how much it missed, and what is so now.
void Sockets::on_room(Client &client)
{
	const Client::Missed missed = client.take_missed();
	if (missed.devices > 0) say(client, "newDevices", {{"devices", pb::Json::array()}, {"omitted", missed.devices}});
	if (missed.messages > 0) complain(client, fmt::format("{} messages were left out, since they came faster than they were read", missed.messages));
	if (missed.has_status) ask_status(client, {});
}

// ---- what happens -----------------------------------------------------------------------------------------------------

void Sockets::on_event(const FeedEvent &event) noexcept
{
	if (event.kind == feed_devices) return new_devices.add(event.data);
	const unsigned channel = event.kind == feed_alerts ? channel_alerts : channel_status;
	broadcast.send(frame_of(message_text(event.name, event.data)), channel, event.kind);
}

void Sockets::on_device(const json_t *device) noexcept { broadcast.send(frame_of(message_text("newDevice", device)), channel_devices, feed_devices, 1); }

void Sockets::on_devices(const json_t *data, std::size_t count) noexcept
{
	broadcast.send(frame_of(message_text("newDevices", data)), channel_devices, feed_devices, count);
}

// ---- time -------------------------------------------------------------------------------------------------------------

void Sockets::on_ping_time() noexcept
{
	const auto now = Clock::now();
	std::size_t done = 0;
	while (!turns.empty() && turns.front()->due <= now) {
		if (done++ == most_at_once) return pings.every(look_interval, pb::from_now); // the rest in a turn of its own
		Client &c = *turns.front();
		c.due = now + ping_interval;
		turns.splice(turns.end(), turns, turns.begin());
		c.tick(); // may delete it
	}
}

void Sockets::shut_down(std::string_view why, pb::Bound<> done)
{
	is_ending = true;
	farewell = message_text("shutdown", pb::Json{{"message", why}}.get());
	gone = done;
	pings.stop();
	ending.once(0ms);
}

void Sockets::on_farewell() noexcept
{
	for (std::size_t done = 0; !turns.empty(); ++done) {
		if (done == most_at_once) return ending.once(0ms);
		Client &c = *turns.front();
		turns.erase(c.turn);
		c.turn = turns.end(); // not in the line any more
		(void)c.send(farewell);
		c.close(1001, "the daemon is stopping");
	}
	std::exchange(gone, {})();
}

} // namespace webhook
