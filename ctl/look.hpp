// What several commands do with the daemon's JSON.
#pragma once
#include "context.hpp"

#include <string>
#include <string_view>

namespace ctl {

/// Every entry of an array (or none, where it is no array), to be used in a range-for.
class Entries final {
public:
	explicit Entries(const json_t *array_) : array(array_) {}
	struct Iterator {
		const json_t *array;
		std::size_t i;
		const json_t *operator*() const { return json_array_get(array, i); }
		Iterator &operator++() { return ++i, *this; }
		bool operator!=(const Iterator &other) const { return i != other.i; }
	};
	[[nodiscard]] Iterator begin() const { return {array, 0}; }
	[[nodiscard]] Iterator end() const { return {array, json_array_size(array)}; }

private:
	const json_t *array;
};

/// How JSON is written for people: 0.1, not 0.10000000000000001.
constexpr std::size_t for_people = JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);

/// Gets `path`; where JSON is wanted prints it and answers nothing.
[[nodiscard]] pb::Json get_or_print(Context &context, const std::string &path);
/// Text of a string, "-" of null and of what is missing.
[[nodiscard]] std::string_view text_or_dash(const json_t *object, const char *key);
/// "a, b" of a list of strings.
[[nodiscard]] std::string joined(const json_t *list, std::string_view between = ", ");
/// What a state is coloured with: a process's, a plugin's, a link's, a port's.
[[nodiscard]] Style style_of(std::string_view state);

} // namespace ctl
