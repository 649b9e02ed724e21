// What the loop asks of the database's thread.
#pragma once
#include "result.hpp"

#include <future>
#include <memory>
#include <string>

namespace core::state {

struct Operation {
	enum class Kind { put, get, list, remove, append, read, trim, check };
	Kind kind;
	std::string owner{}, key{}; // key: a document's, a prefix, or a journal's name
	std::string value{};        // compact JSON
	std::int64_t after = 0, count = 0;
	bool is_durable = false;
	std::shared_ptr<std::promise<Result<pb::Json>>> waiter{}; // somebody blocks for it; else the answer goes to the loop

	[[nodiscard]] bool writes() const noexcept { return kind == Kind::put || kind == Kind::remove || kind == Kind::append || kind == Kind::trim; }
	[[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + owner.size() + key.size() + value.size(); }
};

} // namespace core::state
