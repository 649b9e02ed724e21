#include "memory.hpp"

#include <cmath>
#include <limits>

namespace dashboard {

namespace {
constexpr const char *way = "way", *hour = "hour";
constexpr std::int64_t most_entries = 1500, entries_at_once = 4000; // of the journal: an entry an interval, ten points or so each
constexpr unsigned trim_after = 200;
constexpr std::int64_t day_ms = 86'400'000, hour_ms = 3'600'000;

double number(const json_t *j) noexcept { return json_is_number(j) ? json_number_value(j) : std::numeric_limits<double>::quiet_NaN(); }
} // namespace

void Memory::restore()
{
	scope.read(way, 0, entries_at_once, [this](const pb::Result &r) {
		if (r.ok()) take_way(r.json());
	});
	scope.get(hour, [this](const pb::Result &r) {
		if (r.ok()) take_hour(r.json());
	});
}

void Memory::take_way(const json_t *entries)
{
	const std::int64_t now = pb::unix_ms();
	std::vector<Point> older;
	std::size_t i, k;
	json_t *entry, *p;
	json_array_foreach(const_cast<json_t *>(entries), i, entry)
		json_array_foreach(pb::at(pb::at(entry, "value"), "points"), k, p) {
			const Point point{
				json_integer_value(json_array_get(p, 0)), number(json_array_get(p, 1)), number(json_array_get(p, 2)), json_is_true(json_array_get(p, 3))};
			const bool is_good = std::abs(point.lat) <= 90 && std::abs(point.lon) <= 180 && point.unix_ms > now - day_ms && point.unix_ms < started_ms;
			if (is_good && (older.empty() || point.unix_ms > older.back().unix_ms)) older.push_back(point);
		}
	track.restore(older, started_ms);
}

void Memory::take_hour(const json_t *document)
{
	const json_t *table = pb::at(document, "columns"), *time = pb::at(table, "time");
	const std::int64_t now = pb::unix_ms();
	std::vector<Sample> older;
	for (std::size_t i = 0; i < json_array_size(time); ++i) {
		Sample s;
		s.unix_ms = json_integer_value(json_array_get(time, i));
		if (s.unix_ms <= now - hour_ms || s.unix_ms >= started_ms) continue;
		for (std::size_t c = 0; c < columns.size(); ++c) s.values[c] = number(json_array_get(pb::at(table, columns[c].name), i));
		older.push_back(s);
	}
	history.restore(older, started_ms);
}

void Memory::save()
{
	if (unsaved.empty()) return;
	pb::Json points = pb::Json::array();
	for (const Point &p : unsaved) {
		pb::Json one = pb::Json::array();
		one.push(p.unix_ms).push(p.lat).push(p.lon).push(p.begins);
		points.push(std::move(one));
	}
	unsaved.clear();
	scope.append(way, {{"points", std::move(points)}});
	if (++appended % trim_after == 0) scope.trim(way, most_entries);
}

void Memory::forget()
{
	unsaved.clear();
	scope.trim(way, 0);
}

void Memory::finish(pb::Bound<> done)
{
	save();
	scope.put(hour, pb::Json::parse(history.text(0)), [done](const pb::Result &) { done(); });
}

} // namespace dashboard
