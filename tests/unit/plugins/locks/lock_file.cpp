// Lock files: where they may be made, what counts as stale, and that of many takers one wins.
#include <locks/lock_file.hpp>

#include <CppUTest/TestHarness.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

using namespace locks;
using namespace std::chrono_literals;

namespace {

std::int64_t now_ms()
{
	timespec t{};
	clock_gettime(CLOCK_REALTIME, &t);
	return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

void write_file(const std::string &path, const std::string &text, std::int64_t mtime = now_ms())
{
	std::ofstream(path, std::ios::binary) << text;
	const timeval t[2]{{mtime / 1000, mtime % 1000 * 1000}, {mtime / 1000, mtime % 1000 * 1000}};
	utimes(path.c_str(), t);
}
std::string read_file(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);
	std::stringstream s;
	s << in.rdbuf();
	return s.str();
}

} // namespace

TEST_GROUP(LockFile)
{
	std::string folder, root;
	void setup() override
	{
		char name[] = "/tmp/lockfile-XXXXXX";
		folder = mkdtemp(name);
		root = folder + "/root";
		mkdir(root.c_str(), 0700);
	}
	void teardown() override { LONGS_EQUAL(0, std::system(("rm -rf " + folder).c_str())); }

	Place place(const std::string &path)
	{
		auto p = find_place({root}, path);
		if (auto *f = std::get_if<Fault>(&p)) FAIL(f->text.c_str());
		return std::move(std::get<Place>(p));
	}
	int refused(const std::string &path)
	{
		auto p = find_place({root}, path);
		return std::holds_alternative<Fault>(p) ? std::get<Fault>(p).status : 0;
	}
	HeldFile taken(const std::string &path, Content content = Content::time)
	{
		auto t = take(place(path), content, 30s, now_ms());
		if (auto *f = std::get_if<Fault>(&t)) FAIL(f->text.c_str());
		if (auto *b = std::get_if<Busy>(&t)) FAIL(b->verdict.holder.c_str());
		return std::move(std::get<HeldFile>(t));
	}
	Verdict busy(const std::string &path)
	{
		auto t = take(place(path), Content::time, 30s, now_ms());
		CHECK_TEXT(std::holds_alternative<Busy>(t), "is not busy");
		return std::get<Busy>(t).verdict;
	}
};

TEST(LockFile, writes_the_time_as_javascript_does_and_goes_when_dropped)
{
	const std::string path = root + "/data.csv";
	HeldFile file = taken(path);
	const std::string text = read_file(path + ".lock");
	LONGS_EQUAL(13, text.size());
	CHECK(std::llabs(std::stoll(text) - now_ms()) < 60'000);
	CHECK(is_ours(file));
	busy(path);
	CHECK(drop(file));
	CHECK(access((path + ".lock").c_str(), F_OK) != 0);
	taken(path);
}

TEST(LockFile, is_made_in_the_roots_only)
{
	mkdir((root + "/in").c_str(), 0700);
	mkdir((folder + "/out").c_str(), 0700);
	LONGS_EQUAL(0, symlink((folder + "/out").c_str(), (root + "/link").c_str()));
	LONGS_EQUAL(0, symlink((root + "/in").c_str(), (folder + "/way-in").c_str()));
	LONGS_EQUAL(0, refused(root + "/x"));
	LONGS_EQUAL(0, refused(root + "/in/x"));
	LONGS_EQUAL(0, refused(folder + "/way-in/x")); // it is what it leads to that counts
	STRCMP_EQUAL((root + "/in/x").c_str(), place(folder + "/way-in/x").path.c_str());
	LONGS_EQUAL(403, refused(root + "/link/x"));
	LONGS_EQUAL(403, refused(root + "/../out/x"));
	LONGS_EQUAL(403, refused(root + "/in/../../out/x"));
	LONGS_EQUAL(403, refused(folder + "/rootless/x"));
	LONGS_EQUAL(403, refused("/etc/passwd"));
	LONGS_EQUAL(403, refused(root)); // its lock would lie beside the root
	LONGS_EQUAL(404, refused(root + "/missing/x"));
	LONGS_EQUAL(403, refused(root + "/missing/../../out/x"));
	for (const char *bad : {"", "x", "/", "relative/x"}) LONGS_EQUAL(400, refused(bad));
	LONGS_EQUAL(400, refused(root + "/.."));
	LONGS_EQUAL(400, refused(root + "/" + std::string(252, 'x')));
	LONGS_EQUAL(400, refused(root + "/a" + std::string(1, '\0') + "b"));
}

TEST(LockFile, never_follows_a_link_and_never_touches_data)
{
	const std::string victim = folder + "/victim";
	const std::int64_t old = now_ms() - 3'600'000;
	write_file(victim, "1000000000001", old);
	LONGS_EQUAL(0, symlink(victim.c_str(), (root + "/a.lock").c_str()));
	busy(root + "/a");
	write_file(root + "/yarn.lock", "# yarn lockfile v1\nlodash@^4: 4.17.21\n", old);
	busy(root + "/yarn");
	write_file(root + "/word.lock", "held by bob", old);
	busy(root + "/word");
	mkdir((root + "/d.lock").c_str(), 0700);
	busy(root + "/d");
	LONGS_EQUAL(0, mkfifo((root + "/f.lock").c_str(), 0600));
	busy(root + "/f");
	LONGS_EQUAL(0, link(victim.c_str(), (root + "/hard.lock").c_str()));
	HeldFile file = taken(root + "/hard"); // stale; taken by replacing the name
	STRCMP_EQUAL("1000000000001", read_file(victim).c_str());
	STRCMP_EQUAL(file.id.c_str(), read_file(root + "/hard.lock").c_str());
}

TEST(LockFile, a_stale_file_is_taken_over_and_a_young_one_is_not)
{
	const std::int64_t now = now_ms();
	write_file(root + "/young.lock", std::to_string(now - 20'000), now - 20'000);
	busy(root + "/young");
	write_file(root + "/touched.lock", std::to_string(now - 100'000), now - 20'000);
	busy(root + "/touched");
	write_file(root + "/old.lock", std::to_string(now - 31'000), now - 31'000);
	HeldFile file = taken(root + "/old");
	CHECK(file.was_stale);
	STRCMP_EQUAL(file.id.c_str(), read_file(root + "/old.lock").c_str());
	CHECK(drop(file));
}

TEST(LockFile, a_living_pid_keeps_its_file_however_old)
{
	const std::int64_t now = now_ms(), old = now - 3'600'000;
	const pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(!judge(std::to_string(child) + "\n", now, now, 30s).is_stale);

	kill(child, SIGKILL);
	waitpid(child, nullptr, 0);
	CHECK(!judge(std::to_string(child), now - 20'000, now, 30s).is_stale); // gone, but young
	CHECK(judge(std::to_string(child), now - 31'000, now, 30s).is_stale);
	// A number that another process has got since: this one began after the file was written.
	CHECK(judge(std::to_string(getpid()), old, now, 30s).is_stale);
}

TEST(LockFile, a_file_that_says_nothing_is_stale_after_five_minutes)
{
	const std::int64_t now = now_ms();
	for (const char *text : {"", "0\n"}) {
		CHECK(!judge(text, now - 100'000, now, 30s).is_stale);
		CHECK(judge(text, now - 301'000, now, 30s).is_stale);
		CHECK(!judge(text, now - 301'000, now, 10min).is_stale);
	}
	CHECK(!judge("9999999999999", now - 10'000, now, 30s).is_stale); // a time to come says nothing
	CHECK(judge("9999999999999", now - 31'000, now, 30s).is_stale);
	CHECK(!judge("-5", 0, now, 30s).is_stale);
	CHECK(!judge("1700000000000x", 0, now, 30s).is_stale);
}

TEST(LockFile, a_holder_of_ours_that_lives_is_never_stale)
{
	HeldFile file = taken(root + "/a");
	write_file(root + "/a.lock", file.id = std::to_string(now_ms() - 100'000), now_ms() - 100'000); // as after a long stall
	STRCMP_CONTAINS("living", busy(root + "/a").holder.c_str());
	const std::string id = std::to_string(now_ms());
	CHECK(refresh(file, id));
	STRCMP_EQUAL(id.c_str(), read_file(root + "/a.lock").c_str());
}

TEST(LockFile, what_another_program_removed_or_replaced_is_not_ours)
{
	HeldFile file = taken(root + "/a");
	unlink((root + "/a.lock").c_str());
	CHECK(!is_ours(file));
	CHECK(!refresh(file, "1"));
	write_file(root + "/a.lock", file.id);
	CHECK(!drop(file));
	STRCMP_EQUAL(file.id.c_str(), read_file(root + "/a.lock").c_str());
}

TEST(LockFile, is_taken_up_again_after_a_restart_only_where_it_is_the_same)
{
	std::uint64_t inode = 0;
	std::string id;
	{
		HeldFile file = taken(root + "/a");
		inode = file.inode();
		id = file.id;
		CHECK(!adopt(place(root + "/a"), inode, {id})); // somebody has it
	}                                                   // closed as by kill -9
	CHECK(!adopt(place(root + "/a"), inode + 1, {id}));
	CHECK(!adopt(place(root + "/a"), inode, {"1", "2"}));
	auto again = adopt(place(root + "/a"), inode, {"1", id});
	CHECK(again.has_value());
	CHECK(drop(*again));
	CHECK(!adopt(place(root + "/a"), inode, {id}));
}

TEST(LockFile, of_many_takers_of_a_stale_file_one_wins)
{
	const int rounds = std::getenv("PATCHBAY_LOCK_RACES") ? std::atoi(std::getenv("PATCHBAY_LOCK_RACES")) : 60;
	const std::string path = root + "/a", start = folder + "/start";
	for (int round = 0; round < rounds; ++round) {
		if (round % 3 != 0) write_file(path + ".lock", std::to_string(now_ms() - 40'000), now_ms() - 40'000);
		else unlink((path + ".lock").c_str());
		if (round % 3 == 2) LONGS_EQUAL(0, link((path + ".lock").c_str(), (path + ".second" + std::to_string(round)).c_str())); // by rename
		const Fd gate(open(start.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
		flock(gate.get(), LOCK_EX);
		pid_t takers[6];
		for (pid_t &t : takers) {
			if ((t = fork()) != 0) continue;
			const int mine = open(start.c_str(), O_RDWR | O_CLOEXEC);
			flock(mine, LOCK_SH);
			auto p = find_place({root}, path);
			auto got = take(std::move(std::get<Place>(p)), Content::time, 30s, now_ms());
			flock(mine, LOCK_UN);
			const bool is_held = std::holds_alternative<HeldFile>(got);
			if (is_held) usleep(20'000); // still there when the others look
			_exit(is_held ? 1 : 0);
		}
		flock(gate.get(), LOCK_UN);
		int winners = 0;
		for (const pid_t t : takers) {
			int status = 0;
			waitpid(t, &status, 0);
			winners += WEXITSTATUS(status);
		}
		LONGS_EQUAL(1, winners);
	}
}
