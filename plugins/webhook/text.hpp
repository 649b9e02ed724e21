// Small pieces that all replies share.
#pragma once
#include <patchbay/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace webhook {

/// ISO 8601 UTC with milliseconds: "2026-11-24T10:00:00.000Z".
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);
[[nodiscard]] std::string iso_now();
/// `object` with `timestamp`, as the contract wants each reply.
[[nodiscard]] pb::Json stamped(pb::Json object);
/// For pages that put a text into HTML as it is: & < > " ' as entities.
[[nodiscard]] std::string html(std::string_view text);
/// Two digits behind the point.
[[nodiscard]] double rounded(double value) noexcept;
/// Of 100; null where the whole is nothing.
[[nodiscard]] pb::Json percentage(double part, double whole);
/// A JSON value where there is one, else null.
[[nodiscard]] pb::Json or_null(const json_t *value);

} // namespace webhook
