#include "record.hpp"

#include "files.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <cstring>

namespace netif {

namespace {
constexpr std::size_t most_bytes = 256 * 1024, most_records = 256, most_kept = 256;

std::string to_hex(std::string_view bytes)
{
	std::string out;
	for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
	return out;
}

std::string from_hex(std::string_view text)
{
	std::string out;
	for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
		unsigned char byte = 0;
		const char *end = text.data() + i + 2;
		if (std::from_chars(text.data() + i, end, byte, 16).ptr != end) return {};
		out += static_cast<char>(byte);
	}
	return out;
}

std::uint32_t u32_at(const json_t *j, const char *key) { return static_cast<std::uint32_t>(pb::integer_at(j, key)); }
} // namespace

pb::Json Record::json() const
{
	pb::Json messages = pb::Json::array();
	for (const std::string &m : kept) messages.push(to_hex(m));
	pb::Json out{{"boot_id", boot_id}, {"identity", identity}, {"ifindex", index}, {"wiphy", wiphy}, {"name", name}, {"type", type}, {"was_up", was_up},
		{"was_managed", was_managed}, {"kept", std::move(messages)}, {"owner", owner}, {"wanted_type", wanted_type}, {"wanted_mhz", wanted_mhz},
		{"since_ms", since_ms}, {"lease_ms", lease_ms}, {"lease_end_ms", lease_end_ms}, {"pid", pid}, {"state_file", state_file}, {"step", step}};
	out.set("pid_start", static_cast<std::int64_t>(pid_start));
	return out;
}

std::optional<Record> Record::parse(std::string_view text)
{
	const pb::Json json = pb::Json::parse(text);
	const json_t *j = json.get();
	if (!json_is_object(j)) return std::nullopt;
	Record out;
	out.boot_id = pb::text_at(j, "boot_id");
	out.identity = pb::text_at(j, "identity");
	out.index = static_cast<int>(pb::integer_at(j, "ifindex"));
	if (json_is_integer(pb::at(j, "wiphy"))) out.wiphy = u32_at(j, "wiphy");
	out.name = pb::text_at(j, "name");
	out.type = u32_at(j, "type");
	out.was_up = pb::bool_at(j, "was_up");
	if (json_is_boolean(pb::at(j, "was_managed"))) out.was_managed = pb::bool_at(j, "was_managed");
	std::size_t i = 0;
	json_t *message = nullptr;
	json_array_foreach(const_cast<json_t *>(pb::at(j, "kept")), i, message) {
		if (i < most_kept) out.kept.push_back(from_hex(pb::text_of(message)));
	}
	out.owner = pb::text_at(j, "owner");
	out.wanted_type = u32_at(j, "wanted_type");
	out.wanted_mhz = u32_at(j, "wanted_mhz");
	out.since_ms = pb::integer_at(j, "since_ms");
	out.lease_ms = pb::integer_at(j, "lease_ms");
	out.lease_end_ms = pb::integer_at(j, "lease_end_ms");
	out.pid = static_cast<int>(pb::integer_at(j, "pid"));
	out.pid_start = static_cast<unsigned long long>(pb::integer_at(j, "pid_start"));
	out.state_file = pb::text_at(j, "state_file");
	out.step = pb::text_at(j, "step");
	if (out.index <= 0 || out.owner.empty() || out.boot_id.empty()) return std::nullopt;
	return out;
}

std::string Records::path(int index) const { return fmt::format("{}/{}.json", folder, index); }

std::string Records::write(const Record &record) const
{
	int error = write_file(path(record.index), record.json().text(), 0600, Put::replace);
	if (error == -ENOENT) {
		error = make_folder(folder);
		if (error == 0) error = write_file(path(record.index), record.json().text(), 0600, Put::replace);
	}
	if (error == 0) return {};
	return fmt::format("cannot write {}: {}; without it a crash could not be undone (is the folder there and ours? setting record_dir)", path(record.index),
		std::strerror(-error));
}

void Records::remove(int index) const { ::unlink(path(index).c_str()); }

std::vector<Record> Records::read_all() const
{
	std::vector<Record> out;
	for (const std::string &name : names_in(folder, ".tmp", most_records)) ::unlink((folder + "/" + name).c_str()); // of a crash
	for (const std::string &name : names_in(folder, ".json", most_records)) {
		const std::string at = folder + "/" + name;
		const auto text = read_file(at, most_bytes);
		auto record = text ? Record::parse(*text) : std::nullopt;
		if (record && path(record->index) == at) out.push_back(*std::move(record));
		else ::unlink(at.c_str());
	}
	return out;
}

} // namespace netif
