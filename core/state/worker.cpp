#include "state/worker.hpp"

#include <fmt/format.h>

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

namespace core::state {

namespace {
constexpr off_t small = 2 * 1024 * 1024; // is looked through in a few ms
}

Worker::Worker(Folder folder_, std::unique_ptr<Database> database_, std::string path_)
	: path(std::move(path_)), folder(std::move(folder_)), database(std::move(database_))
{}

Worker::~Worker()
{
	{
		const std::lock_guard lock(guard);
		is_closing = true;
	}
	changed.notify_one();
	if (thread.joinable()) thread.join();
}

void Worker::start(Tell tell_)
{
	tell = std::move(tell_);
	sigset_t all, old; // signals are the loop's
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	thread = std::thread(&Worker::work, this);
	pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void Worker::submit(std::vector<Operation> operations)
{
	{
		const std::lock_guard lock(guard);
		if (queue.empty()) queue = std::move(operations);
		else std::ranges::move(operations, std::back_inserter(queue));
	}
	changed.notify_one();
}

void Worker::work()
{
	pthread_setname_np(pthread_self(), "state");
	for (;;) {
		std::vector<Operation> batch;
		{
			std::unique_lock lock(guard);
			changed.wait(lock, [this] { return is_closing || !queue.empty(); });
			if (queue.empty()) break;
			batch.swap(queue);
		}
		process(batch);
	}
	database.reset();
}

void Worker::process(const std::vector<Operation> &batch)
{
	Answers answers;
	answers.reserve(batch.size());
	if (!run_together(batch, answers)) { // one of them spoils it: each alone, so that it spoils its own
		answers.clear();
		const Error *locked = nullptr;
		for (const Operation &o : batch) {
			if (locked && o.writes()) answers.emplace_back(fail(locked->text, locked->status, locked->code)); // each would wait as long
			else answers.push_back(run_alone(o));
			if (!answers.back() && answers.back().error().code == "STATE_LOCKED") locked = &answers.back().error();
		}
	}
	note(answers, batch);
	Answers for_loop;
	for (std::size_t i = 0; i < batch.size(); ++i) {
		if (batch[i].waiter) batch[i].waiter->set_value(std::move(answers[i]));
		else if (batch[i].kind != Operation::Kind::check) for_loop.push_back(std::move(answers[i]));
	}
	if (!for_loop.empty()) tell.answers(std::move(for_loop));
}

bool Worker::run_together(const std::vector<Operation> &batch, Answers &answers)
{
	const bool writes = std::ranges::any_of(batch, &Operation::writes), is_durable = std::ranges::any_of(batch, &Operation::is_durable);
	if (!database->begin(writes, is_durable)) return false;
	for (const Operation &o : batch) {
		answers.push_back(database->run(o));
		if (answers.back() || (!o.writes() && answers.back().error().code != "STATE_CORRUPT")) continue; // a read spoils nothing
		database->rollback();
		return false;
	}
	if (database->commit()) return true;
	database->rollback();
	return false;
}

Result<pb::Json> Worker::run_alone(const Operation &o)
{
	for (bool is_again = false;; is_again = true) {
		auto begun = database->begin(o.writes(), o.is_durable);
		Result<pb::Json> result = begun ? database->run(o) : Result<pb::Json>(fail(std::move(begun.error())));
		if (auto done = result ? database->commit() : Result<void>(); !done) result = fail(std::move(done.error()));
		if (!result) database->rollback();
		if (result || is_again || result.error().code != "STATE_CORRUPT" || !replace_database(result.error())) return result;
	}
}

// Found corrupt while running: set aside, and a new one goes on. What was in it is in the file that the warning names.
bool Worker::replace_database(const Error &why)
{
	if (path == ":memory:") return false;
	database.reset(); // closes it: its files stay as they are
	std::string warning;
	auto name = folder.set_aside("corrupt");
	bool is_large = false;
	auto made = name ? open_in(folder, warning, is_large, true) : Result<std::unique_ptr<Database>>(fail(std::move(name.error())));
	if (!made) {
		warning = fmt::format("{}; and a new one cannot be made: {}; state is kept in memory from here on", why.text, made.error().text);
		made = Database::open(":memory:");
	} else {
		warning = fmt::format("{}; it was set aside as {}, and a new one begun", why.text, *name);
	}
	database = std::move(*made); // ":memory:" fails for lack of memory alone
	tell.warning(std::move(warning));
	return true;
}

/// Tells when writes begin to fail, and when they do no longer.
void Worker::note(const Answers &answers, const std::vector<Operation> &batch)
{
	for (std::size_t i = 0; i < batch.size(); ++i) {
		if (!batch[i].writes() || answers[i].has_value() != is_failing) continue;
		is_failing = !is_failing;
		tell.warning(is_failing ? fmt::format("state is not kept: {}", answers[i].error().text) : "state is kept again");
	}
}

Result<std::unique_ptr<Database>> open_in(const Folder &folder, std::string &warning, bool &is_large, bool is_again)
{
	for (;; is_again = true) {
		auto ready = folder.prepare_database();
		Result<std::unique_ptr<Database>> made =
			ready ? Database::open(folder.database(), is_again) : Result<std::unique_ptr<Database>>(fail(std::move(ready.error())));
		struct stat about {};
		is_large = stat(folder.database().c_str(), &about) == 0 && about.st_size > small;
		if (made && !is_large)
			if (auto sound = (*made)->check(); !sound) made = fail(std::move(sound.error()));
		if (made) return made;
		const std::string code = made.error().code;
		if (is_again || (code != "STATE_CORRUPT" && code != "STATE_NEWER")) return made;
		auto name = folder.set_aside(code == "STATE_NEWER" ? "newer" : "corrupt");
		if (!name) return fail(std::move(name.error()));
		warning = fmt::format("{}; it was set aside as {}, and a new one begun", made.error().text, *name);
	}
}

} // namespace core::state
