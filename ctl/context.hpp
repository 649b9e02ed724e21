// What every command gets: where to write, whom to ask, how it was asked to speak.
#pragma once
#include "http/client.hpp"
#include "terminal/output.hpp"

#include <optional>

namespace ctl {

class Context final {
public:
	Context(Access access_, Output::Colours colours, bool wants_json_) : access(std::move(access_)), out(colours), wants_json(wants_json_) {}
	Context(const Context &) = delete;
	Context &operator=(const Context &) = delete;

	/// Set up when it is first asked for: help needs none.
	[[nodiscard]] Client &client()
	{
		if (!made) made.emplace(access);
		return *made;
	}

	const Access access;
	Output out;
	const bool wants_json;

private:
	std::optional<Client> made;
};

/// A line on stderr beside what the command is for.
void note(std::string_view text);

} // namespace ctl
