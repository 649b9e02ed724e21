// The contract's S of each script, made of one answer of procs.status.
#pragma once
#include <patchbay/patchbay.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace webhook {

/// A plain value. `kismet`, `gps` and `both` are always there; a script is a group of procs, or else a process.
class Sheet final {
public:
	/// all: `{"processes":[E],"groups":{…}}`. memory_total: bytes, for the percentage.
	Sheet(pb::Json all, double memory_total);

	/// The same values; nothing is copied.
	[[nodiscard]] Sheet share() const { return {pb::Json::share(all.get()), memory_total}; }
	/// In the contract's order, then the other groups.
	[[nodiscard]] std::vector<std::string> names() const;
	/// Whether it may be asked for.
	[[nodiscard]] bool knows(std::string_view script) const;
	/// Whether there is anything to start.
	[[nodiscard]] bool has(std::string_view script) const { return is_group(script) || process(script); }
	[[nodiscard]] bool is_group(std::string_view script) const { return pb::at(groups(), std::string(script).c_str()) != nullptr; }
	/// Names of its processes.
	[[nodiscard]] std::vector<std::string> members(std::string_view script) const;
	/// E of one process, or null.
	[[nodiscard]] const json_t *process(std::string_view name) const;

	[[nodiscard]] bool is_running(std::string_view script) const { return first_up(script) != nullptr; }
	/// S.
	[[nodiscard]] pb::Json status(std::string_view script) const;
	/// `{script: S}` of all.
	[[nodiscard]] pb::Json statuses() const;

private:
	[[nodiscard]] const json_t *groups() const { return pb::at(all.get(), "groups"); }
	[[nodiscard]] std::vector<const json_t *> entries(std::string_view script) const;
	[[nodiscard]] const json_t *first_up(std::string_view script) const;
	[[nodiscard]] pb::Json running(const std::vector<const json_t *> &entries, const json_t *first) const;
	[[nodiscard]] static pb::Json stopped(const std::vector<const json_t *> &entries);

	pb::Json all;
	double memory_total;
};

} // namespace webhook
