// Faults as one line of text, to compare in one go.
#pragma once
#include "fields/check.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

namespace test {

/// "port must be an integer, not a string; x is not known"
inline std::string lines(const std::vector<core::fields::Fault> &faults)
{
	std::string out;
	for (const auto &f : faults) out += (out.empty() ? "" : "; ") + f.path + (f.path.empty() ? "" : " ") + f.message;
	return out;
}

/// Checks JSON text; the result as text, or the faults after a "!".
inline std::string checked(const pb_field *fields, std::string_view json, core::fields::Unknown unknown = core::fields::Unknown::refuse)
{
	std::string why;
	const pb::Json given = pb::Json::parse(json, &why);
	if (!given) return "not JSON: " + why;
	std::vector<core::fields::Fault> faults;
	const pb::Json made = core::fields::check(fields, given.get(), unknown, faults);
	return faults.empty() ? made.text() : "! " + lines(faults);
}

} // namespace test
