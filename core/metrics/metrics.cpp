#include "metrics/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace core {

void Exposition::family(std::string_view name, std::string_view type, std::string_view help)
{
	current = name;
	fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::sample(double value, std::initializer_list<Label> labels)
{
	out += current;
	char before = '{';
	for (const Label &l : labels) {
		out += before;
		out += l.name;
		out += "=\"";
		for (const char c : l.value) {
			if (c == '\\' || c == '"') (out += '\\') += c;
			else if (c == '\n') out += "\\n";
			else out += c;
		}
		out += '"';
		before = ',';
	}
	fmt::format_to(std::back_inserter(out), "{} {}\n", labels.size() != 0 ? "}" : "", value);
}

std::string Metrics::text() const
{
	Exposition e;
	for (const Source &s : sources) s(e);
	return e.take();
}

} // namespace core
