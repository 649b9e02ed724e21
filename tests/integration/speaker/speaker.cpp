// A plugin that publishes what it is told to, echoes over a WebSocket and mounts a folder: for the tests of streams and files.
#include <patchbay/patchbay.hpp>
#include <patchbay/websocket.hpp>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <memory>

namespace {

struct Settings {
	std::string folder;
	static constexpr auto fields =
		pb::fields(pb::field("folder", &Settings::folder, {.fallback = "\"/nowhere\"", .help = "what is mounted under /mounted/ and /open/"}));
};

struct Say {
	std::string topic, text;
	std::int64_t size, times;
	static constexpr auto fields =
		pb::fields(pb::field("topic", &Say::topic, {.fallback = "\"a\"", .choices = "a|b|flash", .help = "which of speaker/a, speaker/b, speaker/flash"}),
			pb::field("text", &Say::text, {.fallback = "\"\"", .max = 100000, .help = "what is said"}),
			pb::field("size", &Say::size, {.fallback = "0", .min = 0, .max = 4000000, .help = "bytes that are put behind it"}),
			pb::field("times", &Say::times, {.fallback = "1", .min = 1, .max = 100000, .help = "how often, each time with a number"}));
};

class Speaker final {
public:
	using Settings = ::Settings;
	Speaker(pb::Scope &scope, const Settings &settings)
		: a(scope, "speaker/a", "kept", 0, pb::bind<&Speaker::on_watch>(this)), b(scope, "speaker/b", "kept", 0),
		  flash(scope, "speaker/flash", "not kept", PB_TRANSIENT), watched(scope, "GET speaker", pb::bind<&Speaker::on_get>(this)),
		  say(scope, "speaker.say", pb::bind<&Speaker::on_say>(this), {.help = "publish"}), say_route(scope, "POST speaker/say", "method:speaker.say"),
		  echo(scope, "GET speaker/echo", pb::bind<&Speaker::on_echo>(this)),
		  mounted(scope, "/mounted/", settings.folder, {.cache_control = "max-age=31536000, immutable", .headers = extra}),
		  open(scope, "/open/", settings.folder, {.role = PB_PUBLIC}), beat(scope, pb::bind<&Speaker::on_beat>(this))
	{
		beat.every(std::chrono::seconds(30));
	}

private:
	struct Echo {
		Echo(Speaker &speaker_, pb::Request &&r) : speaker(speaker_), socket(std::move(r), options()) {}
		pb::WebSocket::Options options()
		{
			pb::WebSocket::Options o;
			o.max_message = 65536;
			o.max_queue = 1 << 20;
			o.on_text = pb::bind<&Echo::on_text>(this);
			o.on_close = pb::bind<&Echo::on_close>(this);
			return o;
		}
		void on_text(std::string_view text) noexcept
		{
			if (text == "close") socket.close(1001, "asked to");
			else if (!socket.send(text)) socket.close(1008, "too slow");
		}
		void on_close() noexcept
		{
			std::erase_if(speaker.echoes, [this](const auto &e) { return e.get() == this; });
		}
		Speaker &speaker;
		pb::WebSocket socket;
	};

	void on_watch(int is_watched_) noexcept { is_watched = is_watched_ != 0; }
	void on_get(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		r.json(200, {{"watched", is_watched}, {"role", r.caller().role}, {"address", r.caller().address}, {"name", r.caller().name}});
	}
	void on_say(const Say &args, pb::Reply &&reply)
	{
		pb::Topic &topic = args.topic == "a" ? a : args.topic == "b" ? b : flash;
		for (std::int64_t i = 0; i < args.times; ++i)
			topic.publish({{"n", ++said}, {"text", args.text + std::string(static_cast<std::size_t>(args.size), '.')}});
		reply({{"said", said}});
	}
	void on_echo(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		auto e = std::make_unique<Echo>(*this, std::move(r));
		if (e->socket.is_open()) echoes.push_back(std::move(e));
	}
	void on_beat() noexcept
	{
		for (auto i = echoes.begin(); i != echoes.end();) (*i++)->socket.tick(); // may take itself out
	}

	static constexpr pb_header extra[]{{"X-Speaker", "yes"}};
	bool is_watched = false;
	std::int64_t said = 0;
	std::list<std::unique_ptr<Echo>> echoes;
	pb::Topic a, b, flash;
	pb::Handler<> watched;
	pb::Method<Say> say;
	pb::Route say_route;
	pb::Handler<> echo;
	pb::Files mounted, open;
	pb::Timer beat;
};
} // namespace

PATCHBAY_PLUGIN(Speaker, "speaker", "1.0", "")
