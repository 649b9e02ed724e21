// patchbay/fields.hpp: settings and parameters as one table of typed fields (pb_field). Header only.
//
//   struct Settings {
//       std::string host; milliseconds interval; std::vector<std::string> names; std::optional<std::int64_t> limit;
//       static constexpr auto fields = pb::fields(
//           pb::field("host", &Settings::host, {.fallback = "\"127.0.0.1\"", .help = "where gpsd listens"}),
//           pb::field("interval", &Settings::interval, {.fallback = "1s", .min = 100ms, .max = 1h, .help = "…"}), …);
//   };
// Types: bool, integers, double, std::string, milliseconds (a duration), UnixTime, Json (anything), std::optional<T>,
// std::vector<T>, std::map<std::string, T>, and structs with their own `fields`.
#pragma once
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pb {

/// Unix seconds, from ISO 8601 text.
struct UnixTime {
	double seconds = 0;
};

/// A limit: a number, or a duration (then seconds).
struct Limit {
	double value = 0;
	constexpr Limit() = default;
	constexpr Limit(std::integral auto v) : value(static_cast<double>(v)) {}
	constexpr Limit(double v) : value(v) {}
	template<typename R, typename P> constexpr Limit(std::chrono::duration<R, P> v) : value(std::chrono::duration<double>(v).count()) {}
};

/// fallback as one would write it in TOML; nullptr: required (but optional<T> is never required).
struct FieldOptions {
	const char *fallback = nullptr;
	Limit min{}, max{}; // both 0: none
	const char *choices = nullptr;
	uint32_t flags = 0; // PB_SECRET, PB_ALSO_STRING
	const char *help = "";
};
template<typename C, typename T> struct Field {
	const char *name;
	T C::*member;
	FieldOptions options;
};

template<typename C, typename T> constexpr auto field(const char *name, T C::*member, FieldOptions options) { return Field<C, T>{name, member, options}; }
template<typename... F> constexpr auto fields(F... f) { return std::tuple{f...}; }

namespace detail {
template<typename T> struct Shape; // type: pb_type; sub: the fields of a table
template<> struct Shape<bool> {
	static constexpr uint32_t type = PB_BOOLEAN;
};
template<std::integral T> struct Shape<T> {
	static constexpr uint32_t type = PB_INTEGER;
};
template<> struct Shape<double> {
	static constexpr uint32_t type = PB_NUMBER;
};
template<> struct Shape<std::string> {
	static constexpr uint32_t type = PB_STRING;
};
template<> struct Shape<std::chrono::milliseconds> {
	static constexpr uint32_t type = PB_DURATION;
};
template<> struct Shape<UnixTime> {
	static constexpr uint32_t type = PB_TIME;
};
template<> struct Shape<Json> {
	static constexpr uint32_t type = PB_ANY;
};
template<typename T> struct Shape<std::optional<T>> : Shape<T> {};
template<typename T> struct Shape<std::vector<T>> : Shape<T> {
	static constexpr uint32_t type = Shape<T>::type | PB_LIST;
};
template<typename T> struct Shape<std::map<std::string, T>> : Shape<T> {
	static constexpr uint32_t type = Shape<T>::type | PB_MAP;
};
template<typename T>
requires requires { T::fields; }
struct Shape<T> {
	static constexpr uint32_t type = PB_TABLE;
	using Table = T;
};

template<typename T> inline constexpr bool is_optional = false;
template<typename T> inline constexpr bool is_optional<std::optional<T>> = true;

template<typename S> struct Table;
template<typename T> constexpr const pb_field *sub_fields()
{
	if constexpr (requires { typename Shape<T>::Table; }) return Table<typename Shape<T>::Table>::rows.data();
	else return nullptr;
}
/// Narrow integers without limits of their own have their type's: what is accepted fits.
template<typename T> constexpr std::pair<double, double> limits_of(const FieldOptions &o)
{
	if constexpr (std::integral<T> && !std::same_as<T, bool> && sizeof(T) < sizeof(json_int_t)) {
		if (o.min.value == 0 && o.max.value == 0) return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
	}
	return {o.min.value, o.max.value};
}
template<typename T> struct Bare {
	using type = T;
};
template<typename T> struct Bare<std::optional<T>> {
	using type = T;
};
template<typename C, typename T> constexpr pb_field row(const Field<C, T> &f)
{
	const char *fallback = is_optional<T> && !f.options.fallback ? "" : f.options.fallback;
	const auto [min, max] = limits_of<typename Bare<T>::type>(f.options);
	return {f.name, Shape<T>::type | f.options.flags, fallback, f.options.help, min, max, f.options.choices, sub_fields<T>()};
}
template<typename S> struct Table {
	static constexpr auto rows = std::apply([](auto... f) { return std::array<pb_field, sizeof...(f) + 1>{row(f)..., pb_field{}}; }, S::fields);
};
} // namespace detail

/// The fields of S as the border has them; constant data.
template<typename S> inline constexpr const pb_field *field_table = detail::Table<S>::rows.data();

// The host has checked type and limits, put in what was left out, and turned durations and times into seconds.
inline void read_value(const json_t *j, bool &out) { out = json_is_true(j); }
template<std::integral T> void read_value(const json_t *j, T &out) { out = static_cast<T>(json_integer_value(j)); }
inline void read_value(const json_t *j, double &out) { out = json_number_value(j); }
inline void read_value(const json_t *j, std::string &out) { out = text_of(j); }
inline void read_value(const json_t *j, std::chrono::milliseconds &out) { out = std::chrono::milliseconds(std::llround(json_number_value(j) * 1000)); }
inline void read_value(const json_t *j, UnixTime &out) { out.seconds = json_number_value(j); }
inline void read_value(const json_t *j, Json &out) { out = Json::share(j); }

template<typename S> S read_fields(const json_t *object);
template<typename T>
requires requires { T::fields; }
void read_value(const json_t *j, T &out) { out = read_fields<T>(j); }
template<typename T> void read_value(const json_t *j, std::optional<T> &out);
template<typename T> void read_value(const json_t *j, std::map<std::string, T> &out);
template<typename T> void read_value(const json_t *j, std::vector<T> &out)
{
	out.clear();
	std::size_t i;
	json_t *v;
	json_array_foreach(const_cast<json_t *>(j), i, v) read_value(v, out.emplace_back());
}
template<typename T> void read_value(const json_t *j, std::map<std::string, T> &out)
{
	out.clear();
	const char *k;
	json_t *v;
	json_object_foreach(const_cast<json_t *>(j), k, v) read_value(v, out[k]);
}
template<typename T> void read_value(const json_t *j, std::optional<T> &out)
{
	if (json_is_null(j)) out.reset();
	else read_value(j, out.emplace());
}

/// S with every field that stands in `object`.
template<typename S> S read_fields(const json_t *object)
{
	S s{};
	std::apply(
		[&](const auto &...f) {
			[[maybe_unused]] const auto one = [&](const auto &x) {
				if (const json_t *j = at(object, x.name)) read_value(j, s.*x.member);
			};
			(one(f), ...);
		},
		S::fields);
	return s;
}

} // namespace pb
