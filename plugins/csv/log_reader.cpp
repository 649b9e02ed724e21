#include "csv/log_reader.hpp"

#include "csv/values.hpp"
#include "devices/text.hpp"

#include <algorithm>
#include <cstring>

namespace csv {
namespace {

std::string_view trimmed(std::string_view s) noexcept
{
	while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
	while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
	return s;
}

std::string_view without_end(std::string_view line) noexcept
{
	while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
	return line;
}

/// An optional number: empty is none, anything else must be one within the limits.
template<typename T> bool read_integer(std::string_view text, std::int64_t min, std::int64_t max, T &out) noexcept
{
	text = trimmed(text);
	if (text.empty()) return true;
	const auto v = parse_integer(text);
	if (!v || *v < min || *v > max) return false;
	out = static_cast<T>(*v);
	return true;
}

bool read_decimal(std::string_view text, double min, double max, double &out) noexcept
{
	text = trimmed(text);
	if (text.empty()) return true;
	const auto v = parse_decimal(text);
	if (!v || !(*v >= min && *v <= max)) return false;
	out = *v;
	return true;
}

/// The contract's word for what a log calls a kind of device.
std::string_view type_of(Format format, std::string_view word, bool is_station, bool is_network) noexcept
{
	if (format == Format::airodump) return is_station ? "Wi-Fi Client" : "Access Point";
	if (format == Format::kismet_2013) {
		if (devices::is_same_word(word, "infrastructure")) return "Access Point";
		if (devices::is_same_word(word, "ad-hoc")) return "Ad-Hoc Device";
		if (devices::is_same_word(word, "probe")) return "Wi-Fi Client";
		return word;
	}
	if (word == "BT") return "Bluetooth Device";
	if (word == "BLE") return "Bluetooth LE";
	if (word != "WIFI") return word;
	return is_network ? "Access Point" : "Wi-Fi Device"; // Kismet logs stations as WIFI too: neither SSID nor encryption
}

} // namespace

void LogReader::reset()
{
	kind = Format::unknown;
	columns = {};
	parser.reset();
	accepted = 0;
	stream_ms = 0;
	last_time_text.clear();
}

void LogReader::reject(const char *reason, std::string_view line, std::uint64_t offset, Batch &out) const
{
	out.rejects.add(offset, reason, without_end(line));
}

void LogReader::line(std::string_view line, std::uint64_t offset, Batch &out)
{
	if (offset == 0 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3); // a byte order mark
	if (without_end(line).empty()) return;
	const Format begins = format_of(line);
	if (begins != Format::unknown) return header(line, begins);
	if (kind == Format::unknown) return reject("no header", line, offset, out);
	if (std::memchr(line.data(), 0, line.size())) return reject("binary", line, offset, out);

	FieldParser::Verdict v = parser->parse(line);
	// Kismet 2013 and airodump-ng write names as they are, so a quote may be a part of one.
	if (v == FieldParser::Verdict::open_quote && kind != Format::wiglecsv) v = parser->parse_raw(line);
	const char *why = nullptr;
	switch (v) {
	case FieldParser::Verdict::empty: return;
	case FieldParser::Verdict::open_quote: why = "open quote"; break;
	case FieldParser::Verdict::field_too_long: why = "field too long"; break;
	case FieldParser::Verdict::too_many_fields: why = "too many fields"; break;
	case FieldParser::Verdict::row: why = row(out); break;
	}
	if (why) reject(why, line, offset, out);
	else ++accepted;
}

void LogReader::header(std::string_view line, Format format)
{
	if (!parser || kind != format) parser = std::make_unique<FieldParser>(delimiter_of(format));
	kind = format;
	columns = {};
	if (is_column_line(line) && parser->parse(line) == FieldParser::Verdict::row) columns = Columns(format, parser->fields());
}

const char *LogReader::row(Batch &out)
{
	if (!columns.is_known()) return "no header";
	const Columns::Map *map = columns.map(parser->fields().size());
	if (!map) return "fields";
	Sighting s;
	const std::size_t texts = out.texts.size();
	if (const char *why = read_values(*map, s, out)) {
		out.texts.resize(texts);
		return why;
	}
	out.sightings.push_back(s);
	return nullptr;
}

std::string_view LogReader::at(const Columns::Map &map, Want want) const noexcept
{
	const Columns::Place p = map[static_cast<std::size_t>(want)];
	if (p.first == Columns::none) return {};
	if (p.first == p.last) return parser->fields()[p.first];
	return parser->joined(p.first, p.last);
}

const char *LogReader::read_values(const Columns::Map &map, Sighting &s, Batch &out)
{
	const std::string_view mac = trimmed(at(map, Want::mac));
	const auto number = devices::parse_mac(mac);
	if (!number) return "mac";
	s.mac = *number;
	s.mac_bytes = static_cast<std::uint8_t>((mac.size() + 1) / 3);
	if (s.mac_bytes != 6) s.mac_text = out.keep(mac);
	if (const char *why = read_times(map, s)) return why;
	if (const char *why = read_numbers(map, s, out)) return why;
	read_texts(map, s, out);
	return nullptr;
}

const char *LogReader::read_times(const Columns::Map &map, Sighting &s)
{
	const auto parse = [&](std::string_view text) -> std::optional<std::int64_t> {
		if (kind == Format::wiglecsv) return parse_utc(text);
		return kind == Format::airodump ? parse_local(text) : parse_ctime(text);
	};
	const std::string_view first = trimmed(at(map, Want::first)), last = trimmed(at(map, Want::last));
	if (first == last_time_text) {
		s.first_ms = last_time_ms;
	} else {
		const auto ms = parse(first);
		if (!ms) return "time";
		s.first_ms = last_time_ms = *ms;
		last_time_text = first;
	}
	if (!last.empty()) {
		const auto ms = parse(last);
		if (!ms) return "time";
		s.last_ms = *ms;
	}
	s.stream_ms = stream_ms = std::max({stream_ms, s.first_ms, s.last_ms});
	return nullptr;
}

const char *LogReader::read_numbers(const Columns::Map &map, Sighting &s, Batch &out) const
{
	std::int64_t channel = 0;
	const std::string_view channel_text = trimmed(at(map, Want::channel));
	if (!read_integer(channel_text, -1, 100'000, channel)) return "channel";
	if (channel > 0) s.channel = out.keep(channel_text.substr(0, 32));
	if (!read_integer(at(map, Want::frequency), 0, 1'000'000'000, s.frequency_khz)) return "frequency";
	if (!read_integer(at(map, Want::dbm), -256, 256, s.dbm)) return "signal";
	if (kind == Format::airodump && s.dbm == -1) s.dbm = 0; // its word for unknown
	if (!read_decimal(at(map, Want::lat), -90, 90, s.lat) || !read_decimal(at(map, Want::lon), -180, 180, s.lon)) return "position";
	if (!read_decimal(at(map, Want::alt), -100'000, 1'000'000, s.alt) || !read_decimal(at(map, Want::accuracy), 0, 1e9, s.accuracy)) return "position";
	if (columns.has(Want::packets) && !read_integer(at(map, Want::packets), 0, INT64_MAX, s.packets)) return "packets";
	if (!read_integer(at(map, Want::bytes), 0, INT64_MAX, s.data_bytes)) return "packets";
	return nullptr;
}

void LogReader::read_texts(const Columns::Map &map, Sighting &s, Batch &out) const
{
	const std::string_view ssid = at(map, Want::ssid).substr(0, 1024); // 256 bytes, escaped
	s.ssid.at = static_cast<std::uint32_t>(out.texts.size());
	if (kind == Format::airodump) out.texts += ssid.starts_with(' ') ? ssid.substr(1) : ssid; // ", " parts its columns
	else append_unescaped(out.texts, ssid);
	s.ssid.size = std::min<std::uint32_t>(static_cast<std::uint32_t>(out.texts.size()) - s.ssid.at, 256);

	const std::string_view auth = trimmed(at(map, Want::auth)).substr(0, 256);
	s.encryption.at = static_cast<std::uint32_t>(out.texts.size());
	if (kind == Format::wiglecsv) {
		append_encryption(out.texts, auth);
	} else {
		out.texts += auth == "OPN" || auth == "None" ? "Open" : auth;
		if (const std::string_view cipher = trimmed(at(map, Want::cipher)).substr(0, 64); !cipher.empty()) (out.texts += ' ') += cipher;
	}
	s.encryption.size = static_cast<std::uint32_t>(out.texts.size()) - s.encryption.at;

	const bool is_wifi = kind != Format::wiglecsv || at(map, Want::type) == "WIFI";
	const bool is_encrypted = out.view(s.encryption) != "Open";
	s.is_network = is_wifi && !columns.is_stations() && (kind != Format::wiglecsv || s.ssid.size > 0 || is_encrypted);
	const std::string_view type = type_of(kind, trimmed(at(map, Want::type)).substr(0, 64), columns.is_stations(), s.is_network);
	if (kind == Format::kismet_2013) s.is_network = type == "Access Point" || type == "Ad-Hoc Device";
	s.type = out.keep(type);
}

} // namespace csv
