#include "state_file.hpp"

#include "files.hpp"

#include <patchbay/json.hpp>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace netif {

namespace {
constexpr std::size_t most_bytes = 4096;

struct Found {
	bool is_readable = false;
	std::string owner;
	std::int64_t timestamp_ms = 0;
};

Found look(const std::string &path)
{
	const auto text = read_file(path, most_bytes);
	if (!text) return {};
	const pb::Json json = pb::Json::parse(*text);
	const json_t *j = json.get();
	return {json_is_object(j), std::string(pb::text_at(j, "owner")), static_cast<std::int64_t>(pb::number_at(j, "timestamp").value_or(0))};
}
} // namespace

std::string state_path(const std::string &pattern, const std::string &name)
{
	static constexpr std::string_view place = "{interface}";
	std::string out = pattern;
	if (const std::size_t at = out.find(place); at != std::string::npos) out.replace(at, place.size(), name);
	return out;
}

Claim claim_state_file(const std::string &path, const std::string &owner, const std::string &mode, std::int64_t timestamp_ms, std::int64_t previous_ms)
{
	if (path.empty()) return {Claim::taken, "", ""};
	const std::string text = pb::Json{{"owner", owner}, {"mode", mode.empty() ? pb::Json(nullptr) : pb::Json(mode)}, {"timestamp", timestamp_ms}}.text();
	int error = write_file(path, text, 0644, Put::create);
	if (error == -EEXIST) {
		const Found found = look(path);
		const bool is_ours = found.is_readable && (found.owner.empty() || found.owner == owner || (previous_ms != 0 && found.timestamp_ms == previous_ms));
		if (!is_ours) return {Claim::foreign, found.owner, ""};
		error = write_file(path, text, 0644, Put::replace);
	}
	if (error == 0) return {Claim::taken, "", ""};
	return {Claim::failed, "", fmt::format("cannot write {}: {}", path, std::strerror(-error))};
}

void remove_state_file(const std::string &path, const std::string &owner, std::int64_t timestamp_ms)
{
	if (path.empty()) return;
	const Found found = look(path);
	if (found.is_readable && found.owner == owner && found.timestamp_ms == timestamp_ms) ::unlink(path.c_str());
}

} // namespace netif
