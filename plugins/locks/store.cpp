#include "store.hpp"
#include "clock.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace locks {

namespace {

constexpr Token ahead = 1024;

std::string boot_id()
{
	char buffer[64]{};
	const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return "unknown";
	const ssize_t n = ::read(fd, buffer, sizeof buffer - 1);
	::close(fd);
	std::string id(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
	while (!id.empty() && id.back() == '\n') id.pop_back();
	return id;
}

std::optional<pb::Error> error_of(const pb::Result &r)
{
	if (r.ok()) return {};
	return pb::Error(503, "STATE_UNAVAILABLE", std::string("the lock cannot be recorded, so it is not given: ") + r.error()->text);
}

Store::FileRecord file_of(const char *path, const json_t *j)
{
	Store::FileRecord file{path, static_cast<std::uint64_t>(pb::integer_at(j, "inode")), {}};
	std::size_t i;
	json_t *id;
	json_array_foreach(const_cast<json_t *>(pb::at(j, "ids")), i, id) file.ids.emplace_back(pb::text_of(id));
	return file;
}

Holder lease_of(const json_t *j, const std::string &boot)
{
	const Ms now = lease_clock();
	Holder h;
	h.owner = pb::text_at(j, "owner");
	h.token = static_cast<Token>(pb::integer_at(j, "token"));
	h.ttl = std::max<Ms>(1, pb::integer_at(j, "ttl_ms"));
	h.expires = pb::integer_at(j, "ends_ms");
	h.since = pb::integer_at(j, "since_ms");
	if (pb::text_at(j, "boot") != boot) { // by the calendar, which may have been wrong then or be wrong now: never longer than asked
		h.expires = now + std::clamp<Ms>(pb::integer_at(j, "ends_wall_ms") - wall_clock(), 0, h.ttl);
		h.since = now - std::max<Ms>(0, wall_clock() - pb::integer_at(j, "since_wall_ms"));
	}
	return h;
}

} // namespace

Store::Store(pb::Scope &scope_) : scope(scope_), boot(boot_id()) {}

void Store::load(std::function<void(Loaded)> done)
{
	scope.list("", [this, done = std::move(done)](const pb::Result &r) {
		Loaded out;
		if (!r.ok()) scope.error(std::string("what was held before the restart cannot be read: ") + r.error()->text);
		const char *key;
		json_t *j;
		json_object_foreach(const_cast<json_t *>(r.ok() ? r.json() : nullptr), key, j) {
			if (std::strcmp(key, "tokens") == 0) out.last_token = static_cast<Token>(std::max<json_int_t>(0, pb::integer_at(j, "mark")));
			else if (std::strncmp(key, "lease/", 6) == 0) out.leases.emplace_back(key + 6, lease_of(j, boot));
			else if (std::strncmp(key, "file/", 5) == 0) out.files.push_back(file_of(key + 5, j));
		}
		// Without a mark (first start, or the database was lost) begin where no earlier count can have come to.
		if (out.last_token == 0) out.last_token = static_cast<Token>(std::max<Ms>(1, wall_clock()));
		for (const auto &[name, lease] : out.leases) out.last_token = std::max(out.last_token, lease.token);
		asked = reserved = out.last_token;
		done(std::move(out));
	});
}

void Store::reserve(Token token)
{
	if (token + ahead / 4 <= asked) return;
	asked = token + ahead;
	scope.put("tokens", {{"mark", asked}}, [this, mark = asked](const pb::Result &r) {
		const auto failed = error_of(r);
		if (failed) asked = reserved; // the next grant tries again
		else reserved = std::max(reserved, mark);
		std::vector<std::pair<Token, Done>> now;
		const auto is_over = [&](const auto &w) { return w.first <= reserved || (failed && w.first <= mark); };
		const auto rest = std::stable_partition(waiting.begin(), waiting.end(), [&](const auto &w) { return !is_over(w); });
		now.assign(std::make_move_iterator(rest), std::make_move_iterator(waiting.end()));
		waiting.erase(rest, waiting.end());
		for (auto &[t, done] : now) done(t <= reserved ? std::nullopt : failed);
	});
}

void Store::when_reserved(Token token, Done done)
{
	if (token <= reserved) return done({});
	reserve(token);
	waiting.emplace_back(token, std::move(done));
}

void Store::record(const std::string &name, const Holder &holder, Done done)
{
	reserve(holder.token);
	if (!holder.expires) return when_reserved(holder.token, std::move(done));
	const Ms to_wall = wall_clock() - lease_clock();
	scope.put(("lease/" + name).c_str(),
		{{"owner", holder.owner}, {"token", holder.token}, {"ttl_ms", holder.ttl}, {"since_ms", holder.since}, {"ends_ms", *holder.expires},
			{"since_wall_ms", holder.since + to_wall}, {"ends_wall_ms", *holder.expires + to_wall}, {"boot", boot}},
		[this, token = holder.token, done = std::move(done)](const pb::Result &r) mutable {
			if (auto failed = error_of(r)) done(failed);
			else when_reserved(token, std::move(done));
		});
}

void Store::forget(const std::string &name, Done done)
{
	scope.remove(("lease/" + name).c_str(), [done = std::move(done)](const pb::Result &r) {
		if (done) done(error_of(r));
	});
}

void Store::record_file(const FileRecord &file, Done done)
{
	pb::Json ids = pb::Json::array();
	for (const std::string &id : file.ids) ids.push(id);
	scope.put(("file/" + file.path).c_str(), {{"inode", static_cast<std::int64_t>(file.inode)}, {"ids", std::move(ids)}},
		[done = std::move(done)](const pb::Result &r) { done(error_of(r)); });
}

void Store::forget_file(const std::string &path) { scope.remove(("file/" + path).c_str()); }

} // namespace locks
