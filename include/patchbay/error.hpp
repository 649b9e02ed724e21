// patchbay/error.hpp: what a handler throws, and the one place where exceptions end before the border.
#pragma once
#include <patchbay/json.hpp>
#include <patchbay/plugin.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pb {

using std::chrono::milliseconds;

inline std::int64_t unix_ms() noexcept { return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// What a handler throws, or a Reply fails with: an HTTP status, a code ("" for the ordinary word), a text for people.
struct Error : std::runtime_error {
	Error(int status_, std::string code_, const std::string &text, Json details_ = {})
		: std::runtime_error(text), status(status_), code(std::move(code_)), details(details_ ? std::make_shared<Json>(std::move(details_)) : nullptr)
	{}
	int status;
	std::string code;
	std::shared_ptr<Json> details; // shared: exceptions are copied
};

namespace detail {
inline void fill(pb_error &e, int status, std::string_view code, std::string_view text, const json_t *details = nullptr) noexcept
{
	e.struct_size = sizeof e;
	e.status = status;
	std::snprintf(e.code, sizeof e.code, "%.*s", static_cast<int>(code.size()), code.data());
	std::snprintf(e.text, sizeof e.text, "%.*s", static_cast<int>(text.size()), text.data());
	e.details = details;
}
/// Runs f; the one place where exceptions end. on_error gets a filled pb_error.
template<typename F, typename E> void guarded(F &&f, E &&on_error) noexcept
{
	pb_error e{};
	try {
		f();
	} catch (const Error &x) {
		fill(e, x.status, x.code, x.what(), x.details ? x.details->get() : nullptr);
		on_error(e);
	} catch (const std::exception &x) {
		fill(e, 500, "", x.what());
		on_error(e);
	} catch (...) {
		fill(e, 500, "", "unknown exception");
		on_error(e);
	}
}

/// A handle that an exception has swept out of a handler comes back to who catches it, so that the caller hears what was
/// thrown, also where the handler took its Reply or Request by value.
template<typename Raw> class Rescue {
public:
	explicit Rescue(Raw *handle_) noexcept : handle(handle_), outer(std::exchange(current, this)) {}
	~Rescue() { current = outer; }
	Rescue(const Rescue &) = delete;
	Rescue &operator=(const Rescue &) = delete;
	/// From a destructor: true where the handle is kept for take().
	static bool offer(Raw *handle) noexcept
	{
		if (!current || current->handle != handle || std::uncaught_exceptions() <= current->exceptions) return false;
		current->is_kept = true;
		return true;
	}
	Raw *take() noexcept { return is_kept ? handle : nullptr; }

private:
	Raw *handle;
	Rescue *outer;
	int exceptions = std::uncaught_exceptions();
	bool is_kept = false;
	static inline thread_local Rescue *current = nullptr;
};
} // namespace detail

} // namespace pb
