#include "config/toml.hpp"

#include "config/precheck.hpp"

// Version 3.3 asserts what some input breaks ("[[[") and what it handles right behind; without asserts clang would take it
// for granted. So no assert, and no NDEBUG in this file.
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

#include <fmt/format.h>

#include <cmath>

namespace core::config {

namespace {
constexpr std::size_t deepest = 32;

std::string date_text(const toml::date &d) { return fmt::format("{:04}-{:02}-{:02}", d.year, d.month, d.day); }

std::string time_text(const toml::time &t)
{
	std::string out = fmt::format("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
	if (t.nanosecond != 0) out += fmt::format(".{:09}", t.nanosecond);
	return out;
}

std::string date_time_text(const toml::date_time &t)
{
	std::string out = date_text(t.date) + "T" + time_text(t.time);
	if (!t.offset) return out;
	const int minutes = t.offset->minutes;
	return out + (minutes == 0 ? "Z" : fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60));
}

/// Walks the library's tree once; collects what JSON or we cannot take.
class Converter {
public:
	explicit Converter(const std::string &file_) : file(file_) {}

	pb::Json value(const toml::node &node, const std::string &path, std::size_t depth)
	{
		switch (node.type()) {
		case toml::node_type::table: return depth > deepest ? too_deep(node, path) : table(*node.as_table(), path, depth);
		case toml::node_type::array: return depth > deepest ? too_deep(node, path) : array(*node.as_array(), path, depth);
		case toml::node_type::string: return std::string_view(node.as_string()->get());
		case toml::node_type::integer: return node.as_integer()->get();
		case toml::node_type::boolean: return node.as_boolean()->get();
		case toml::node_type::floating_point: return real(node, path);
		case toml::node_type::date: return date_text(node.as_date()->get());
		case toml::node_type::time: return time_text(node.as_time()->get());
		case toml::node_type::date_time: return date_time_text(node.as_date_time()->get());
		default: return nullptr;
		}
	}

	std::map<std::string, Place> places;
	std::vector<Problem> problems;

private:
	[[nodiscard]] Place place_of(const toml::source_region &at) const { return {file, at.begin.line, at.begin.column}; }

	pb::Json table(const toml::table &table, const std::string &path, std::size_t depth)
	{
		pb::Json out = pb::Json::object();
		for (const auto &[key, node] : table) {
			const std::string_view name = key.str();
			if (name.find('\0') != std::string_view::npos) {
				problems.push_back({place_of(key.source()), "a key has a NUL character in it"});
				continue;
			}
			const std::string here = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
			places[here] = place_of(key.source());
			out.set(std::string(name).c_str(), value(node, here, depth + 1));
		}
		return out;
	}

	pb::Json array(const toml::array &array, const std::string &path, std::size_t depth)
	{
		pb::Json out = pb::Json::array();
		for (std::size_t i = 0; i < array.size(); ++i) {
			const std::string here = fmt::format("{}[{}]", path, i);
			places[here] = place_of(array[i].source());
			out.push(value(array[i], here, depth + 1));
		}
		return out;
	}

	pb::Json real(const toml::node &node, const std::string &path)
	{
		const double v = node.as_floating_point()->get();
		if (std::isfinite(v)) return v;
		problems.push_back({place_of(node.source()), path + " must be a finite number"});
		return nullptr;
	}

	pb::Json too_deep(const toml::node &node, const std::string &path)
	{
		problems.push_back({place_of(node.source()), fmt::format("{} is nested more than {} deep", path.substr(0, 60), deepest)});
		return nullptr;
	}

	const std::string &file;
};
} // namespace

tl::expected<Parsed, std::vector<Problem>> parse_toml(std::string_view text, const std::string &file)
{
	if (const auto stumble = find_stumble(text)) return tl::unexpected(std::vector<Problem>{{{file, stumble->line, stumble->column}, stumble->message}});
	const toml::parse_result result = toml::parse(text);
	if (!result) {
		const toml::parse_error &e = result.error();
		return tl::unexpected(std::vector<Problem>{{{file, e.source().begin.line, e.source().begin.column}, pb::utf8(e.description())}});
	}
	Converter converter(file);
	Parsed out{converter.value(result.table(), "", 0), {}};
	if (!converter.problems.empty()) return tl::unexpected(std::move(converter.problems));
	out.places = std::move(converter.places);
	return out;
}

} // namespace core::config
