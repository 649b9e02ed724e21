// What one row of a log says of one device, and a batch of such rows on its way from the worker to the loop.
#pragma once
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace csv {

/// A piece of Batch::texts.
struct Piece {
	std::uint32_t at = 0, size = 0;
};

/// Plain data; 0, NaN and empty are unknown.
struct Sighting {
	std::uint64_t mac = 0;
	std::int64_t first_ms = 0, last_ms = 0;
	std::int64_t stream_ms = 0; // the latest time that the file has named so far
	std::int64_t packets = -1;  // so far in all; -1: the row is one more
	std::int64_t data_bytes = 0;
	double lat = std::numeric_limits<double>::quiet_NaN(), lon = lat, alt = lat, accuracy = lat;
	std::int32_t frequency_khz = 0, clients = 0;
	std::int32_t dbm = 0;
	std::uint8_t mac_bytes = 6;
	bool is_network = false;
	Piece mac_text, ssid, encryption, channel, type;

	[[nodiscard]] bool has_place() const noexcept { return std::isfinite(lat) && std::isfinite(lon) && (lat != 0 || lon != 0); }
};

/// A row that was not right.
struct Reject {
	std::uint64_t offset = 0; // of its line
	const char *reason = "";  // one of a few constants
	std::string text;         // how it begins
};

/// Counted by reason, the last ten kept: a file of nothing else must not cost more than that.
struct Rejects {
	static constexpr std::size_t shown = 10;
	std::map<std::string_view, std::uint64_t> counts;
	std::deque<Reject> last;

	void add(std::uint64_t offset, const char *reason, std::string_view text)
	{
		++counts[reason];
		last.push_back({offset, reason, std::string(text.substr(0, 160))});
		if (last.size() > shown) last.pop_front();
	}
	void add(const Rejects &others)
	{
		for (const auto &[reason, n] : others.counts) counts[reason] += n;
		last.insert(last.end(), others.last.begin(), others.last.end());
		while (last.size() > shown) last.pop_front();
	}
	[[nodiscard]] std::uint64_t total() const noexcept
	{
		std::uint64_t n = 0;
		for (const auto &[reason, count] : counts) n += count;
		return n;
	}
};

struct Batch {
	std::vector<Sighting> sightings;
	Rejects rejects;
	std::string texts;

	void clear()
	{
		sightings.clear();
		rejects = {};
		texts.clear();
	}
	[[nodiscard]] std::string_view view(Piece p) const noexcept { return {texts.data() + p.at, p.size}; }
	Piece keep(std::string_view text)
	{
		const Piece p{static_cast<std::uint32_t>(texts.size()), static_cast<std::uint32_t>(text.size())};
		texts += text;
		return p;
	}
};

} // namespace csv
