// patchbay/json.hpp: one owner class for jansson's values. Header only; usable from core and plugins alike.
#pragma once
#include <jansson.h>

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pb {

/// `text` with every byte that is not UTF-8 replaced by U+FFFD, and NUL as well.
inline std::string utf8(std::string_view text)
{
	std::string out;
	out.reserve(text.size());
	for (std::size_t i = 0; i < text.size();) {
		const auto c = static_cast<unsigned char>(text[i]);
		const std::size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
		std::size_t good = n != 0 && i + n <= text.size() && c != 0 ? 1 : 0;
		while (good != 0 && good < n && (static_cast<unsigned char>(text[i + good]) & 0xc0) == 0x80) ++good;
		const auto second = good > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
		const bool is_bad = good == 0 || good < n || (c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) || (c == 0xf0 && second < 0x90) ||
							(c == 0xf4 && second >= 0x90);
		if (is_bad) {
			out += "\xef\xbf\xbd";
			++i;
		} else {
			out.append(text, i, n);
			i += n;
		}
	}
	return out;
}

/// Owns one json_t reference, or nothing (JSON null where a value is wanted). Moves, never copies: use share() or copy().
/// Text that is not UTF-8 is mended on the way in, so strangers' bytes always fit.
class Json {
public:
	Json() noexcept = default;
	Json(std::nullptr_t) noexcept : json(json_null()) {}
	Json(bool v) noexcept : json(json_boolean(v)) {}
	template<std::integral T>
	requires(!std::same_as<T, bool>) Json(T v)
	noexcept : json(json_integer(static_cast<json_int_t>(v))) {}
	Json(double v) noexcept : json(json_real(v))
	{
		if (!json) json.reset(json_null());
	} // NaN and infinity have no JSON
	Json(std::string_view v) : json(json_stringn(v.data(), v.size()))
	{
		if (!json) json.reset(json_string(utf8(v).c_str()));
	}
	Json(const char *v) : Json(std::string_view(v)) {}
	Json(const std::string &v) : Json(std::string_view(v)) {}
	template<typename T> Json(const std::optional<T> &v) : Json(v ? Json(*v) : Json(nullptr)) {}
	Json(std::initializer_list<std::pair<const char *, Json>> members) : json(json_object())
	{
		for (const auto &[key, value] : members) json_object_set_new(json.get(), key, value.json ? json_incref(value.json.get()) : json_null());
	}

	static Json object() { return own(json_object()); }
	static Json array() { return own(json_array()); }
	/// Takes over an OWNED reference.
	static Json own(json_t *j) noexcept
	{
		Json out;
		out.json.reset(j);
		return out;
	}
	/// A reference more to a BORROWED value.
	static Json share(const json_t *j) noexcept { return own(json_incref(const_cast<json_t *>(j))); }
	/// Parses one value; depth and duplicate keys as the daemon has them everywhere. Empty on error, `why` says where.
	static Json parse(std::string_view text, std::string *why = nullptr)
	{
		json_error_t e{};
		Json out = own(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e));
		if (!out && why) *why = "byte " + std::to_string(e.position) + ": " + e.text;
		return out;
	}

	Json &set(const char *key, Json value) &
	{
		json_object_set_new(json.get(), key, value.json ? value.release() : json_null());
		return *this;
	}
	Json &push(Json value) &
	{
		json_array_append_new(json.get(), value.json ? value.release() : json_null());
		return *this;
	}
	[[nodiscard]] Json copy() const { return own(json_deep_copy(json.get())); }
	/// 15 digits: a number that was read as 48.1 is written as 48.1 again, not as 48.100000000000001.
	[[nodiscard]] std::string text(std::size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) const
	{
		const std::unique_ptr<char, decltype(&std::free)> s(json_dumps(json.get(), flags), &std::free);
		return s ? s.get() : "null";
	}
	[[nodiscard]] json_t *get() const noexcept { return json.get(); }
	[[nodiscard]] json_t *release() noexcept { return json.release(); }
	explicit operator bool() const noexcept { return json != nullptr; }

private:
	struct Decref {
		void operator()(json_t *j) const noexcept { json_decref(j); }
	};
	std::unique_ptr<json_t, Decref> json;
};

// Looking into a BORROWED value; each gives its fallback where the member is missing or of another type.
inline const json_t *at(const json_t *object, const char *key) noexcept { return json_object_get(object, key); }
inline std::string_view text_of(const json_t *j, std::string_view fallback = {}) noexcept
{
	return json_is_string(j) ? std::string_view(json_string_value(j), json_string_length(j)) : fallback;
}
inline std::string_view text_at(const json_t *object, const char *key, std::string_view fallback = {}) noexcept { return text_of(at(object, key), fallback); }
inline std::int64_t integer_at(const json_t *object, const char *key, std::int64_t fallback = 0) noexcept
{
	const json_t *j = at(object, key);
	return json_is_integer(j) ? json_integer_value(j) : fallback;
}
inline std::optional<double> number_at(const json_t *object, const char *key) noexcept
{
	const json_t *j = at(object, key);
	return json_is_number(j) ? std::optional(json_number_value(j)) : std::nullopt;
}
inline bool bool_at(const json_t *object, const char *key, bool fallback = false) noexcept
{
	const json_t *j = at(object, key);
	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

} // namespace pb
