#include "csv/apply.hpp"

#include "devices/text.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>

namespace csv {
namespace {

std::string mac_of(const Sighting &s, const Batch &batch)
{
	if (s.mac_bytes != 6) return devices::upper_mac(batch.view(s.mac_text));
	const auto byte = [&](int i) { return static_cast<unsigned>(s.mac >> 8 * i & 0xff); };
	return fmt::format(FMT_COMPILE("{:02X}:{:02X}:{:02X}:{:02X}:{:02X}:{:02X}"), byte(5), byte(4), byte(3), byte(2), byte(1), byte(0));
}

void set_text(std::string &to, std::string_view from)
{
	if (!from.empty() && to != from) to = from;
}

void set_times(devices::Device &d, const Sighting &s, bool is_new)
{
	if (is_new) {
		d.first_seen_ms = s.first_ms;
		d.last_seen_ms = std::max(s.first_ms, s.last_ms);
		return;
	}
	// A later row of Kismet's repeats the first time: it was written when the file had come to stream_ms.
	const bool is_repeat = s.last_ms == 0 && s.first_ms == d.first_seen_ms;
	d.last_seen_ms = std::max({d.last_seen_ms, s.first_ms, s.last_ms, is_repeat ? s.stream_ms : 0});
	d.first_seen_ms = std::min(d.first_seen_ms, s.first_ms);
}

void add(devices::Device &d, const Sighting &s, const Batch &batch, bool is_new)
{
	if (is_new) d.mac = mac_of(s, batch);
	set_times(d, s, is_new);
	set_text(d.ssid, batch.view(s.ssid));
	set_text(d.name, batch.view(s.ssid));
	set_text(d.channel, batch.view(s.channel));
	if (s.is_network || !d.is_network) {
		set_text(d.type, batch.view(s.type));
		set_text(d.encryption, batch.view(s.encryption));
	}
	d.is_network = d.is_network || s.is_network;
	if (s.frequency_khz != 0) d.frequency_khz = s.frequency_khz;
	d.packets = s.packets < 0 ? d.packets + 1 : std::max(d.packets, s.packets);
	d.data_bytes = std::max(d.data_bytes, s.data_bytes);
	d.signal.add(s.dbm);
	if (s.has_place()) {
		const auto known = [](double v, bool is_known) { return is_known ? std::optional(v) : std::nullopt; };
		d.place = devices::Place{s.lat, s.lon, known(s.alt, std::isfinite(s.alt)), known(s.accuracy, std::isfinite(s.accuracy) && s.accuracy > 0)};
	}
}

} // namespace

void apply(const Batch &batch, devices::Table &table, std::int64_t now_ms)
{
	for (const Sighting &s : batch.sightings)
		(void)table.edit(s.mac, {}, std::max(s.first_ms, s.last_ms), now_ms, [&](devices::Device &d, bool is_new) {
			if (s.packets < 0 || is_new) { // each row is one more reading
				add(d, s, batch, is_new);
				return true;
			}
			const devices::Device before = d; // a row that says all there is: it comes again with every rewriting of its file
			add(d, s, batch, is_new);
			return !(d == before);
		});
}

} // namespace csv
