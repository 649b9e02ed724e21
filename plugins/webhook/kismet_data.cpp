#include "kismet_data.hpp"

#include "csv_text.hpp"
#include "scripts.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace webhook {

namespace {
constexpr std::size_t newest = 10;

std::string clock_text()
{
	const std::time_t now = std::time(nullptr);
	std::tm t{};
	localtime_r(&now, &t);
	return fmt::format("{:02}:{:02}:{:02}", t.tm_hour, t.tm_min, t.tm_sec);
}

/// What the older pages show as news: the newest first.
class News {
public:
	void add(const char *type, std::string_view message, const json_t *time) { items.push_back({type, html(message), std::string(pb::text_of(time))}); }
	[[nodiscard]] pb::Json json()
	{
		std::ranges::stable_sort(items, [](const Item &a, const Item &b) { return a.time > b.time; });
		pb::Json out = pb::Json::array();
		for (std::size_t i = 0; i < std::min(newest, items.size()); ++i)
			out.push({{"type", items[i].type}, {"message", items[i].message}, {"timestamp", items[i].time.empty() ? iso_now() : items[i].time}});
		return out;
	}

private:
	struct Item {
		const char *type;
		std::string message, time;
	};
	std::vector<Item> items;
};

pb::Json recent_devices(const json_t *devices)
{
	pb::Json out = pb::Json::array();
	std::size_t i;
	json_t *d;
	json_array_foreach(const_cast<json_t *>(devices), i, d) {
		if (i >= newest) break;
		out.push({{"name", html(pb::text_at(d, "name"))}, {"mac", or_null(pb::at(d, "mac"))}, {"manufacturer", or_null(pb::at(d, "manufacturer"))},
			{"type", or_null(pb::at(d, "type"))}, {"channel", or_null(pb::at(d, "channel"))}, {"signal", or_null(pb::at(pb::at(d, "signal"), "last"))},
			{"lastSeen", or_null(pb::at(d, "lastSeen"))}});
	}
	return out;
}

/// 200 also where there is nothing: the pages show the reason among their news.
pb::Json nothing(const std::string &why)
{
	News news;
	news.add("Error", why, nullptr);
	return {{"devices_count", 0}, {"networks_count", 0}, {"recent_devices", pb::Json::array()}, {"feed_items", news.json()}, {"last_update", clock_text()},
		{"error", why}};
}
} // namespace

KismetData::KismetData(pb::Scope &scope_, AirSource &air_)
	: scope(scope_), air(air_),
	  data_route(scope_, "GET kismet-data", pb::bind<&KismetData::on_data>(this),
		  {.help = "devices, networks and alerts, from Kismet or else from its CSV log", .flags = PB_ROUTE_NO_STORE, .produces = "application/json,text/csv"}),
	  flat_route(scope_, "GET /kismet-data", pb::bind<&KismetData::on_flat>(this),
		  {.help = "counts, the newest devices and news, for the older pages; names and messages are HTML-escaped", .flags = PB_ROUTE_NO_STORE})
{}

void KismetData::on_data(const pb::None &, const Query &query, const pb::None &, pb::Request &&request)
{
	const bool is_csv = query.format == "csv";
	air.ask(
		{query.type, query.limit, query.since}, [this, is_csv, r = std::make_shared<pb::Request>(std::move(request))](std::variant<AirData, pb::Error> &got) {
			if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
			auto &data = std::get<AirData>(got);
			if (!is_csv)
				return r->respond(
					200, "application/json", fmt::format(R"({{"success":true,"data":{},"source":"{}","timestamp":"{}"}})", data.text, data.source, iso_now()));
			const bool is_taken = scope.work([text = std::move(data.text)] { return csv_text(pb::Json::parse(text).get()); },
				[r](const std::string &text) noexcept { r->respond(200, "text/csv; charset=utf-8", text); });
			if (!is_taken) r->fail(503, "", "the workers are too busy to write CSV; try again");
		});
}

pb::Json KismetData::flat(const AirData &data) const
{
	const pb::Json all = pb::Json::parse(data.text);
	News news;
	if (!data.error.empty()) news.add("Error", fmt::format("Kismet cannot be asked, its CSV log is shown: {}", data.error), pb::Json(iso_now()).get());
	std::size_t i;
	json_t *x;
	json_array_foreach(pb::at(all.get(), "devices"), i, x)
		news.add("Device", fmt::format("{} ({}): {}", pb::text_at(x, "type"), pb::text_at(x, "mac"), pb::text_at(x, "name")), pb::at(x, "lastSeen"));
	json_array_foreach(pb::at(all.get(), "networks"), i, x)
		news.add("Network", fmt::format("{} ({}), {}", pb::text_at(x, "ssid"), pb::text_at(x, "bssid"), pb::text_at(x, "encryption")), pb::at(x, "lastSeen"));
	json_array_foreach(pb::at(all.get(), "alerts"), i, x)
		news.add("System", fmt::format("{}: {}", pb::text_at(x, "type"), pb::text_at(x, "message")), pb::at(x, "timestamp"));
	const json_t *summary = pb::at(all.get(), "summary");
	pb::Json out{{"devices_count", pb::integer_at(summary, "totalDevices")}, {"networks_count", pb::integer_at(summary, "totalNetworks")},
		{"recent_devices", recent_devices(pb::at(all.get(), "devices"))}, {"feed_items", news.json()}, {"last_update", clock_text()}};
	if (!data.error.empty()) out.set("error", data.error);
	return out;
}

void KismetData::on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request)
{
	air.ask({"all", newest, {}}, [this, r = std::make_shared<pb::Request>(std::move(request))](std::variant<AirData, pb::Error> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) return r->json(200, stamped(nothing(e->what())));
		r->json(200, stamped(flat(std::get<AirData>(got))));
	});
}

} // namespace webhook
