#include "files/writer.hpp"

#include "reactor/watch.hpp"
#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <unistd.h>

#include <algorithm>

using namespace std::chrono_literals;

namespace {
/// A loop, its pool and a writer, run until all has been told.
struct Writing {
	test::TempFolder folder;
	core::Reactor reactor;
	core::Pool pool{reactor};
	core::Timer limit{reactor, pb::bind<&Writing::stop>(this)};
	std::unique_ptr<core::files::Writer> writer = std::make_unique<core::files::Writer>(reactor, pool);
	std::string told; // "a" for each success, "!STATUS" for each error
	int expected = 0;

	void stop() noexcept { reactor.stop(); }
	core::files::Writer::Done done(std::string name)
	{
		++expected;
		return [this, name](core::Result<pb::Json> r) {
			told += r ? name : "!" + std::to_string(r.error().status);
			if (--expected == 0) reactor.stop();
		};
	}
	void run()
	{
		limit.once(10s);
		reactor.run();
		limit.stop();
		CHECK_EQUAL(0, expected);
	}
};
} // namespace

TEST_GROUP(writer)
{
	Writing w;
	const std::string file = w.folder / "f";
};

TEST(writer, appends_are_whole_lines_in_order)
{
	for (int i = 0; i < 1000; ++i) w.writer->append(file, std::to_string(i) + (i % 2 ? "\n" : ""), 0, i % 100 == 0, w.done(""));
	CHECK_EQUAL(1000U, w.writer->waiting());
	w.run();
	CHECK_EQUAL(0U, w.writer->waiting());
	std::string all;
	for (int i = 0; i < 1000; ++i) all += std::to_string(i) + "\n";
	STRCMP_EQUAL(all.c_str(), w.folder.read(file).c_str());
}

TEST(writer, the_newest_replacement_stays_and_all_are_told_in_order)
{
	w.writer->replace(file, "1", 0, false, w.done("a"));
	w.writer->replace(file, "2", 0, true, w.done("b"));
	w.writer->append(file, "3", 0, false, w.done("c"));
	w.writer->append(file, "4", 0, false, w.done("d"));
	w.writer->replace(w.folder / "other", "x", 0, false, nullptr);
	CHECK(w.told.empty());
	w.run();
	STRCMP_EQUAL("abcd", w.told.c_str());
	STRCMP_EQUAL("23\n4\n", w.folder.read(file).c_str());
	w.told.clear();
	w.writer->append(file, "5", 0, false, w.done("a"));
	w.writer->replace(file, "6", 0, false, w.done("b"));
	w.run();
	STRCMP_EQUAL("ab", w.told.c_str());
	STRCMP_EQUAL("6", w.folder.read(file).c_str());
}

TEST(writer, errors_are_told_and_the_next_goes_on)
{
	w.writer->append(w.folder / "none/f", "x", 0, false, w.done("a"));
	w.writer->append("relative", "x", 0, false, w.done("b"));
	w.writer->append("/", "x", 0, false, w.done("c"));
	w.writer->append(file, "x", 0, false, w.done("d"));
	CHECK(w.told.empty());
	w.run();
	CHECK_EQUAL(std::string("!400!400!500d").size(), w.told.size());
	STRCMP_EQUAL("x\n", w.folder.read(file).c_str());
}

TEST(writer, what_waits_is_bounded_for_each_path)
{
	const std::string text(1024 * 1024 - 1, 'x');
	for (int i = 0; i < 20; ++i) w.writer->append(file, text, 0, false, w.done("a"));
	w.writer->append(w.folder / "other", "x", 0, false, w.done("o"));
	w.run();
	STRCMP_EQUAL("!507!507!507!507", w.told.substr(0, 16).c_str());
	CHECK_EQUAL(16U * 1024 * 1024, w.folder.read(file).size());
	STRCMP_EQUAL("x\n", w.folder.read(w.folder / "other").c_str());
}

TEST(writer, what_was_accepted_is_written_when_it_ends)
{
	for (int i = 0; i < 100; ++i) w.writer->append(file, std::to_string(i), 0, false, [](auto) { FAIL("told after the end"); });
	w.writer->replace(w.folder / "state", "last", 0, true, nullptr);
	w.writer.reset();
	CHECK_EQUAL(100, std::ranges::count(w.folder.read(file), '\n'));
	STRCMP_EQUAL("last", w.folder.read(w.folder / "state").c_str());
	w.limit.once(1ms);
	w.reactor.run();
}

TEST(writer, it_may_end_while_a_worker_writes_and_from_a_callback)
{
	for (int round = 0; round < 50; ++round) {
		w.writer = std::make_unique<core::files::Writer>(w.reactor, w.pool);
		w.writer->append(file, "a", 0, false, [&](auto) {
			for (int i = 0; i < 10; ++i) w.writer->append(file, "b", 0, false, nullptr);
			w.reactor.defer([&] { // the batch is with a worker, or will be
				w.writer->append(file, "c", 0, false, nullptr);
				w.writer.reset();
				w.reactor.stop();
			});
		});
		w.writer->append(w.folder / "other", "x", 0, true, nullptr);
		w.limit.once(10s);
		w.reactor.run();
	}
	CHECK_EQUAL(50 * 12, std::ranges::count(w.folder.read(file), '\n'));
	CHECK_EQUAL(50, std::ranges::count(w.folder.read(w.folder / "other"), '\n'));
}
