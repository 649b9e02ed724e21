// What can fail returns Result<T>: a value, or an Error for people and programs.
#pragma once
#include <tl/expected.hpp>

#include <patchbay/json.hpp>

#include <string>
#include <utility>

namespace core {

/// Text: what was tried, on what, why it failed, what to do. status: an HTTP status. code: "" is the ordinary word for it.
struct Error {
	std::string text;
	int status = 500;
	std::string code{};
	pb::Json details{};
};

template<typename T> class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
	using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(std::string text, int status = 500, std::string code = {})
{
	return tl::unexpected<Error>(Error{std::move(text), status, std::move(code), {}});
}

/// Hands an error on: `return fail(std::move(result.error()))`.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

} // namespace core
