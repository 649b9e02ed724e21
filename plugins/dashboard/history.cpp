#include "history.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace dashboard {

void append_number(std::string &out, double value, int digits)
{
	if (std::isfinite(value)) fmt::format_to(std::back_inserter(out), "{:.{}f}", value, digits);
	else out += "null";
}

template<typename F> void History::each(F f) const
{
	for (std::size_t i = 0; i < ring.size(); ++i) f(ring[(oldest + i) % ring.size()]);
}

void History::add(const Sample &sample)
{
	if (ring.size() < most) {
		ring.push_back(sample);
		return;
	}
	ring[oldest] = sample;
	oldest = (oldest + 1) % most;
}

void History::restore(const std::vector<Sample> &older, std::int64_t since_ms)
{
	std::vector<Sample> all = older;
	each([&](const Sample &s) {
		if (s.unix_ms >= since_ms) all.push_back(s);
	});
	if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
	ring = std::move(all);
	oldest = 0;
}

std::string History::text(std::int64_t interval_ms) const
{
	std::string out = fmt::format(R"({{"interval_ms":{},"columns":{{"time":[)", interval_ms);
	const auto end = [&out] {
		if (out.back() == ',') out.pop_back();
		out += ']';
	};
	each([&out](const Sample &s) { fmt::format_to(std::back_inserter(out), "{},", s.unix_ms); });
	end();
	for (std::size_t i = 0; i < columns.size(); ++i) {
		fmt::format_to(std::back_inserter(out), R"(,"{}":[)", columns[i].name);
		each([&out, i](const Sample &s) {
			append_number(out, s.values[i], columns[i].digits);
			out += ',';
		});
		end();
	}
	return out + "}}";
}

} // namespace dashboard
