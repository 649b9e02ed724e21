#include "devices/summary.hpp"

#include "devices/text.hpp"

#include <algorithm>

namespace devices {
namespace {

using Counts = std::map<std::string, std::size_t, std::less<>>;

void count(Counts &counts, std::string_view word)
{
	constexpr std::size_t most = 32;
	auto it = counts.find(word);
	if (it == counts.end()) it = counts.emplace(counts.size() < most ? std::string(word) : "other", 0).first;
	++it->second;
}

} // namespace

Summary summarise(const Table &table)
{
	Summary s;
	s.devices = table.size();
	for (const Entry *e : table.order()) {
		const Device &d = e->device;
		if (d.first_seen_ms != 0) s.first_ms = s.first_ms == 0 ? d.first_seen_ms : std::min(s.first_ms, d.first_seen_ms);
		s.last_ms = std::max(s.last_ms, d.last_seen_ms);
		count(s.by_type, d.type.empty() ? "Unknown" : std::string_view(d.type));
		if (!d.is_network) continue;
		++s.networks;
		count(s.by_encryption, encryption_class(d.encryption));
	}
	return s;
}

void append_contract_summary(std::string &out, const Summary &s, std::size_t alerts)
{
	out += "{\"totalDevices\":";
	append_integer(out, static_cast<std::int64_t>(s.devices));
	out += ",\"totalNetworks\":";
	append_integer(out, static_cast<std::int64_t>(s.networks));
	out += ",\"activeAlerts\":";
	append_integer(out, static_cast<std::int64_t>(alerts));
	out += ",\"dataRange\":{\"start\":";
	append_time_or_null(out, s.first_ms);
	out += ",\"end\":";
	append_time_or_null(out, s.last_ms);
	out += "}}";
}

void append_counts(std::string &out, const Counts &counts)
{
	out += '{';
	for (const auto &[word, n] : counts) {
		if (out.back() != '{') out += ',';
		append_quoted(out, word);
		out += ':';
		append_integer(out, static_cast<std::int64_t>(n));
	}
	out += '}';
}

} // namespace devices
