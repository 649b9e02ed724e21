// A batch of rows into the table of devices: what a log says is added to what it said before.
#pragma once
#include "csv/sighting.hpp"
#include "devices/table.hpp"

namespace csv {

void apply(const Batch &batch, devices::Table &table, std::int64_t now_ms);

} // namespace csv
