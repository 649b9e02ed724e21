// A callback is two words, an object and a function: no allocation, does not own the object, never throws.
#pragma once
#include <patchbay/patchbay.hpp>

namespace core {

using pb::bind;
using pb::Bound;

} // namespace core
