// The database's thread: takes what is queued, runs it in one transaction, hands the answers back.
#pragma once
#include "state/database.hpp"
#include "state/folder.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace core::state {

/// submit() from one thread. The two callbacks are called on the worker's: they inject.
class Worker final {
public:
	using Answers = std::vector<Result<pb::Json>>;
	struct Tell {
		std::function<void(Answers)> answers; // in the order of submission; not those that somebody blocks for
		std::function<void(std::string)> warning;
	};

	/// The database that `folder` holds, or one in memory where there is none.
	Worker(Folder folder, std::unique_ptr<Database> database, std::string path);
	/// Runs all that was submitted, then ends.
	~Worker();
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;

	void start(Tell tell);
	void submit(std::vector<Operation> operations);

	const std::string path;

private:
	void work();
	void process(const std::vector<Operation> &batch);
	[[nodiscard]] bool run_together(const std::vector<Operation> &batch, Answers &answers);
	[[nodiscard]] Result<pb::Json> run_alone(const Operation &o);
	[[nodiscard]] bool replace_database(const Error &why);
	void note(const Answers &answers, const std::vector<Operation> &batch);

	Folder folder;
	std::unique_ptr<Database> database;
	Tell tell;
	bool is_failing = false; // writes do; told once
	std::mutex guard;        // of the two below
	std::vector<Operation> queue;
	bool is_closing = false;
	std::condition_variable changed;
	std::thread thread;
};

/// Opens the folder's database, sets aside what is there where it is of no use (then `warning` says so), and looks through it
/// where that takes no time. is_large: it was not looked through. is_again: one has been set aside just now.
[[nodiscard]] Result<std::unique_ptr<Database>> open_in(const Folder &folder, std::string &warning, bool &is_large, bool is_again = false);

} // namespace core::state
