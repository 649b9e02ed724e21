// What the bits of a pb_field's type say.
#pragma once
#include <patchbay/plugin.h>

#include <string>

namespace core::fields {

constexpr std::uint32_t base_of(const pb_field &f) noexcept { return f.type & 0x0fU; }
constexpr bool is_list(const pb_field &f) noexcept { return (f.type & PB_LIST) != 0; }
constexpr bool is_map(const pb_field &f) noexcept { return (f.type & PB_MAP) != 0; }
constexpr bool is_secret(const pb_field &f) noexcept { return (f.type & PB_SECRET) != 0; }
constexpr bool may_be_string(const pb_field &f) noexcept { return (f.type & PB_ALSO_STRING) != 0; }
constexpr bool is_required(const pb_field &f) noexcept { return f.fallback == nullptr; }
constexpr bool is_optional(const pb_field &f) noexcept { return f.fallback != nullptr && f.fallback[0] == '\0'; }
constexpr bool has_limits(const pb_field &f) noexcept { return f.min < 0 || f.min > 0 || f.max < 0 || f.max > 0; }
constexpr bool has_upper_limit(const pb_field &f) noexcept { return has_limits(f) && f.max >= f.min; }

/// One value of a map (which may be a list), or of a list: the field without that, and without the limits, which are the whole's.
constexpr pb_field element_of(const pb_field &f) noexcept
{
	pb_field e = f;
	e.type &= ~(is_map(f) ? std::uint32_t{PB_MAP} : std::uint32_t{PB_LIST});
	e.type &= ~std::uint32_t{PB_ALSO_STRING};
	e.min = e.max = 0;
	return e;
}

/// "integer", "list of table", "map of list of string", "table or string".
[[nodiscard]] std::string type_name(const pb_field &f);

} // namespace core::fields
