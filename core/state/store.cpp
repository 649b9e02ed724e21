#include "state/store.hpp"

#include "state/worker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core::state {

namespace {
constexpr std::size_t most_waiting = 10000, most_bytes = 64 * 1024 * 1024, longest_value = 16 * 1024 * 1024, longest_key = 1024;
constexpr int callbacks_a_turn = 64;

/// All 17 digits: what is read back is what was put.
std::string written(const pb::Json &value) { return value ? value.text(JSON_COMPACT | JSON_ENCODE_ANY) : "null"; }

std::vector<Operation> only(Operation o)
{
	std::vector<Operation> out;
	out.push_back(std::move(o));
	return out;
}

/// Empty, or why it cannot be done.
std::string flaw_of(const Operation &o)
{
	if (o.key.size() > longest_key || (o.key.empty() && o.kind != Operation::Kind::list))
		return fmt::format("state of {}: a key must have 1 to {} bytes", o.owner, longest_key);
	if (pb::utf8(o.key) != o.key) return fmt::format("state of {}: a key must be UTF-8", o.owner);
	if (o.value.size() > longest_value)
		return fmt::format("state of {}, {}: a value may have {} MiB as text, this one has {} bytes", o.owner, o.key, longest_value >> 20, o.value.size());
	return {};
}
} // namespace

std::unique_ptr<Store> Store::open(Reactor &reactor, const std::string &directory, std::string &warning)
{
	Folder folder;
	std::unique_ptr<Database> database;
	std::string path = ":memory:";
	bool is_large = false, is_in_use = false;
	const auto give_up = [&](const Error &why) {
		is_in_use = why.code == "STATE_IN_USE";
		warning = fmt::format("{}; state is kept in memory and ends with this process", why.text);
	};
	if (!directory.empty()) {
		if (auto claimed = Folder::claim(directory); !claimed) give_up(claimed.error());
		else if (auto opened = open_in(*claimed, warning, is_large); !opened) give_up(opened.error());
		else {
			folder = std::move(*claimed);
			database = std::move(*opened);
			path = folder.database();
		}
	}
	if (!database) {
		auto opened = Database::open(path);
		if (!opened) throw std::runtime_error(opened.error().text);
		database = std::move(*opened);
	}
	auto worker = std::make_unique<Worker>(std::move(folder), std::move(database), path);
	if (is_large) worker->submit(only({.kind = Operation::Kind::check}));
	return std::unique_ptr<Store>(new Store(reactor, std::move(worker), is_in_use));
}

Store::Store(Reactor &reactor_, std::unique_ptr<Worker> worker_, bool belongs_to_another_)
	: reactor(reactor_), belongs_to_another(belongs_to_another_), worker(std::move(worker_))
{
	const auto on_loop = [&loop = reactor, self = alive](auto task) {
		loop.inject([self, task = std::move(task)] {
			if (*self) task(**self); // read on the loop alone
		});
	};
	worker->start({[on_loop](Worker::Answers answers) {
					   on_loop([shared = std::make_shared<Worker::Answers>(std::move(answers))](Store &s) { // shared: std::function copies
						   const bool is_idle = s.answered.empty();
						   for (auto &result : *shared) {
							   s.answered.push_back({std::move(s.asked.front().first), std::move(result), s.asked.front().second});
							   s.asked.pop_front();
						   }
						   if (is_idle) s.deliver();
					   });
				   },
		[on_loop](std::string text) {
			on_loop([text = std::move(text)](Store &s) {
				if (s.on_warning) s.on_warning(text);
			});
		}});
}

Store::~Store()
{
	if (!collected.empty()) worker->submit(std::move(collected));
	*alive = nullptr;
	worker.reset();
}

// Callbacks may hold the loop: a few each turn. One may end us.
void Store::deliver()
{
	const auto self = alive;
	for (int n = 0; n < callbacks_a_turn && !answered.empty(); ++n) {
		Answer a = std::move(answered.front());
		answered.pop_front();
		bytes -= a.bytes;
		if (a.done) a.done(std::move(a.result));
		if (!*self) return;
	}
	if (answered.empty()) return;
	reactor.defer([self] {
		if (*self) (*self)->deliver();
	});
}

void Store::submit(Operation o, Done done)
{
	std::string flaw = flaw_of(o);
	const bool is_full = waiting() >= most_waiting || bytes + o.bytes() > most_bytes;
	if (!flaw.empty() || is_full) {
		if (!done) return;
		Error e = flaw.empty() ? Error{fmt::format("state: {} operations wait for the disk already; try again later", waiting()), 507, "STATE_BUSY", {}}
							   : Error{std::move(flaw), 400, "", {}};
		auto shared = std::make_shared<Error>(std::move(e)); // later: never from inside the call
		reactor.defer([done = std::move(done), shared] { done(fail(std::move(*shared))); });
		return;
	}
	bytes += o.bytes();
	asked.emplace_back(std::move(done), o.bytes());
	collected.push_back(std::move(o));
	if (collected.size() == 1) {
		reactor.defer([self = alive] {
			if (*self) (*self)->hand_over();
		});
	}
}

void Store::hand_over()
{
	if (!collected.empty()) worker->submit(std::exchange(collected, {}));
}

Result<pb::Json> Store::now(Operation o)
{
	if (std::string flaw = flaw_of(o); !flaw.empty()) return fail(std::move(flaw), 400);
	const bool is_asked = std::ranges::any_of(collected, [&](const Operation &c) { return c.owner == o.owner && c.key == o.key; });
	if (is_asked) hand_over(); // what was asked of the same comes before; the rest may wait for the disk after us
	o.waiter = std::make_shared<std::promise<Result<pb::Json>>>();
	auto answer = o.waiter->get_future();
	worker->submit(only(std::move(o)));
	return answer.get();
}

pb::Json Store::get_now(std::string_view owner, std::string_view key)
{
	Result<pb::Json> result = now({.kind = Operation::Kind::get, .owner = std::string(owner), .key = std::string(key)});
	return result && !json_is_null(result->get()) ? std::move(*result) : pb::Json{};
}

bool Store::put_now(std::string_view owner, std::string_view key, pb::Json value)
{
	return now({.kind = Operation::Kind::put, .owner = std::string(owner), .key = std::string(key), .value = written(value)}).has_value();
}

void Store::put(std::string_view owner, std::string_view key, pb::Json value, bool is_durable, Done done)
{
	submit({.kind = Operation::Kind::put, .owner = std::string(owner), .key = std::string(key), .value = written(value), .is_durable = is_durable},
		std::move(done));
}

void Store::get(std::string_view owner, std::string_view key, Done done)
{
	submit({.kind = Operation::Kind::get, .owner = std::string(owner), .key = std::string(key)}, std::move(done));
}

void Store::list(std::string_view owner, std::string_view prefix, Done done)
{
	submit({.kind = Operation::Kind::list, .owner = std::string(owner), .key = std::string(prefix)}, std::move(done));
}

void Store::remove(std::string_view owner, std::string_view key, bool is_durable, Done done)
{
	submit({.kind = Operation::Kind::remove, .owner = std::string(owner), .key = std::string(key), .is_durable = is_durable}, std::move(done));
}

void Store::append(std::string_view owner, std::string_view journal, pb::Json value, bool is_durable, Done done)
{
	submit({.kind = Operation::Kind::append, .owner = std::string(owner), .key = std::string(journal), .value = written(value), .is_durable = is_durable},
		std::move(done));
}

void Store::read(std::string_view owner, std::string_view journal, std::int64_t after, std::int64_t limit, Done done)
{
	submit({.kind = Operation::Kind::read, .owner = std::string(owner), .key = std::string(journal), .after = after, .count = limit}, std::move(done));
}

void Store::trim(std::string_view owner, std::string_view journal, std::int64_t keep, Done done)
{
	submit({.kind = Operation::Kind::trim, .owner = std::string(owner), .key = std::string(journal), .count = keep}, std::move(done));
}

const std::string &Store::path() const noexcept { return worker->path; }
std::size_t Store::waiting() const noexcept { return asked.size() + answered.size(); }

} // namespace core::state
