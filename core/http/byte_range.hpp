// The Range header: one range of bytes of a file (RFC 9110, section 14).
#pragma once
#include <cstdint>
#include <string_view>

namespace core::http {

struct ByteRange {
	enum class Kind {
		whole, // none asked for, or one that we need not understand: several, another unit, nonsense
		part,
		unsatisfiable // 416
	};
	Kind kind = Kind::whole;
	std::uint64_t first = 0, size = 0; // of a part

	/// header: "" where there is none.
	[[nodiscard]] static ByteRange parse(std::string_view header, std::uint64_t file_size) noexcept;
};

} // namespace core::http
