// ports: the table of who should listen where, who does, and the conflicts. Scans on a worker: at start, when asked, and
// every 30 s while somebody looks.
#include "table.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>

using namespace std::chrono_literals;

namespace ports {
namespace {

struct Entry {
	std::string name, protocol, process;
	std::int64_t port = 0;
	std::optional<std::string> address;
	static constexpr auto fields = pb::fields(pb::field("name", &Entry::name, {.min = 1, .max = 64, .help = "the service"}),
		pb::field("port", &Entry::port, {.min = 1, .max = 65535, .help = "its port"}),
		pb::field("protocol", &Entry::protocol, {.fallback = "\"tcp\"", .choices = "tcp|udp", .help = "tcp or udp"}),
		pb::field("process", &Entry::process,
			{.fallback = "\"\"", .max = 128, .help = "who should hold it: a program's or a script's name, or several with | between them; \"\": anybody"}),
		pb::field("address", &Entry::address, {.help = "where it listens; without it any address counts"}));
};

struct Settings {
	std::vector<Entry> table;
	std::chrono::milliseconds interval;
	static constexpr auto fields =
		pb::fields(pb::field("table", &Settings::table,
					   {.fallback = R"([{ name = "gpsd", port = 2947, process = "gpsd" }, { name = "kismet", port = 2501, process = "kismet" },
{ name = "webhook", port = 5000, process = "patchbayd" }, { name = "wigletotak", port = 8000, process = "WigleToTak2.py" },
{ name = "openwebrx", port = 8073, process = "openwebrx|docker-proxy" }, { name = "spectrum", port = 8092, process = "patchbayd" },
{ name = "mavproxy", port = 14550, protocol = "udp", process = "mavproxy.py|mavproxy" }])",
						   .max = 256,
						   .help = "who should listen where"}),
			pb::field("interval", &Settings::interval, {.fallback = "30s", .min = 1s, .max = 1h, .help = "between two scans while somebody looks"}));
};

struct CheckArgs {
	std::optional<std::int64_t> port;
	std::string protocol;
	std::optional<std::string> address, process;
	static constexpr auto fields = pb::fields(pb::field("port", &CheckArgs::port, {.min = 1, .max = 65535, .help = "who holds this port"}),
		pb::field("protocol", &CheckArgs::protocol, {.fallback = "\"tcp\"", .choices = "tcp|udp", .help = "of the port"}),
		pb::field("address", &CheckArgs::address, {.help = "only what would stand in the way of a listener there"}),
		pb::field("process", &CheckArgs::process, {.min = 1, .max = 128, .help = "instead of a port: all rows of this program or service"}));
};

std::vector<Expected> read_table(const std::vector<Entry> &entries)
{
	std::vector<Expected> out;
	for (const Entry &e : entries) {
		Expected one{e.name, static_cast<std::uint16_t>(e.port), e.protocol == "udp" ? Protocol::udp : Protocol::tcp, e.process, std::nullopt};
		if (e.address && !(one.address = Address::parse(*e.address))) {
			throw pb::Error(422, "", fmt::format("table: {}: \"{}\" is no IP address", e.name, *e.address));
		}
		out.push_back(std::move(one));
	}
	return out;
}

class Ports final {
public:
	using Settings = ports::Settings;

	Ports(pb::Scope &scope_, const Settings &settings)
		: scope(scope_), expected(read_table(settings.table)), interval(settings.interval),
		  table(scope_, "ports/table", "who should listen where, and who does", PB_DROP_SAME, pb::bind<&Ports::on_watch>(this)),
		  conflicts(scope_, "ports/conflicts", "the rows that another program holds", PB_DROP_SAME, pb::bind<&Ports::on_watch>(this)),
		  route(scope_, "GET ports", pb::bind<&Ports::on_get>(this), {.help = "who should listen where, and who does"}),
		  list(scope_, "ports.list", pb::bind<&Ports::on_list>(this), {.help = "who should listen where, and who does", .role = PB_VIEWER}),
		  check(
			  scope_, "ports.check", pb::bind<&Ports::on_check>(this), {.help = "who holds a port, or what stands in the way of a program", .role = PB_VIEWER}),
		  timer(scope_, pb::bind<&Ports::on_timer>(this))
	{
		ask(false, [] {});
	}

	void configure(const Settings &settings)
	{
		expected = read_table(settings.table);
		interval = settings.interval;
		if (watchers > 0) timer.every(interval);
		publish();
		ask(false, [] {});
	}

private:
	// Two topics, told apart by nothing: they are counted.
	void on_watch(int is_watched) noexcept
	{
		watchers += is_watched != 0 ? 1 : -1;
		if (watchers == 1 && is_watched != 0) timer.every(interval, pb::from_now);
		if (watchers <= 0) timer.stop();
	}
	void on_timer() noexcept
	{
		pb::detail::guarded([&] { ask(false, [] {}); }, [&](const pb_error &e) { scope.warn(e.text); });
	}

	/// A scan, then `then`. Those that ask while one is under way share the next one: an answer is never older than its question.
	void ask(bool afresh, std::function<void()> then)
	{
		if (waiting.size() >= 256) throw pb::Error(503, "BUSY", "too many ask for the ports at once");
		waiting.push_back(std::move(then));
		must_be_fresh |= afresh;
		if (!is_scanning) start();
	}
	void start()
	{
		is_scanning = true;
		running.swap(waiting);
		const bool afresh = std::exchange(must_be_fresh, false);
		const bool is_taken = scope.work([this_processes = &processes, afresh] { return scan(*this_processes, afresh); },
			[this](Scan found) {
				is_scanning = false;
				last = std::move(found);
				if (!last.why.empty()) scope.warn("ports: " + last.why);
				publish();
				for (const auto &one : std::exchange(running, {})) one();
				if (!waiting.empty()) start();
			});
		if (is_taken) return;
		is_scanning = false;
		running.clear(); // dropped replies answer with an error of their own
	}

	void publish()
	{
		pb::Json all = pb::Json::array(), bad = pb::Json::array();
		for (const Expected &e : expected) {
			const Row row = judge(e, last);
			all.push(row.json());
			if (row.state == State::conflict) bad.push(row.json());
		}
		pb::Json whole{{"ports", std::move(all)}};
		text = whole.text();
		table.publish_text(text);
		conflicts.publish({{"conflicts", std::move(bad)}});
	}

	void on_get(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
	{
		const auto kept = std::make_shared<pb::Request>(std::move(request)); // shared: callables are copied
		ask(false, [this, kept] { kept->respond(200, "application/json", text); });
	}
	void on_list(const pb::None &, pb::Reply &&reply)
	{
		const auto kept = std::make_shared<pb::Reply>(std::move(reply));
		ask(false, [this, kept] { kept->text(text); });
	}

	void on_check(const CheckArgs &args, pb::Reply &&reply)
	{
		if (args.port.has_value() == args.process.has_value()) throw pb::Error(400, "VALIDATION_ERROR", "ports.check: give either port or process");
		Expected one{"", static_cast<std::uint16_t>(args.port.value_or(0)), args.protocol == "udp" ? Protocol::udp : Protocol::tcp, "", std::nullopt};
		if (args.address && !(one.address = Address::parse(*args.address)))
			throw pb::Error(400, "VALIDATION_ERROR", fmt::format("\"{}\" is no IP address", *args.address));
		const auto kept = std::make_shared<pb::Reply>(std::move(reply));
		// Somebody decides by it: nothing that was known before counts.
		if (args.port) ask(true, [this, kept, one] { (*kept)(check_port(one)); });
		else ask(true, [this, kept, process = *args.process] { (*kept)(check_process(process)); });
	}

	pb::Json check_port(const Expected &one) const
	{
		pb::Json holders = pb::Json::array();
		for (const Held &h : in_the_way(one, last)) holders.push(h.json());
		const bool is_free = json_array_size(holders.get()) == 0;
		return {{"port", one.port}, {"protocol", word(one.protocol)}, {"free", is_free && last.why.empty()}, {"holders", std::move(holders)}};
	}

	/// Rows of a service's name or of a program: what it would find when it starts.
	pb::Json check_process(const std::string &process) const
	{
		pb::Json all = pb::Json::array(), bad = pb::Json::array();
		Process asked;
		asked.command = asked.program = process;
		for (const Expected &e : expected) {
			if (e.name != process && !is_expected(e.process, asked)) continue;
			const Row row = judge(e, last);
			all.push(row.json());
			if (row.state == State::conflict) bad.push(row.json());
		}
		return {{"process", process}, {"ports", std::move(all)}, {"conflicts", std::move(bad)}};
	}

	pb::Scope &scope;
	std::vector<Expected> expected;
	std::chrono::milliseconds interval;
	Processes processes; // the worker's, one scan at a time
	Scan last;
	std::string text = "{\"ports\":[]}";
	std::vector<std::function<void()>> waiting, running;
	bool is_scanning = false, must_be_fresh = false;
	int watchers = 0;
	pb::Topic table, conflicts;
	pb::Handler<> route;
	pb::Method<pb::None> list;
	pb::Method<CheckArgs> check;
	pb::Timer timer;
};

} // namespace
} // namespace ports

PATCHBAY_PLUGIN(ports::Ports, "ports", "1.0.0", "")
