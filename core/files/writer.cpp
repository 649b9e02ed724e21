#include "files/writer.hpp"

#include "files/write.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

namespace core::files {

namespace {
constexpr std::size_t most_bytes_a_path = 16 * 1024 * 1024, most_bytes = 64 * 1024 * 1024, most_operations = 10000;
constexpr std::size_t bytes_a_write = 1024 * 1024;

struct Operation {
	bool is_append = false;
	std::string data;
	std::uint32_t mode = 0;
	bool is_durable = false;
	Writer::Done done;
};

/// What goes out in one piece. Run by a worker, or by the writer's end where no worker has begun it.
struct Batch {
	std::string path;
	bool is_append = false;
	std::string data;
	std::uint32_t mode = 0;
	bool is_durable = false;

	std::mutex guard; // of the two below
	std::condition_variable ended;
	enum class Progress { waits, runs, done } progress = Progress::waits;

	Result<void> result;

	/// False: somebody else has begun it.
	bool run()
	{
		{
			const std::lock_guard lock(guard);
			if (progress != Progress::waits) return false;
			progress = Progress::runs;
		}
		result = is_append ? append_now(path, data, mode, is_durable) : replace_now(path, data, mode, is_durable);
		const std::lock_guard lock(guard);
		progress = Progress::done;
		ended.notify_all();
		return true;
	}
	void wait()
	{
		std::unique_lock lock(guard);
		ended.wait(lock, [this] { return progress == Progress::done; });
	}
};

/// The operations of one path, in order.
struct Lane {
	std::deque<Operation> waiting;
	std::size_t bytes = 0;          // of all of them
	std::shared_ptr<Batch> running; // shared with the job, which may let go of it last: so what is the loop's stands here
	std::vector<Writer::Done> told; // once it has ended
	std::size_t running_bytes = 0;
};
} // namespace

struct Writer::State {
	State(Reactor &reactor_, Pool &pool_) : reactor(reactor_), pool(pool_) {}

	void add(const std::string &path, Operation o, const std::shared_ptr<State> &self);
	void begin(const std::string &path, Lane &lane, const std::shared_ptr<State> &self);
	void finish(const std::string &path, const std::shared_ptr<State> &self);
	static std::shared_ptr<Batch> next_batch(const std::string &path, Lane &lane);
	void refuse(Done done, Error error);

	Reactor &reactor;
	Pool &pool;
	std::map<std::string, Lane> lanes; // those with work
	std::size_t bytes = 0, operations = 0;
	bool is_closed = false;
};

void Writer::State::refuse(Done done, Error error)
{
	if (!done) return;
	reactor.defer(
		[done = std::move(done), shared = std::make_shared<Error>(std::move(error))] { done(fail(std::move(*shared))); }); // shared: std::function copies
}

void Writer::State::add(const std::string &path, Operation o, const std::shared_ptr<State> &self)
{
	if (!path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string::npos)
		return refuse(std::move(o.done), {fmt::format("file \"{}\": the path must be absolute, and a file's", pb::utf8(path)), 400, {}, {}});
	if (o.is_append && !o.data.empty() && o.data.back() != '\n') o.data += '\n';
	const auto there = lanes.find(path);
	const std::size_t lane_bytes = there == lanes.end() ? 0 : there->second.bytes, size = o.data.size();
	if (lane_bytes + size > most_bytes_a_path || bytes + size > most_bytes || operations >= most_operations)
		return refuse(std::move(o.done), {fmt::format("{}: {} bytes wait to be written already; is the disk slow?", path, lane_bytes), 507, "FILE_BUSY", {}});
	Lane &lane = there == lanes.end() ? lanes[path] : there->second;
	lane.bytes += size;
	bytes += size;
	++operations;
	const bool is_first = !lane.running && lane.waiting.empty();
	lane.waiting.push_back(std::move(o));
	if (!is_first) return;
	reactor.defer([self, path] { // what else this turn brings goes out with it
		if (const auto l = self->lanes.find(path); l != self->lanes.end() && !l->second.running && !self->is_closed) self->begin(path, l->second, self);
	});
}

std::shared_ptr<Batch> Writer::State::next_batch(const std::string &path, Lane &lane)
{
	auto batch = std::make_shared<Batch>();
	batch->path = path;
	batch->is_append = lane.waiting.front().is_append;
	lane.told.clear();
	lane.running_bytes = 0;
	do {
		Operation &o = lane.waiting.front();
		lane.running_bytes += o.data.size();
		if (batch->is_append) batch->data += o.data;
		else batch->data = std::move(o.data); // the newest
		if (!batch->is_append || batch->mode == 0) batch->mode = o.mode;
		batch->is_durable |= o.is_durable;
		lane.told.push_back(std::move(o.done));
		lane.waiting.pop_front();
	} while (!lane.waiting.empty() && lane.waiting.front().is_append == batch->is_append &&
			 (!batch->is_append || batch->data.size() + lane.waiting.front().data.size() <= bytes_a_write));
	return batch;
}

void Writer::State::begin(const std::string &path, Lane &lane, const std::shared_ptr<State> &self)
{
	lane.running = next_batch(path, lane);
	const bool is_taken = pool.submit([batch = lane.running] { (void)batch->run(); }, [self, path] { self->finish(path, self); });
	if (is_taken) return;
	lane.running->result = fail(fmt::format("{}: too much waits for the disk already", path), 507, "FILE_BUSY");
	reactor.defer([self, path] { self->finish(path, self); });
}

void Writer::State::finish(const std::string &path, const std::shared_ptr<State> &self)
{
	if (is_closed) return;
	const auto at = lanes.find(path);
	Lane &lane = at->second;
	const std::shared_ptr<Batch> batch = std::exchange(lane.running, nullptr);
	const std::vector<Done> told = std::exchange(lane.told, {});
	lane.bytes -= lane.running_bytes;
	bytes -= lane.running_bytes;
	operations -= told.size();
	if (lane.waiting.empty()) lanes.erase(at);
	else begin(path, lane, self);
	for (const Done &done : told) {
		if (is_closed) return; // a callback has ended the writer
		if (!done) continue;
		if (batch->result) done(pb::Json(nullptr));
		else done(fail(batch->result.error().text, batch->result.error().status, batch->result.error().code));
	}
}

Writer::Writer(Reactor &reactor, Pool &pool) : state(std::make_shared<State>(reactor, pool)) {}

Writer::~Writer()
{
	state->is_closed = true;
	for (auto &[path, lane] : state->lanes) {
		if (lane.running && !lane.running->run()) lane.running->wait();
		while (!lane.waiting.empty()) (void)State::next_batch(path, lane)->run(); // nobody is left to be told
	}
	state->lanes.clear();
}

void Writer::replace(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done)
{
	state->add(path, {false, std::move(data), mode, is_durable, std::move(done)}, state);
}

void Writer::append(const std::string &path, std::string data, std::uint32_t mode, bool is_durable, Done done)
{
	state->add(path, {true, std::move(data), mode, is_durable, std::move(done)}, state);
}

std::size_t Writer::waiting() const noexcept { return state->operations; }

} // namespace core::files
