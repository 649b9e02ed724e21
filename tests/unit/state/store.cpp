#include "state/store.hpp"

#include "reactor/watch.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

using namespace std::chrono_literals;
using core::state::Store;

namespace {

/// A store and a loop that is run until an answer has come.
struct Opened {
	test::TempFolder folder;
	core::Reactor reactor;
	core::Timer limit{reactor, pb::bind<&Opened::on_limit>(this)};
	std::string warning;
	std::vector<std::string> warnings; // while running
	std::unique_ptr<Store> store;

	void open() { open(folder / "state"); }
	void open(const std::string &directory)
	{
		store.reset();
		warning.clear();
		store = Store::open(reactor, directory, warning);
		store->on_warning = [this](const std::string &text) { warnings.push_back(text); };
	}
	void on_limit() noexcept { reactor.stop(); }
	void run(std::chrono::milliseconds most = 10s)
	{
		limit.once(most);
		reactor.run();
		limit.stop();
	}
	/// The answer as text, an error as "! code status".
	static std::string text(const core::Result<pb::Json> &r) { return r ? r->text() : "! " + r.error().code + " " + std::to_string(r.error().status); }
	template<typename Ask> std::string answer(Ask ask)
	{
		std::string out = "no answer";
		ask([&](core::Result<pb::Json> r) {
			out = text(r);
			reactor.stop();
		});
		run();
		return out;
	}
	std::string put(std::string_view key, pb::Json value, bool is_durable = false, std::string_view owner = "me")
	{
		return answer([&](auto done) { store->put(owner, key, std::move(value), is_durable, done); });
	}
	std::string get(std::string_view key, std::string_view owner = "me")
	{
		return answer([&](auto done) { store->get(owner, key, done); });
	}
	std::string list(std::string_view prefix)
	{
		return answer([&](auto done) { store->list("me", prefix, done); });
	}
	std::string append(std::string_view journal, pb::Json value)
	{
		return answer([&](auto done) { store->append("me", journal, std::move(value), false, done); });
	}
	/// Ids and values alone: times differ.
	std::string read(std::string_view journal, std::int64_t after = 0, std::int64_t most = 100)
	{
		const pb::Json entries = pb::Json::parse(answer([&](auto done) { store->read("me", journal, after, most, done); }));
		std::string out;
		std::size_t i;
		json_t *e;
		json_array_foreach(entries.get(), i, e) out += std::to_string(pb::integer_at(e, "id")) + "=" + pb::Json::share(pb::at(e, "value")).text() + " ";
		return out;
	}
	std::string trim(std::string_view journal, std::int64_t keep)
	{
		return answer([&](auto done) { store->trim("me", journal, keep, done); });
	}
	/// Files of the state folder, sorted, with the time cut off.
	std::string files()
	{
		std::vector<std::string> names;
		for (const auto &e : std::filesystem::directory_iterator(folder / "state")) names.push_back(e.path().filename());
		std::sort(names.begin(), names.end());
		std::string out;
		for (const std::string &n : names) out += (out.empty() ? "" : " ") + n;
		return out;
	}
};

} // namespace

TEST_GROUP(store) { Opened o; };

TEST(store, documents_are_kept_over_a_restart)
{
	o.open();
	STRCMP_EQUAL("", o.warning.c_str());
	STRCMP_EQUAL((o.folder / "state/state.db").c_str(), o.store->path().c_str());
	STRCMP_EQUAL("null", o.get("a").c_str());
	STRCMP_EQUAL("null", o.put("a", pb::Json{{"x", 1}}).c_str());
	STRCMP_EQUAL("null", o.put("a", pb::Json{{"x", 2}}, true).c_str());
	STRCMP_EQUAL("null", o.put("a", "other", false, "you").c_str());
	o.open();
	STRCMP_EQUAL(R"({"x":2})", o.get("a").c_str());
	STRCMP_EQUAL(R"("other")", o.get("a", "you").c_str());
	STRCMP_EQUAL("null", o.answer([&](auto done) { o.store->remove("me", "a", false, done); }).c_str());
	STRCMP_EQUAL("null", o.get("a").c_str());
	STRCMP_EQUAL(R"("other")", o.get("a", "you").c_str());
}

TEST(store, any_json_comes_back_as_it_was)
{
	o.open();
	pb::Json deep = 1;
	for (int i = 0; i < 200; ++i) {
		pb::Json outer = pb::Json::array();
		outer.push(std::move(deep));
		deep = std::move(outer);
	}
	const std::string nested = deep.text();
	STRCMP_EQUAL("null", o.put("deep", std::move(deep)).c_str());
	STRCMP_EQUAL(nested.c_str(), o.get("deep").c_str());
	o.put("nul", std::string_view("a\0b", 3));
	STRCMP_EQUAL("\"a\\u0000b\"", o.get("nul").c_str());
	o.put("real", 0.1);
	STRCMP_EQUAL("0.1", o.get("real").c_str());
	o.put("null", nullptr);
	STRCMP_EQUAL("null", o.get("null").c_str());
	o.put("empty", pb::Json());
	STRCMP_EQUAL("null", o.get("empty").c_str());
}

TEST(store, lists_by_prefix)
{
	o.open();
	for (const char *key : {"b/1", "a", "b", "b/2", "c", "b0"}) o.put(key, key);
	STRCMP_EQUAL(R"({"b/1":"b/1","b/2":"b/2"})", o.list("b/").c_str());
	STRCMP_EQUAL(R"({"a":"a","b":"b","b/1":"b/1","b/2":"b/2","b0":"b0","c":"c"})", o.list("").c_str());
	STRCMP_EQUAL("{}", o.list("zz").c_str());
}

TEST(store, journals_count_up_and_never_again)
{
	o.open();
	STRCMP_EQUAL(R"({"id":1})", o.append("j", "a").c_str());
	STRCMP_EQUAL(R"({"id":2})", o.append("j", "b").c_str());
	STRCMP_EQUAL(R"({"id":1})", o.append("k", "x").c_str());
	STRCMP_EQUAL(R"(1="a" 2="b" )", o.read("j").c_str());
	STRCMP_EQUAL(R"(2="b" )", o.read("j", 1).c_str());
	STRCMP_EQUAL(R"(1="a" )", o.read("j", 0, 1).c_str());
	STRCMP_EQUAL("", o.read("none").c_str());
	STRCMP_EQUAL("null", o.trim("j", 0).c_str());
	STRCMP_EQUAL("", o.read("j").c_str());
	o.open();
	STRCMP_EQUAL(R"({"id":3})", o.append("j", "c").c_str());
	for (int i = 4; i <= 10; ++i) o.append("j", i);
	STRCMP_EQUAL("null", o.trim("j", 3).c_str());
	STRCMP_EQUAL("8=8 9=9 10=10 ", o.read("j").c_str());
	o.trim("j", 100);
	o.trim("j", -1);
	o.trim("none", 5);
	STRCMP_EQUAL("", o.read("j").c_str());
	STRCMP_EQUAL(R"(1="x" )", o.read("k").c_str());
}

TEST(store, answers_come_in_the_order_of_the_calls_and_not_from_inside)
{
	o.open();
	std::string order;
	bool is_inside = true;
	const auto note = [&](const char *what) {
		return [&, what](core::Result<pb::Json> r) {
			CHECK(!is_inside);
			order += std::string(what) + o.text(r) + " ";
			if (*what == 'z') o.reactor.stop();
		};
	};
	o.store->put("me", "a", 1, false, note("p"));
	o.store->get("me", "a", note("g"));
	o.store->put("me", "a", 2, true, note("p"));
	o.store->remove("me", "a", false, note("r"));
	o.store->get("me", "a", note("g"));
	o.store->put("me", "no callback", 1, false, nullptr);
	o.store->append("me", "j", 1, false, note("z"));
	is_inside = false;
	CHECK(o.store->waiting() == 7);
	o.run();
	STRCMP_EQUAL(R"(pnull g1 pnull rnull gnull z{"id":1} )", order.c_str());
	CHECK(o.store->waiting() == 0);
}

TEST(store, what_was_accepted_is_committed_when_it_ends)
{
	o.open();
	int told = 0;
	for (int i = 0; i < 500; ++i) o.store->append("me", "j", i, false, [&](auto) { ++told; });
	o.open(); // the loop did not run
	o.run(1ms);
	CHECK_EQUAL(0, told);
	STRCMP_EQUAL(R"({"id":501})", o.append("j", "x").c_str());
}

TEST(store, a_callback_may_ask_again_and_end_the_store)
{
	o.open();
	int n = 0;
	std::function<void(core::Result<pb::Json>)> again = [&](auto) {
		if (++n < 100) return o.store->put("me", "k", n, false, again);
		o.store.reset();
		o.reactor.stop();
	};
	o.store->put("me", "k", 0, false, again);
	o.store->put("me", "l", 0, false, [&](auto) {});
	o.run();
	CHECK_EQUAL(100, n);
}

TEST(store, blocking_calls_for_the_start)
{
	o.open();
	CHECK(!o.store->get_now("core", "seq"));
	o.store->put("core", "seq", 5, false, nullptr);
	CHECK_EQUAL(5, json_integer_value(o.store->get_now("core", "seq").get())); // what was asked before comes before
	CHECK(o.store->put_now("core", "seq", 6));
	CHECK_EQUAL(6, json_integer_value(o.store->get_now("core", "seq").get()));
	CHECK(!o.store->put_now("core", "", 6));
}

TEST(store, what_cannot_be_kept_is_refused)
{
	o.open();
	STRCMP_EQUAL("!  400", o.put("", 1).c_str());
	STRCMP_EQUAL("!  400", o.put(std::string(1025, 'k'), 1).c_str());
	STRCMP_EQUAL("!  400", o.put("\xff", 1).c_str());
	STRCMP_EQUAL("!  400", o.put("big", std::string(16 * 1024 * 1024, 'x')).c_str());
	STRCMP_EQUAL("null", o.put("big", std::string(1024 * 1024, 'x')).c_str());
}

TEST(store, the_queue_is_bounded)
{
	o.open();
	int kept = 0, busy = 0;
	for (int i = 0; i < 11000; ++i) {
		o.store->append("me", "j", i, false, [&](core::Result<pb::Json> r) {
			if (r) ++kept;
			else if (r.error().code == "STATE_BUSY" && r.error().status == 507) ++busy;
			if (kept + busy == 11000) o.reactor.stop();
		});
	}
	o.run();
	CHECK_EQUAL(10000, kept);
	CHECK_EQUAL(1000, busy);
	int large = 0;
	const std::string text(8 * 1024 * 1024, 'x');
	for (int i = 0; i < 9; ++i) o.store->put("me", "large", text, false, [&](core::Result<pb::Json> r) { large += r ? 0 : 1; });
	o.get("x");
	CHECK(large >= 1);
	STRCMP_EQUAL(R"({"id":10001})", o.append("j", 1).c_str());
}

TEST(store, long_lists_are_refused_and_long_journals_come_in_parts)
{
	o.open();
	const std::string text(4 * 1024 * 1024, 'x');
	for (int i = 0; i < 5; ++i) {
		o.put("k" + std::to_string(i), text);
		o.append("j", text);
	}
	STRCMP_EQUAL("! STATE_TOO_LARGE 507", o.list("k").c_str());
	std::size_t entries = 0;
	o.store->read("me", "j", 0, 100, [&](core::Result<pb::Json> r) {
		entries = json_array_size(r->get());
		o.reactor.stop();
	});
	o.run();
	CHECK(entries >= 1 && entries < 5);
	// a read that cannot be answered spoils nothing beside it
	std::string put;
	o.store->put("me", "beside", 1, false, [&](core::Result<pb::Json> r) { put = o.text(r); });
	STRCMP_EQUAL("! STATE_TOO_LARGE 507", o.list("k").c_str());
	STRCMP_EQUAL("null", put.c_str());
}

TEST(store, a_corrupt_database_is_set_aside)
{
	for (const char *bytes : {"this is no database at all", "SQLite format 3", "\x7f\x45LF"}) {
		std::string text(8192, '\0');
		text.replace(0, std::strlen(bytes), bytes);
		std::filesystem::remove_all(o.folder / "state");
		o.folder.write("state/state.db", text);
		o.folder.write("state/state.db-wal", "x");
		o.open();
		CHECK(o.warning.find("state.db.corrupt-") != std::string::npos && o.warning.find("set aside") != std::string::npos);
		STRCMP_EQUAL("null", o.put("a", 1).c_str());
		STRCMP_EQUAL("1", o.get("a").c_str());
		CHECK(o.files().find("state.db.corrupt-") != std::string::npos && o.files().find("-wal") != std::string::npos);
		o.open();
		STRCMP_EQUAL("", o.warning.c_str());
		STRCMP_EQUAL("1", o.get("a").c_str());
	}
}

TEST(store, a_page_that_was_overwritten_is_found)
{
	o.open();
	for (int i = 0; i < 200; ++i) o.store->put("me", "k" + std::to_string(i), std::string(500, 'x'), false, nullptr);
	o.store.reset();
	std::string text = test::TempFolder::read(o.folder / "state/state.db");
	CHECK(text.size() > 40000);
	text.replace(4096, 20000, std::string(20000, '\xa5'));
	o.folder.write("state/state.db", text);
	o.open();
	CHECK(o.warning.find("set aside") != std::string::npos);
	STRCMP_EQUAL("null", o.get("k1").c_str());
}

TEST(store, corruption_found_while_running_is_set_aside_then)
{
	o.open();
	const std::string big(64 * 1024, 'x'); // over 2 MiB: not looked through at the start
	for (int i = 0; i < 60; ++i) o.store->put("me", "k" + std::to_string(i), big, false, nullptr);
	o.store.reset();
	std::string text = test::TempFolder::read(o.folder / "state/state.db");
	CHECK(text.size() > 3 * 1024 * 1024);
	text.replace(4096, 30000, std::string(30000, '\xa5'));
	o.folder.write("state/state.db", text);
	o.open();
	STRCMP_EQUAL("null", o.put("a", 1).c_str());
	STRCMP_EQUAL("1", o.get("a").c_str());
	const std::string all = o.warning + (o.warnings.empty() ? "" : o.warnings[0]);
	CHECK(all.find("it was set aside as ") != std::string::npos);
	CHECK(o.files().find("state.db.corrupt-") != std::string::npos);
}

TEST(store, journals_go_on_behind_those_of_a_lost_database)
{
	o.open();
	for (int i = 0; i < 5; ++i) o.append("j", i);
	o.store.reset();
	o.folder.write("state/state.db", std::string(4096, 'x'));
	o.open();
	const pb::Json first = pb::Json::parse(o.append("j", 1));
	CHECK(pb::integer_at(first.get(), "id") > 1000);
	CHECK_EQUAL(pb::integer_at(first.get(), "id") + 1, pb::integer_at(pb::Json::parse(o.append("j", 1)).get(), "id"));
	o.trim("j", 1);
	CHECK(o.read("j", pb::integer_at(first.get(), "id")).size() > 1);
}

TEST(store, a_database_of_a_newer_version_is_kept)
{
	o.open();
	o.put("a", 1);
	o.store.reset();
	std::string text = test::TempFolder::read(o.folder / "state/state.db");
	text[63] = 9; // user_version, big endian, at 60
	o.folder.write("state/state.db", text);
	o.open();
	CHECK(o.warning.find("newer version") != std::string::npos && o.warning.find("state.db.newer-") != std::string::npos);
	STRCMP_EQUAL("null", o.get("a").c_str());
}

TEST(store, a_folder_in_the_place_of_the_file)
{
	o.folder.write("state/state.db/x", "");
	o.open();
	CHECK(o.warning.find("set aside") != std::string::npos);
	STRCMP_EQUAL("null", o.put("a", 1).c_str());
}

TEST(store, a_folder_that_cannot_be_used_gives_memory)
{
	o.folder.write("file", "");
	for (const std::string &path : {o.folder / "file", o.folder / "file/state", std::string("/proc/patchbay")}) {
		o.open(path);
		CHECK(o.warning.find(path) != std::string::npos && o.warning.find("kept in memory") != std::string::npos);
		STRCMP_EQUAL(":memory:", o.store->path().c_str());
		CHECK(!o.store->is_in_use());
		STRCMP_EQUAL("null", o.put("a", 1).c_str());
		STRCMP_EQUAL("1", o.get("a").c_str());
	}
	o.open("");
	STRCMP_EQUAL("", o.warning.c_str());
	STRCMP_EQUAL(":memory:", o.store->path().c_str());
}

TEST(store, one_folder_serves_one_daemon)
{
	o.open();
	o.put("a", 1);
	{
		std::string warning;
		const auto second = Store::open(o.reactor, o.folder / "state", warning);
		CHECK(second->is_in_use());
		STRCMP_EQUAL(":memory:", second->path().c_str());
		CHECK(warning.find("another patchbayd (PID " + std::to_string(getpid()) + ") uses it") != std::string::npos);
		CHECK(!second->get_now("me", "a"));
	}
	STRCMP_EQUAL("1", o.get("a").c_str());
	o.open();
	CHECK(!o.store->is_in_use());
}

TEST(store, nobody_else_reads_it)
{
	o.open();
	o.put("a", 1);
	struct stat about {};
	CHECK_EQUAL(0, stat((o.folder / "state").c_str(), &about));
	CHECK_EQUAL(0U, about.st_mode & 0027);
	for (const char *name : {"state/state.db", "state/state.db-wal", "state/state.lock"}) {
		CHECK_EQUAL(0, stat((o.folder / name).c_str(), &about));
		CHECK_EQUAL_TEXT(0U, about.st_mode & 0137, name);
	}
}
