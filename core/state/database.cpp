#include "state/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace core::state {

namespace {
constexpr int schema = 1;
constexpr int busy_ms = 2000;
constexpr std::size_t most_bytes_read = 16 * 1024 * 1024; // of one answer
constexpr std::int64_t usual_entries = 1000, most_entries = 10000;

// Ids of a journal count up from 1 and are never given twice, since `next` stays when entries go.
constexpr const char *schema_sql =
	"CREATE TABLE documents (owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (owner, key));"
	"CREATE TABLE journals (number INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, next INTEGER NOT NULL, UNIQUE (owner, name));"
	"CREATE TABLE entries (journal INTEGER NOT NULL, id INTEGER NOT NULL, time INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (journal, id)) WITHOUT ROWID;"
	"CREATE TABLE origin (first_id INTEGER NOT NULL);"
	"PRAGMA user_version = 1;";

// In the order of Database::Statement.
constexpr std::array statement_sql{
	"INSERT INTO documents (owner, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value",
	"SELECT value FROM documents WHERE owner = ?1 AND key = ?2",
	"SELECT key, value FROM documents WHERE owner = ?1 AND key >= ?2 ORDER BY key",
	"DELETE FROM documents WHERE owner = ?1 AND key = ?2",
	"INSERT INTO journals (owner, name, next) VALUES (?1, ?2, ?3 + 1) ON CONFLICT (owner, name) DO UPDATE SET next = next + 1 RETURNING number, next - 1",
	"INSERT INTO entries (journal, id, time, value) VALUES (?1, ?2, ?3, ?4)",
	"SELECT id, time, value FROM entries WHERE journal = (SELECT number FROM journals WHERE owner = ?1 AND name = ?2) AND id > ?3 ORDER BY id LIMIT ?4",
	"SELECT number, next - 1 FROM journals WHERE owner = ?1 AND name = ?2",
	"DELETE FROM entries WHERE journal = ?1 AND id <= ?2",
	"BEGIN",
	"BEGIN IMMEDIATE",
	"COMMIT",
};

std::int64_t unix_ms() noexcept { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

void bind_text(sqlite3_stmt *s, int at, std::string_view text) { sqlite3_bind_text64(s, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8); }

std::string_view column_text(sqlite3_stmt *s, int at)
{
	const unsigned char *text = sqlite3_column_text(s, at);
	return {reinterpret_cast<const char *>(text ? text : reinterpret_cast<const unsigned char *>("")), static_cast<std::size_t>(sqlite3_column_bytes(s, at))};
}

/// A value as it was put: jansson writes U+0000 but by default does not read it.
pb::Json parse(std::string_view text) { return pb::Json::own(json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr)); }
} // namespace

void Database::Close::operator()(sqlite3 *db_) const noexcept { sqlite3_close_v2(db_); }
void Database::Finalize::operator()(sqlite3_stmt *s) const noexcept { sqlite3_finalize(s); }

/// A statement in use: reset when done with, whatever happened.
class Database::Use {
public:
	explicit Use(sqlite3_stmt *s_) : s(s_) {}
	~Use()
	{
		sqlite3_reset(s);
		sqlite3_clear_bindings(s);
	}
	Use(const Use &) = delete;
	Use &operator=(const Use &) = delete;

private:
	sqlite3_stmt *s;
};

Database::Database(std::string path_, sqlite3 *db_) : path(std::move(path_)), db(db_) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string &path, bool is_successor)
{
	sqlite3 *db = nullptr;
	const int rc = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nullptr);
	if (!db) return fail(fmt::format("{}: out of memory", path), 500, "STATE_ERROR");
	std::unique_ptr<Database> made(new Database(path, db));
	if (rc != SQLITE_OK) return fail(made->error("cannot be opened"));
	if (auto ready = made->set_up(is_successor); !ready) return fail(std::move(ready.error()));
	return made;
}

Result<void> Database::set_up(bool is_successor)
{
	sqlite3_busy_timeout(db.get(), busy_ms);
	sqlite3_extended_result_codes(db.get(), 1);
	if (sqlite3_db_readonly(db.get(), "main") == 1) return fail(fmt::format("{}: cannot be written to", path), 500, "STATE_ERROR");
	// Small on purpose: a kit's state is, and the daemon's memory is counted. 4 MiB is what the WAL grows to before it is taken over.
	if (auto r = execute(
			"PRAGMA cache_size = -256; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF");
		!r)
		return r;
	auto version = number("PRAGMA user_version");
	if (!version) return fail(std::move(version.error()));
	if (*version > schema)
		return fail(fmt::format("{}: was written by a newer version (schema {}, this one knows {})", path, *version, schema), 500, "STATE_NEWER");
	if (*version != schema)
		if (auto r = create(is_successor); !r) return r;
	if (auto r = execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"); !r) return r;
	auto first = number("SELECT first_id FROM origin");
	if (!first) return fail(std::move(first.error()));
	first_id = *first;
	return {};
}

// Waits for no disk: nothing is in it yet, and the first durable write settles it.
Result<void> Database::create(bool is_successor)
{
	auto tables = number("SELECT count(*) FROM sqlite_schema");
	if (!tables) return fail(std::move(tables.error()));
	if (*tables > 0) return fail(fmt::format("{}: is a database, but not ours", path), 500, "STATE_CORRUPT");
	return execute(fmt::format("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; {} INSERT INTO origin VALUES ({}); COMMIT", schema_sql,
		is_successor ? unix_ms() / 1000 : 1)
					   .c_str());
}

// Before the first durable write: a commit syncs the WAL, but the database beneath it may never have been, nor its name.
// By the library's own descriptor: to close another one of the same file would drop its locks.
Result<void> Database::settle()
{
	if (path == ":memory:") return {};
	sqlite3_file *file = nullptr;
	sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (file && file->pMethods && file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		return fail(fmt::format("{}: cannot be synced to the disk", path), 500, "STATE_ERROR");
	const int folder = ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) != 0) {
		const std::string why = std::strerror(errno);
		if (folder >= 0) close(folder);
		return fail(fmt::format("{}: its folder cannot be synced to the disk: {}", path, why), 500, "STATE_ERROR");
	}
	close(folder);
	return {};
}

Result<void> Database::check()
{
	sqlite3_stmt *s = nullptr;
	if (sqlite3_prepare_v2(db.get(), "PRAGMA quick_check(1)", -1, &s, nullptr) != SQLITE_OK) return fail(error("cannot be checked"));
	const std::unique_ptr<sqlite3_stmt, Finalize> owned(s);
	if (sqlite3_step(s) != SQLITE_ROW) return fail(error("cannot be checked"));
	if (column_text(s, 0) == "ok") return {};
	return fail(fmt::format("{}: {}", path, column_text(s, 0)), 500, "STATE_CORRUPT");
}

Result<std::int64_t> Database::number(const char *sql)
{
	sqlite3_stmt *s = nullptr;
	if (sqlite3_prepare_v2(db.get(), sql, -1, &s, nullptr) != SQLITE_OK) return fail(error("cannot be read"));
	const std::unique_ptr<sqlite3_stmt, Finalize> owned(s);
	if (sqlite3_step(s) != SQLITE_ROW) return fail(error("cannot be read"));
	return sqlite3_column_int64(s, 0);
}

Result<void> Database::execute(const char *sql)
{
	if (sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
	return fail(error("cannot be set up"));
}

Error Database::error(std::string_view what) const
{
	const int code = sqlite3_extended_errcode(db.get());
	const std::string why = sqlite3_errmsg(db.get());
	switch (code & 0xff) {
	case SQLITE_FULL: return {fmt::format("{}: {}: the disk is full; make room, and it goes on", path, what), 507, "STATE_FULL", {}};
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return {fmt::format("{}: {}: another program holds a lock on it (a database shell?)", path, what), 503, "STATE_LOCKED", {}};
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return {fmt::format("{}: {}: {}", path, what, why), 500, "STATE_CORRUPT", {}};
	default: return {fmt::format("{}: {}: {} ({})", path, what, why, code), 500, "STATE_ERROR", {}};
	}
}

Result<sqlite3_stmt *> Database::statement(Statement which)
{
	auto &kept = prepared[which];
	if (!kept) {
		sqlite3_stmt *s = nullptr;
		if (sqlite3_prepare_v3(db.get(), statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr) != SQLITE_OK) return fail(error("cannot be used"));
		kept.reset(s);
	}
	return kept.get();
}

Result<void> Database::step(Statement which)
{
	auto s = statement(which);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	if (const int rc = sqlite3_step(*s); rc != SQLITE_DONE && rc != SQLITE_ROW) return fail(error("cannot be written"));
	return {};
}

Result<void> Database::begin(bool is_write, bool is_durable)
{
	if (is_durable != is_synced_full) { // FULL: a commit waits for the WAL to be on the disk. A pragma is not to be prepared: it acts then
		if (auto r = execute(is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"); !r) return r;
		is_synced_full = is_durable;
	}
	if (is_durable && !is_settled) {
		if (auto r = settle(); !r) return r;
		is_settled = true;
	}
	return step(is_write ? begin_write : begin_read);
}

Result<void> Database::commit() { return step(commit_all); }

void Database::rollback() noexcept
{
	if (sqlite3_get_autocommit(db.get()) == 0) sqlite3_exec(db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<pb::Json> Database::run(const Operation &o)
{
	switch (o.kind) {
	case Operation::Kind::put: return put(o);
	case Operation::Kind::get: return get(o);
	case Operation::Kind::list: return list(o);
	case Operation::Kind::remove: return remove(o);
	case Operation::Kind::append: return append(o);
	case Operation::Kind::read: return read(o);
	case Operation::Kind::trim: return trim(o);
	case Operation::Kind::check:
		if (auto r = check(); !r) return fail(std::move(r.error()));
		return pb::Json(nullptr);
	}
	return fail("no such operation", 500, "STATE_ERROR");
}

Result<pb::Json> Database::put(const Operation &o)
{
	auto s = statement(put_document);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	bind_text(*s, 1, o.owner);
	bind_text(*s, 2, o.key);
	bind_text(*s, 3, o.value);
	if (sqlite3_step(*s) != SQLITE_DONE) return fail(error("cannot be written"));
	return pb::Json(nullptr);
}

Result<pb::Json> Database::get(const Operation &o)
{
	auto s = statement(get_document);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	bind_text(*s, 1, o.owner);
	bind_text(*s, 2, o.key);
	const int rc = sqlite3_step(*s);
	if (rc == SQLITE_DONE) return pb::Json(nullptr);
	if (rc != SQLITE_ROW) return fail(error("cannot be read"));
	pb::Json value = parse(column_text(*s, 0));
	if (!value) return fail(fmt::format("{}: document {} of {} is not JSON", path, o.key, o.owner), 500, "STATE_ERROR");
	return value;
}

Result<pb::Json> Database::list(const Operation &o)
{
	auto s = statement(list_documents);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	bind_text(*s, 1, o.owner);
	bind_text(*s, 2, o.key);
	pb::Json out = pb::Json::object();
	std::size_t bytes = 0;
	for (int rc; (rc = sqlite3_step(*s)) != SQLITE_DONE;) {
		if (rc != SQLITE_ROW) return fail(error("cannot be read"));
		const std::string key(column_text(*s, 0));
		if (!key.starts_with(o.key)) break; // in order: the rest does not either
		const std::string_view text = column_text(*s, 1);
		bytes += key.size() + text.size();
		if (bytes > most_bytes_read)
			return fail(
				fmt::format("state of {}: the documents under \"{}\" are more than {} MiB; ask with a longer prefix", o.owner, o.key, most_bytes_read >> 20),
				507, "STATE_TOO_LARGE");
		pb::Json value = parse(text);
		if (!value) return fail(fmt::format("{}: document {} of {} is not JSON", path, key, o.owner), 500, "STATE_ERROR");
		out.set(key.c_str(), std::move(value));
	}
	return out;
}

Result<pb::Json> Database::remove(const Operation &o)
{
	auto s = statement(remove_document);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	bind_text(*s, 1, o.owner);
	bind_text(*s, 2, o.key);
	if (sqlite3_step(*s) != SQLITE_DONE) return fail(error("cannot be written"));
	return pb::Json(nullptr);
}

Result<pb::Json> Database::append(const Operation &o)
{
	auto next = statement(next_id), entry = statement(append_entry);
	if (!next) return fail(std::move(next.error()));
	if (!entry) return fail(std::move(entry.error()));
	const Use use_next(*next), use_entry(*entry);
	bind_text(*next, 1, o.owner);
	bind_text(*next, 2, o.key);
	sqlite3_bind_int64(*next, 3, first_id);
	if (sqlite3_step(*next) != SQLITE_ROW) return fail(error("cannot be written"));
	const std::int64_t journal = sqlite3_column_int64(*next, 0), id = sqlite3_column_int64(*next, 1);
	if (sqlite3_step(*next) != SQLITE_DONE) return fail(error("cannot be written"));
	sqlite3_bind_int64(*entry, 1, journal);
	sqlite3_bind_int64(*entry, 2, id);
	sqlite3_bind_int64(*entry, 3, unix_ms());
	bind_text(*entry, 4, o.value);
	if (sqlite3_step(*entry) != SQLITE_DONE) return fail(error("cannot be written"));
	return pb::Json{{"id", id}};
}

Result<pb::Json> Database::read(const Operation &o)
{
	auto s = statement(read_entries);
	if (!s) return fail(std::move(s.error()));
	const Use use(*s);
	bind_text(*s, 1, o.owner);
	bind_text(*s, 2, o.key);
	sqlite3_bind_int64(*s, 3, o.after);
	sqlite3_bind_int64(*s, 4, o.count > 0 ? std::min(o.count, most_entries) : usual_entries);
	pb::Json out = pb::Json::array();
	std::size_t bytes = 0;
	for (int rc; (rc = sqlite3_step(*s)) != SQLITE_DONE;) {
		if (rc != SQLITE_ROW) return fail(error("cannot be read"));
		const std::string_view text = column_text(*s, 2);
		bytes += text.size();
		if (bytes > most_bytes_read && json_array_size(out.get()) > 0) break; // the reader goes on after the last id
		pb::Json value = parse(text);
		if (!value) return fail(fmt::format("{}: an entry of journal {} of {} is not JSON", path, o.key, o.owner), 500, "STATE_ERROR");
		out.push({{"id", sqlite3_column_int64(*s, 0)}, {"time", sqlite3_column_int64(*s, 1)}, {"value", std::move(value)}});
	}
	return out;
}

// Ids are without gaps but at the old end, so that the newest ones are known by counting.
Result<pb::Json> Database::trim(const Operation &o)
{
	auto last = statement(last_id), drop = statement(trim_entries);
	if (!last) return fail(std::move(last.error()));
	if (!drop) return fail(std::move(drop.error()));
	const Use use_last(*last), use_drop(*drop);
	bind_text(*last, 1, o.owner);
	bind_text(*last, 2, o.key);
	const int rc = sqlite3_step(*last);
	if (rc == SQLITE_DONE) return pb::Json(nullptr);
	if (rc != SQLITE_ROW) return fail(error("cannot be read"));
	const std::int64_t newest = sqlite3_column_int64(*last, 1);
	sqlite3_bind_int64(*drop, 1, sqlite3_column_int64(*last, 0));
	sqlite3_bind_int64(*drop, 2, newest - std::clamp<std::int64_t>(o.count, 0, newest));
	if (sqlite3_step(*drop) != SQLITE_DONE) return fail(error("cannot be written"));
	return pb::Json(nullptr);
}

} // namespace core::state
