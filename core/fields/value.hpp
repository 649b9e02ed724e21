// One value against its field, for the parts of core/fields that bring values in other ways than as an object.
#pragma once
#include "fields/check.hpp"

namespace core::fields {

/// Checked and converted, `given` becomes object[field.name]; or there are faults more.
void check_value(const pb_field &field, const json_t *given, pb::Json &object, std::vector<Fault> &faults);

} // namespace core::fields
