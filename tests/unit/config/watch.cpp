#include "config/watch.hpp"

#include "temp_folder.hpp"

#include <CppUTest/TestHarness.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

using namespace std::chrono_literals;

namespace {
/// A loop, a file and its watch.
struct Watched {
	test::TempFolder folder;
	core::Reactor reactor;
	core::Timer limit{reactor, pb::bind<&Watched::stop>(this)};
	core::config::Watch watch{reactor, pb::bind<&Watched::on_change>(this), 20ms};
	std::string file = folder.write("etc/p.toml", "");
	int changes = 0;

	void stop() noexcept { reactor.stop(); }
	void on_change() noexcept
	{
		++changes;
		reactor.stop();
	}
	/// Whether the change is told of, after `act`.
	bool told(const std::function<void()> &act, std::chrono::milliseconds wait = 5s)
	{
		changes = 0;
		act();
		limit.once(wait);
		reactor.run();
		return changes > 0;
	}
};
} // namespace

TEST_GROUP(config_watch)
{
	Watched w;
	const test::TempFolder &folder = w.folder;
	const std::string &file = w.file;
	bool told(const std::function<void()> &act, std::chrono::milliseconds wait = 5s) { return w.told(act, wait); }
};

TEST(config_watch, a_file_that_is_written_or_replaced)
{
	STRCMP_EQUAL("", w.watch.set({file}).c_str());
	CHECK(told([&] { folder.write("etc/p.toml", "a = 1"); }));
	CHECK(told([&] {
		folder.write("etc/p.toml.new", "a = 2");
		rename((folder / "etc/p.toml.new").c_str(), file.c_str());
	}));
	CHECK(told([&] { chmod(file.c_str(), 0640); }));
	CHECK(told([&] { unlink(file.c_str()); }));
	CHECK(told([&] { folder.write("etc/p.toml", ""); }));
}

TEST(config_watch, many_changes_are_told_of_once)
{
	w.watch.set({file});
	CHECK(told([&] {
		for (int i = 0; i < 100; ++i) folder.write("etc/p.toml", std::to_string(i));
	}));
	CHECK(!told([] {}, 100ms));
}

TEST(config_watch, other_files_beside_it_do_not_count)
{
	w.watch.set({file});
	CHECK(!told(
		[&] {
			folder.write("etc/other.toml", "");
			folder.write("etc/.p.toml.swp", "");
			folder.write("etc/p.toml~", "");
		},
		100ms));
}

TEST(config_watch, a_file_half_written_does_not_count_until_it_is_closed)
{
	unlink(file.c_str());
	w.watch.set({file});
	int fd = -1;
	CHECK(!told(
		[&] {
			fd = open(file.c_str(), O_CREAT | O_WRONLY, 0644);
			CHECK_EQUAL(1, write(fd, "a", 1));
		},
		100ms));
	CHECK(told([&] { close(fd); }));
}

TEST(config_watch, conf_d_counts_also_where_it_comes_later)
{
	w.watch.set({file});
	CHECK(told([&] { mkdir((folder / "etc/conf.d").c_str(), 0755); }));
	CHECK(told([&] { folder.write("etc/conf.d/a.toml", ""); }));
	CHECK(!told([&] { folder.write("etc/conf.d/a.toml.bak", ""); }, 100ms));
	CHECK(told([&] { unlink((folder / "etc/conf.d/a.toml").c_str()); }));
}

TEST(config_watch, what_a_symlink_leads_to)
{
	const std::string real = folder.write("elsewhere/real.toml", "");
	unlink(file.c_str());
	CHECK_EQUAL(0, symlink(real.c_str(), file.c_str()));
	w.watch.set({file});
	CHECK(told([&] { folder.write("elsewhere/real.toml", "a = 1"); }));
	folder.write("third/real.toml", "");
	CHECK(told([&] {
		unlink(file.c_str());
		CHECK_EQUAL(0, symlink((folder / "third/real.toml").c_str(), file.c_str()));
	}));
	CHECK(told([&] { folder.write("third/real.toml", "a = 2"); }));
}

TEST(config_watch, a_folder_that_is_not_there_is_told_of)
{
	CHECK(!w.watch.set({folder / "none/p.toml"}).empty());
	STRCMP_EQUAL("", w.watch.set({}).c_str());
}

TEST(config_watch, a_folder_replaced_as_a_whole)
{
	w.watch.set({file});
	CHECK(told([&] { rename((folder / "etc").c_str(), (folder / "old").c_str()); }));
	folder.write("etc/p.toml", "a = 1");
	CHECK(told([] {})); // it is looked for every now and then
	CHECK(told([&] { folder.write("etc/p.toml", "a = 2"); }));
}
