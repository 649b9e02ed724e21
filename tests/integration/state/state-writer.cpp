// state-writer FOLDER [fail]: writes to a store as fast as it acknowledges, and says what it acknowledged, until it is killed.
// With `fail` it goes on after errors and says them. For test_state.py.
//
// Lines: "open WARNING", "warning TEXT"; "documents JSON" and "journal FIRST LAST ENTRIES" as they were found; then "d N" (the
// documents a and b, put in one turn, are both N), "j N" (entry N of the journal, whose value is N as well), "error CODE".
#include "reactor/watch.hpp"
#include "state/store.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <string>

namespace {

using core::Result;

/// One write for a line: a kill leaves whole ones.
void say(const std::string &line)
{
	const std::string text = line + "\n";
	(void)!write(1, text.data(), text.size());
}

class StateWriter final {
public:
	StateWriter(const std::string &folder, bool goes_on_) : goes_on(goes_on_), pause(reactor, pb::bind<&StateWriter::on_pause>(this))
	{
		std::string warning;
		store = core::state::Store::open(reactor, folder, warning);
		store->on_warning = [](const std::string &text) { say("warning " + text); };
		say("open " + warning);
	}

	void run()
	{
		store->list("writer", "", [this](Result<pb::Json> r) {
			say("documents " + (r ? r->text() : r.error().text));
			document = r ? pb::integer_at(r->get(), "a") : 0;
		});
		store->read("writer", "journal", 0, 10000, [this](Result<pb::Json> r) { on_journal(std::move(r)); });
		reactor.run();
	}

private:
	void on_journal(Result<pb::Json> r)
	{
		const json_t *entries = r ? r->get() : nullptr;
		const std::size_t n = json_array_size(entries);
		for (std::size_t i = 0; i < n; ++i) {
			const std::int64_t id = pb::integer_at(json_array_get(entries, i), "id");
			const bool is_right = id == pb::integer_at(json_array_get(entries, i), "value") && (i == 0 || id == entry + 1);
			if (!is_right) say(fmt::format("wrong entry {}", id));
			entry = id;
		}
		say(fmt::format("journal {} {} {}", n ? pb::integer_at(json_array_get(entries, 0), "id") : 0, entry, n));
		for (int i = 0; i < 8; ++i) write_some();
	}

	/// Both documents and some entries, in one turn; now and then durable, now and then cut to the newest 2,000.
	void write_some()
	{
		const std::int64_t n = ++document;
		const bool is_durable = n % 50 == 0;
		store->put("writer", "a", n, false, nullptr);
		for (int i = 0; i < 3; ++i) {
			const std::int64_t e = ++entry;
			store->append("writer", "journal", e, is_durable, [this, e](Result<pb::Json> r) {
				if (!r) return on_error(r.error());
				const std::int64_t id = pb::integer_at(r->get(), "id");
				say(id == e ? fmt::format("j {}", e) : fmt::format("wrong id {} for {}", id, e));
			});
		}
		if (n % 100 == 0) store->trim("writer", "journal", 2000, nullptr);
		store->put("writer", "b", n, is_durable, [this, n](Result<pb::Json> r) {
			if (!r) return on_error(r.error());
			say(fmt::format("d {}", n));
			write_some();
		});
	}

	void on_error(const core::Error &e)
	{
		say("error " + e.code);
		if (!goes_on) return reactor.stop();
		pause.once(std::chrono::milliseconds(20));
	}
	void on_pause() noexcept { write_some(); }

	const bool goes_on;
	core::Reactor reactor;
	core::Timer pause;
	std::unique_ptr<core::state::Store> store;
	std::int64_t document = 0, entry = 0;
};

} // namespace

int main(int argc, char **argv)
{
	if (argc < 2) return 2;
	StateWriter(argv[1], argc > 2 && std::string_view(argv[2]) == "fail").run();
	return 0;
}
