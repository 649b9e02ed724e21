// The formats that are told apart by their first lines, and what their columns mean.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace csv {

enum class Format : std::uint8_t { unknown, wiglecsv, kismet_2013, airodump };

[[nodiscard]] const char *format_name(Format format) noexcept; // "wiglecsv", "kismet-2013", "airodump", nullptr
/// Which format a line begins, if any. Files may hold several headers: one after the other, or both parts of airodump-ng.
[[nodiscard]] Format format_of(std::string_view line) noexcept;
/// Is this line the names of columns (and not a preamble like "WigleWifi-1.6,…")?
[[nodiscard]] bool is_column_line(std::string_view line) noexcept;
[[nodiscard]] char delimiter_of(Format format) noexcept;

/// What we want to know, in whichever column it stands.
enum class Want : std::uint8_t { mac, ssid, auth, cipher, first, last, channel, frequency, dbm, lat, lon, alt, accuracy, type, packets, bytes, count };

/// Columns by name, mapped from both ends: a format's free text may hold its own delimiter, and some columns may be left out.
class Columns {
public:
	static constexpr std::size_t none = static_cast<std::size_t>(-1);
	struct Place {
		std::size_t first = none, last = none;
	}; // fields first to last, both included; joined where there are several
	using Map = std::array<Place, static_cast<std::size_t>(Want::count)>;

	Columns() = default;
	Columns(Format format, std::span<const std::string_view> names);
	[[nodiscard]] bool has(Want want) const noexcept { return of[static_cast<std::size_t>(want)] != none; }
	/// Where each wanted value stands in a row of n fields; nothing for a row that has too few.
	[[nodiscard]] const Map *map(std::size_t n);
	[[nodiscard]] bool is_known() const noexcept { return count != 0; }
	[[nodiscard]] bool is_stations() const noexcept { return stations; } // airodump-ng's second part

private:
	[[nodiscard]] std::optional<Map> make(std::size_t n) const;
	std::array<std::size_t, static_cast<std::size_t>(Want::count)> of{}; // column of a want
	std::size_t count = 0;
	std::size_t wide = none;                    // the column whose text may hold delimiters
	std::size_t optional = none, optionals = 0; // columns that may be left out
	bool stations = false;
	std::size_t mapped_n = none; // what `mapped` is for
	std::optional<Map> mapped;
};

} // namespace csv
