// Gives back what only the start needed: free heap, and pages of code and constants, which come back from the page cache when they are used.
#pragma once

namespace core {

/// Loop thread, which alone loads code: a mapping that is being relocated must not be met. Takes about a millisecond.
void give_back_spare_memory() noexcept;

} // namespace core
