// locks.file.*: lock files, one queue of ours before each.
//
// Who asks stands in our own line first, under the name "file:PATH", with lease, token and deadlock search like every lock;
// whoever is at its head then tries for the file, against programs that know nothing of us. Held files are made young again
// long before anybody could take them for stale, and given back when the lease ends.
#pragma once
#include "desk.hpp"
#include "lock_file.hpp"

#include <list>
#include <map>
#include <memory>
#include <optional>

namespace locks {

struct FileSettings {
	std::vector<std::string> roots;
	milliseconds stale_after{};
	Content content = Content::time;
};

struct FileAcquire {
	std::string path, owner;
	std::int64_t timeout_ms, ttl_ms;
	static constexpr auto fields =
		pb::fields(pb::field("path", &FileAcquire::path, {.min = 1, .max = 4096, .help = "what to lock; the lock file is this and .lock"}),
			pb::field("owner", &FileAcquire::owner, {.min = 1, .max = 128, .help = "who asks, for people to read"}),
			pb::field("timeout_ms", &FileAcquire::timeout_ms, {.fallback = "30000", .min = 0, .max = 86'400'000, .help = "how long to wait"}),
			pb::field("ttl_ms", &FileAcquire::ttl_ms,
				{.fallback = "30000", .min = 100, .max = 86'400'000, .help = "the lease: the file is removed after it, unless renewed"}));
};
struct FileToken {
	std::string path;
	std::int64_t token;
	std::optional<std::int64_t> ttl_ms;
	static constexpr auto fields = pb::fields(pb::field("path", &FileToken::path, {.min = 1, .max = 4096, .help = "what is locked"}),
		pb::field("token", &FileToken::token, {.help = "the token that acquire gave"}),
		pb::field("ttl_ms", &FileToken::ttl_ms, {.min = 100, .max = 86'400'000, .help = "renew: how long from now; left out: as long as it was asked for"}));
};

/// Loop thread; what touches files runs on the pool. Owns the held files.
class FileLocks final {
public:
	FileLocks(pb::Scope &scope, Desk &desk, FileSettings settings);
	~FileLocks();
	void configure(FileSettings settings);
	/// Takes up the files of before the restart.
	void restore(std::vector<Store::FileRecord> records);

private:
	class Contest;
	friend class Contest;
	/// A file that is held. At most one job at a time works on it.
	struct Held {
		std::string name; // of the lock
		Token token;
		std::optional<HeldFile> file; // empty while a job has it
		bool is_over = false;
		Store::Done then{}; // told once it is gone
	};

	void on_acquire(const FileAcquire &args, pb::Reply &&reply);
	void on_release(const FileToken &args, pb::Reply &&reply);
	void on_renew(const FileToken &args, pb::Reply &&reply);
	void on_refresh() noexcept;
	void with_name(const std::string &path, pb::Reply &&reply, std::function<void(const std::string &name, pb::Reply &&)> then);
	void keep(const std::string &name, Token token, HeldFile file);
	void refresh_one(Held &held);
	void end(Held &held);
	void lost(Held &held);
	void ended(const std::string &name, Token token);
	Held *find(const std::string &name, Token token);
	void arm();

	pb::Scope &scope;
	Desk &desk;
	FileSettings settings;
	std::list<Held> held;
	pb::Method<FileAcquire> acquire;
	pb::Method<FileToken> release, renew;
	pb::Timer refresh_timer;
};

} // namespace locks
