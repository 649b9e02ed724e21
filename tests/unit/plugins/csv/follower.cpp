// Following real files in a real folder: growth, half lines, rotation, truncation, rewriting, removal, restarts.
// After every case the table is what the files say.
#include <csv/apply.hpp>
#include <csv/follower.hpp>
#include <devices/text.hpp>

#include <CppUTest/TestHarness.h>

#include <fmt/format.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace csv;

namespace {
constexpr const char *head =
	"WigleWifi-1.6,appRelease=Kismet,model=Kismet\n"
	"MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n";
std::string row(int n, int dbm = -60)
{
	return fmt::format("00:00:00:00:{:02X}:{:02X},net-{},[ESS],2025-11-23 12:13:20,6,2437000,{},47.1,8.2,410,0,WIFI\n", n / 256, n % 256, n, dbm);
}
} // namespace

TEST_GROUP(Follower)
{
	std::filesystem::path folder;
	Inotify inotify;
	std::unique_ptr<csv::Follower> follower;
	std::unique_ptr<devices::Table> table;
	std::vector<Mark> marks;
	std::vector<FileReport> files;
	std::uint64_t known = 0, told = 0; // rows
	std::string reasons;

	void setup() override
	{
		std::string name = (std::filesystem::temp_directory_path() / "patchbay-follower-XXXXXX").string();
		CHECK(mkdtemp(name.data()));
		folder = name;
		start();
	}
	void teardown() override
	{
		follower.reset();
		std::filesystem::remove_all(folder);
	}
	/// As after a start of the daemon, with what was kept of the life before.
	void start()
	{
		table = std::make_unique<devices::Table>(10'000);
		follower =
			std::make_unique<csv::Follower>(std::vector<std::string>{folder.string()}, Patterns({"*.csv", "*.wiglecsv"}), inotify.fd(), std::move(marks));
		marks.clear();
		known = told = 0;
		reasons.clear();
	}
	void restart()
	{
		marks.clear();
		for (auto f = files.rbegin(); f != files.rend(); ++f) marks.push_back(*Mark::from(f->mark.json().get()));
		start();
	}
	void run(bool scan = true)
	{
		for (int i = 0; i < 1000; ++i) {
			const csv::Follower::Step s = follower->step(scan);
			apply(s.batch, *table, 0);
			(s.is_known ? known : told) += s.batch.sightings.size();
			for (const Reject &r : s.batch.rejects.last) reasons += std::string(r.reason) + ";";
			files = s.files;
			if (!s.has_more) return;
		}
		FAIL("it never came to the end");
	}
	void write(const char *name, std::string_view text, int flags = O_APPEND)
	{
		const Handle fd(::open((folder / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
		CHECK_EQUAL(static_cast<ssize_t>(text.size()), ::write(fd.get(), text.data(), text.size()));
	}
	/// Later than all before: file systems count time in ticks of some milliseconds.
	void touch(const char *name, int seconds)
	{
		const timespec times[2]{{1'900'000'000 + seconds, 0}, {1'900'000'000 + seconds, 0}};
		CHECK_EQUAL(0, ::utimensat(AT_FDCWD, (folder / name).c_str(), times, 0));
	}
	bool has(int n) { return table->find(*devices::parse_mac(row(n).substr(0, 17)), "") != nullptr; }
	std::int64_t packets(int n) { return table->find(*devices::parse_mac(row(n).substr(0, 17)), "")->device.packets; }
};

TEST(Follower, ReadsWhatGrowsAndHoldsHalfLinesBack)
{
	run();
	CHECK(files.empty());
	write("a.wiglecsv", head + row(1) + row(2).substr(0, 30));
	run();
	CHECK_EQUAL(1u, told);
	CHECK_EQUAL(std::string(head).size() + row(1).size(), files[0].offset);
	CHECK(files[0].is_at_end);
	write("a.wiglecsv", row(2).substr(30));
	run(false);
	CHECK_EQUAL(2u, told);
	for (const char c : row(3)) {
		write("a.wiglecsv", std::string(1, c));
		run(false);
	}
	CHECK_EQUAL(3u, told);
	CHECK_EQUAL(3u, files[0].rows);
	CHECK_EQUAL(files[0].size, files[0].offset);
	CHECK(has(1) && has(2) && has(3));
	STRCMP_EQUAL("", reasons.c_str());
}

TEST(Follower, TheHeaderMayComeInHalves)
{
	const std::string text = head + row(1);
	for (const char c : text) {
		write("a.csv", std::string(1, c));
		run();
	}
	CHECK_EQUAL(1u, told);
	STRCMP_EQUAL("", reasons.c_str());
}

TEST(Follower, RotationDrainsTheOldFileFirst)
{
	write("a.csv", head + row(1));
	touch("a.csv", 1);
	run();
	write("a.csv", row(2) + row(3).substr(0, 20));
	std::filesystem::rename(folder / "a.csv", folder / "a.csv.1");
	write("a.csv", head + row(4));
	touch("a.csv", 2);
	run();
	CHECK_EQUAL(3u, told);
	CHECK(has(1) && has(2) && has(4));
	STRCMP_EQUAL((folder / "a.csv").c_str(), files[0].path.c_str());
	write("a.csv.1", row(3).substr(20)); // a late write to the rotated file
	run(false);
	CHECK(has(3));
	CHECK_EQUAL(4u, told);
}

TEST(Follower, TheSameInodeAgainIsAnotherFile)
{
	write("a.csv", head + row(1) + row(2));
	run();
	std::filesystem::remove(folder / "a.csv");
	write("a.csv", head + row(3) + row(4) + row(5)); // ext4 gives the inode again
	touch("a.csv", 1);
	run();
	CHECK_EQUAL(5u, told);
	CHECK(has(3) && has(4) && has(5));
}

TEST(Follower, TruncationBeginsAnew)
{
	write("a.csv", head + row(1) + row(2) + row(3));
	run();
	write("a.csv", head + row(7), O_TRUNC);
	run(false);
	CHECK_EQUAL(4u, told);
	CHECK(has(7));
	CHECK_EQUAL(1u, files[0].rows);
}

TEST(Follower, ARewrittenFileThatIsNotShorterIsSeen)
{
	write("a.csv", head + row(1) + row(2));
	run();
	write("a.csv", head + row(3) + row(4), O_TRUNC); // the same size, another content
	touch("a.csv", 1);
	run(false);
	CHECK(has(3) && has(4));
	write("a.csv", head + row(5) + row(6) + row(7) + row(8), O_TRUNC); // longer
	touch("a.csv", 2);
	run(false);
	CHECK_EQUAL(8u, told);
	CHECK(has(5) && has(8));
	CHECK_EQUAL(4u, files[0].rows);
}

TEST(Follower, ARemovedFileIsReadToItsEndAndTheNextIsFollowed)
{
	write("a.csv", head + row(1));
	touch("a.csv", 2);
	write("b.csv", head + row(5));
	touch("b.csv", 1);
	run();
	CHECK(has(1) && !has(5));
	write("a.csv", row(2));
	std::filesystem::remove(folder / "a.csv");
	run();
	CHECK(has(2) && has(5));
}

TEST(Follower, TwoLogsThatGrowInTurnAreBothRead)
{
	write("a.csv", head);
	write("b.wiglecsv", head);
	for (int i = 0; i < 20; ++i) {
		const char *name = i % 2 == 0 ? "a.csv" : "b.wiglecsv";
		write(name, row(i));
		touch(name, i);
		run();
	}
	CHECK_EQUAL(20u, told);
	for (int i = 0; i < 20; ++i) CHECK_EQUAL(1, packets(i));
}

TEST(Follower, WhatIsNoLogIsLeftAlone)
{
	write("a.csv", head + row(1));
	touch("a.csv", 1);
	write("notes.csv", "some,other,file\n1,2,3\n");
	touch("notes.csv", 5);
	write("a.txt", head + row(9));
	touch("a.txt", 6);
	std::filesystem::create_directory(folder / "folder.csv");
	CHECK_EQUAL(0, ::mkfifo((folder / "pipe.csv").c_str(), 0600));
	std::filesystem::create_symlink("/dev/zero", folder / "zero.csv");
	run();
	CHECK_EQUAL(1u, files.size());
	CHECK(has(1) && !has(9));
	write("notes.csv", head + row(2), O_TRUNC); // now it is one
	touch("notes.csv", 7);
	run();
	CHECK(has(2));
}

TEST(Follower, AFolderThatComesLaterIsWatched)
{
	std::filesystem::remove_all(folder);
	run();
	const csv::Follower::Step s = follower->step(true);
	STRCMP_CONTAINS("No such file or directory", s.trouble.c_str());
	CHECK(s.are_folders_watched); // by the one above it
	std::filesystem::create_directory(folder);
	CHECK(inotify.read(Patterns({"*.csv"})).is_scan_due);
	write("a.csv", head + row(1));
	run();
	CHECK(has(1));
	CHECK(follower->step(true).trouble.empty());
	write("a.csv", row(2));
	const Inotify::Events e = inotify.read(Patterns({"*.csv"}));
	CHECK_EQUAL(1u, e.modified.size());
}

TEST(Follower, LinesWithoutAnEndCannotGrowIt)
{
	write("a.csv", head + row(1));
	write("a.csv", std::string(3'000'000, 'x'));
	run();
	STRCMP_EQUAL("line too long;", reasons.c_str());
	write("a.csv", std::string(300'000, 'y') + "\n" + row(2));
	run();
	CHECK_EQUAL(2u, told);
	CHECK(has(2));
	STRCMP_EQUAL("line too long;", reasons.c_str());
	write("a.csv", std::string(400'000, 'z') + "\n" + row(3)); // seen whole
	run();
	CHECK(has(3));
	STRCMP_EQUAL("line too long;line too long;", reasons.c_str());
	CHECK_EQUAL(2u, files[0].rejected.counts["line too long"]);
}

TEST(Follower, AfterARestartTheTableIsWholeAndNothingIsToldTwice)
{
	write("old.csv", head + row(1) + row(2));
	touch("old.csv", 1);
	run();
	write("new.csv", head + row(3));
	touch("new.csv", 2);
	run();
	write("old.csv", row(4)); // while nobody is there: to both
	write("new.csv", row(5) + row(6).substr(0, 10));
	touch("new.csv", 3);
	std::filesystem::rename(folder / "old.csv", folder / "old-1.csv");
	restart();
	run();
	CHECK_EQUAL(3u, known);
	CHECK_EQUAL(2u, told);
	for (int i = 1; i <= 5; ++i) CHECK_EQUAL(1, packets(i));
	CHECK_EQUAL(2u, files[0].rows);
	STRCMP_EQUAL((folder / "new.csv").c_str(), files[0].path.c_str());
}

TEST(Follower, AFileRewrittenWhileNobodyWasThereIsNew)
{
	write("a.csv", head + row(1) + row(2));
	run();
	write("a.csv", head + row(3) + row(4) + row(5), O_TRUNC);
	restart();
	run();
	CHECK_EQUAL(0u, known);
	CHECK_EQUAL(3u, told);
}

TEST(Follower, RandomWritesAndRestartsLoseNothingAndDoubleNothing)
{
	std::mt19937 dice(6);
	std::string text = head;
	for (int i = 0; i < 300; ++i) text += row(i % 97, -static_cast<int>(dice() % 60) - 30);
	std::size_t written = 0;
	std::uint64_t told_in_all = 0;
	while (written < text.size()) {
		const std::size_t n = std::min<std::size_t>(1 + dice() % 400, text.size() - written);
		write("a.csv", std::string_view(text).substr(written, n));
		written += n;
		run(dice() % 2 == 0);
		if (dice() % 10 != 0) continue;
		told_in_all += told;
		restart();
		run();
	}
	told_in_all += told;
	CHECK_EQUAL(300u, told_in_all);
	CHECK_EQUAL(97u, table->size());
	devices::Table expected(1000);
	LogReader reader;
	Batch batch;
	for (std::size_t at = 0; at < text.size();) {
		const std::size_t end = text.find('\n', at) + 1;
		reader.line(std::string_view(text).substr(at, end - at), at, batch);
		at = end;
	}
	apply(batch, expected, 0);
	for (const devices::Entry *e : expected.order()) {
		const devices::Entry *ours = table->find(*devices::parse_mac(e->device.mac), "");
		CHECK_TEXT(ours && ours->device == e->device, e->device.mac.c_str());
	}
}
