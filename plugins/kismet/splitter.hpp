// Cuts a JSON array into its elements as its bytes come, in whatever pieces. Knows nothing of what they are.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kismet {

/// Takes `[{…},{…}]`, or one `{…}`. Elements that are no objects are skipped and counted. It does not check what is inside
/// an element beyond finding its end; whoever parses it does.
class Splitter {
public:
	static constexpr std::size_t most_element = 1 << 20;
	enum class State { running, done, broken };

	/// Appends each element that ends in these bytes.
	State feed(std::string_view bytes, std::vector<std::string> &out);
	[[nodiscard]] State state() const noexcept { return now; }
	/// Why it is broken, for people.
	[[nodiscard]] const std::string &trouble() const noexcept { return why; }
	[[nodiscard]] std::size_t odd() const noexcept { return odd_ones; }

private:
	State fail(std::string text);
	void outside(std::string_view bytes, std::size_t &at);
	void inside(std::string_view bytes, std::size_t &at, std::vector<std::string> &out);

	State now = State::running;
	bool has_begun = false, is_array = false, in_element = false, in_scalar = false;
	bool in_string = false, is_escaped = false;
	std::size_t depth = 0;
	std::size_t odd_ones = 0;
	std::string element, why;
};

} // namespace kismet
