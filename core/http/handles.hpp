// Handles for the border: a place and a generation in one word. A late or doubled use of one finds nothing, never another's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace core::http {

/// Does not own. Never gives 0.
template<typename T> class Handles {
public:
	std::uintptr_t add(T &object)
	{
		std::size_t place = first_free;
		if (place == slots.size()) slots.push_back({nullptr, 0, slots.size() + 1});
		Slot &s = slots[place];
		first_free = s.next_free;
		s.object = &object;
		return static_cast<std::uintptr_t>(s.generation) << half | (place + 1);
	}
	[[nodiscard]] T *find(std::uintptr_t handle) const noexcept
	{
		const std::size_t place = (handle & low) - 1;
		if (place >= slots.size() || slots[place].generation != static_cast<Generation>(handle >> half)) return nullptr;
		return slots[place].object;
	}
	void drop(std::uintptr_t handle) noexcept
	{
		if (!find(handle)) return;
		const std::size_t place = (handle & low) - 1;
		slots[place].object = nullptr;
		++slots[place].generation;
		slots[place].next_free = first_free;
		first_free = place;
	}

private:
	static constexpr unsigned half = sizeof(std::uintptr_t) * 4;
	static constexpr std::uintptr_t low = (std::uintptr_t{1} << half) - 1;
	using Generation = std::conditional_t<half == 32, std::uint32_t, std::uint16_t>;
	struct Slot {
		T *object;
		Generation generation;
		std::size_t next_free;
	};
	std::vector<Slot> slots;
	std::size_t first_free = 0;
};

} // namespace core::http
