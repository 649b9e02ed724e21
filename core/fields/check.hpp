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
	pb::Json value; // what was given; empty where it was left out, is long, or is secret
};

enum class Unknown { refuse, ignore };

/// `given` (an object, or null for none) with durations and times turned into seconds, numbers into reals, and fallbacks
/// put in. null counts as left out where a field is optional. All faults are found (up to 256, so that hostile input costs
/// no more than its size); the result is whole only where there are none. fields may be NULL (no members known).
/// `path` is what the faults' paths begin with.
[[nodiscard]] pb::Json check(const pb_field *fields, const json_t *given, Unknown unknown, std::vector<Fault> &faults, std::string_view path = {});

/// One value that came as text (a path variable, a query): converted to the field's type, then checked.
/// PB_LIST takes "a,b", and adds to what is there when it comes again; anything else may come once. PB_TABLE, PB_MAP: JSON.
/// `object` collects what was found.
void check_text(const pb_field &field, std::string_view text, pb::Json &object, std::vector<Fault> &faults);
/// Puts in the fallback of a field that was not given, or finds fault where it is required.
void fill_in(const pb_field &field, pb::Json &object, std::vector<Fault> &faults);

/// 400 VALIDATION_ERROR with contract.md's details: [{"field","message","value"}].
[[nodiscard]] Error as_error(std::vector<Fault> faults);

/// What is wrong with a table itself (a type that is none, a fallback that does not pass its own check): for whoever
/// registers one, so that its author hears of it at once. Empty: nothing.
[[nodiscard]] std::string flaw_of(const pb_field *fields);

/// "250ms" "1.5s" "10m" "1h" "2d" → seconds; a hundred years at most.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text) noexcept;
/// The other way round, with the unit that needs no fraction.
[[nodiscard]] std::string duration_text(double seconds);
/// ISO 8601 with Z, an offset, or nothing (UTC), or a date alone → unix seconds.
[[nodiscard]] std::optional<double> parse_time(std::string_view text) noexcept;
/// The candidate with the smallest edit distance, where it is near enough to be meant; else empty.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string_view> &candidates);

/// The fields as JSON for `GET methods`: [{"name","type","required","default","min","max","help","choices"?,"fields"?,"secret"?}].
/// type: "string", "list of integer", "map of list of string", "string or table"; default as one would write it.
[[nodiscard]] pb::Json describe(const pb_field *fields);
/// The fields as a JSON Schema object, for /openapi.json.
[[nodiscard]] pb::Json schema(const pb_field *fields);
/// One field as a JSON Schema, for a parameter.
[[nodiscard]] pb::Json schema_of(const pb_field &field);
/// `given` with every secret as "***"; unknown members are kept unless their name sounds like one.
[[nodiscard]] pb::Json without_secrets(const pb_field *fields, const json_t *given);

} // namespace core::fields
