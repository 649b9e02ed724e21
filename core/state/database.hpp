// The tables of state.db and the statements over them.
#pragma once
#include "result.hpp"
#include "state/operation.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace core::state {

/// One connection. One thread at a time. Errors carry the codes of Store; STATE_CORRUPT and STATE_NEWER where the file is to
/// be set aside.
class Database final {
public:
	/// path: a file, made where it is not there, or ":memory:". is_successor: where it is new, one was lost before it; the ids of
	/// its journals then begin at the time in seconds, so that a reader's bookmark from before stays behind them.
	[[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string &path, bool is_successor = false);
	~Database();
	Database(const Database &) = delete;
	Database &operator=(const Database &) = delete;

	/// Reads all pages. Takes its time in a large file.
	[[nodiscard]] Result<void> check();
	[[nodiscard]] Result<void> begin(bool is_write, bool is_durable);
	[[nodiscard]] Result<void> commit();
	void rollback() noexcept;
	/// Within begin() and commit(). The result's shape is plugin.h's.
	[[nodiscard]] Result<pb::Json> run(const Operation &o);

private:
	enum Statement {
		put_document,
		get_document,
		list_documents,
		remove_document,
		next_id,
		append_entry,
		read_entries,
		last_id,
		trim_entries,
		begin_read,
		begin_write,
		commit_all,
		statements
	};
	struct Close {
		void operator()(sqlite3 *db) const noexcept;
	};
	struct Finalize {
		void operator()(sqlite3_stmt *s) const noexcept;
	};
	class Use;

	Database(std::string path, sqlite3 *db);
	[[nodiscard]] Result<void> set_up(bool is_successor);
	[[nodiscard]] Result<void> create(bool is_successor);
	[[nodiscard]] Result<void> settle();
	[[nodiscard]] Result<std::int64_t> number(const char *sql);
	[[nodiscard]] Result<void> execute(const char *sql);
	[[nodiscard]] Error error(std::string_view what) const;
	[[nodiscard]] Result<sqlite3_stmt *> statement(Statement which);
	[[nodiscard]] Result<void> step(Statement which);
	[[nodiscard]] Result<pb::Json> put(const Operation &o);
	[[nodiscard]] Result<pb::Json> get(const Operation &o);
	[[nodiscard]] Result<pb::Json> list(const Operation &o);
	[[nodiscard]] Result<pb::Json> remove(const Operation &o);
	[[nodiscard]] Result<pb::Json> append(const Operation &o);
	[[nodiscard]] Result<pb::Json> read(const Operation &o);
	[[nodiscard]] Result<pb::Json> trim(const Operation &o);

	const std::string path;
	std::unique_ptr<sqlite3, Close> db;
	std::array<std::unique_ptr<sqlite3_stmt, Finalize>, statements> prepared; // on first use; they end before the connection
	std::int64_t first_id = 1;                                                // of a new journal
	bool is_synced_full = false, is_settled = false;
};

} // namespace core::state
