// Checks JSON against a table of pb_field: types, limits, choices, fallbacks, unknown names. One place for the settings in
// the configuration, the arguments of methods and the parameters of routes, so that every error looks alike.
#pragma once
#include "result.hpp"

#include <patchbay/plugin.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace core::fields {

/// What is wrong with one value. path: "process.kismet.ready.timeout", "table[2].port".
struct Fault {
	std::string path, message;
	pb::Json value; // what was given; empty where it was left out, or is secret
};

enum class Unknown { refuse, ignore };

/// `given` (an object, or null for none) with durations and times turned into seconds and fallbacks put in.
/// All faults are found; the result is whole only where there are none. fields may be NULL (no members known).
[[nodiscard]] pb::Json check(const pb_field *fields, const json_t *given, Unknown unknown, std::vector<Fault> &faults);

/// One value that came as text (a path variable, a query): converted to the field's type, then checked.
/// PB_LIST takes "a,b". `found` collects into `object`.
void check_text(const pb_field &field, std::string_view text, pb::Json &object, std::vector<Fault> &faults);
/// Puts in the fallback of a field that was not given, or finds fault where it is required.
void fill_in(const pb_field &field, pb::Json &object, std::vector<Fault> &faults);

/// 400 VALIDATION_ERROR with contract.md's details: [{"field","message","value"}].
[[nodiscard]] Error as_error(std::vector<Fault> faults);

/// "250ms" "5s" "10m" "1h" "2d" → seconds.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text) noexcept;
/// ISO 8601 with Z, an offset, or nothing (UTC) → unix seconds.
[[nodiscard]] std::optional<double> parse_time(std::string_view text) noexcept;
/// The candidate with the smallest edit distance, where it is near enough to be meant; else empty.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string_view> &candidates);
/// The fields as JSON for `GET methods`: [{"name","type","required","default","min","max","help","choices"?,"fields"?}].
[[nodiscard]] pb::Json describe(const pb_field *fields);
/// The fields as a JSON Schema object, for /openapi.json.
[[nodiscard]] pb::Json schema(const pb_field *fields);

} // namespace core::fields
