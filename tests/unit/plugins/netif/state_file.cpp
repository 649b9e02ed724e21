// The files: records, the state file beside other programs, and reading what others may have put there.
#include "netif/state_file.hpp"
#include "netif/files.hpp"
#include "netif/record.hpp"

#include <CppUTest/TestHarness.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

using namespace netif;

TEST_GROUP(netif_files)
{
	std::string folder, path;
	void setup() override
	{
		char name[] = "/tmp/patchbay-netif-XXXXXX";
		folder = ::mkdtemp(name);
		path = folder + "/wlan2.state";
	}
	void teardown() override
	{
		for (const std::string &n : names_in(folder, "", 1000)) ::unlink((folder + "/" + n).c_str());
		::rmdir(folder.c_str());
	}
	void put(const char *text) { LONGS_EQUAL(0, write_file(path, text, 0644, Put::replace)); }
};

TEST(netif_files, the_pattern_takes_the_name)
{
	STRCMP_EQUAL("/tmp/wlan2.state", state_path("/tmp/{interface}.state", "wlan2").c_str());
	STRCMP_EQUAL("/tmp/x", state_path("/tmp/x", "wlan2").c_str());
	STRCMP_EQUAL("", state_path("", "wlan2").c_str());
}

TEST(netif_files, claimed_as_older_tools_read_it_and_removed_only_while_ours)
{
	CHECK(claim_state_file(path, "kismet", "monitor", 1700000000000, 0).is == Claim::taken);
	STRCMP_EQUAL(R"({"owner":"kismet","mode":"monitor","timestamp":1700000000000})", read_file(path, 1000)->c_str());
	remove_state_file(path, "kismet", 5);
	CHECK(read_file(path, 1000).has_value());
	remove_state_file(path, "kismet", 1700000000000);
	CHECK(!read_file(path, 1000).has_value());
}

TEST(netif_files, foreign_ones_are_respected_and_ownerless_ones_are_not)
{
	put(R"({"owner":"spectrum","mode":"monitor","timestamp":1})");
	const Claim claim = claim_state_file(path, "kismet", "monitor", 2, 0);
	CHECK(claim.is == Claim::foreign);
	STRCMP_EQUAL("spectrum", claim.owner.c_str());
	put("what is this?");
	CHECK(claim_state_file(path, "kismet", "monitor", 2, 0).is == Claim::foreign);
	put(R"({"owner":null,"mode":"managed"})");
	CHECK(claim_state_file(path, "kismet", "monitor", 2, 0).is == Claim::taken);
	CHECK(claim_state_file(path, "kismet", "managed", 3, 0).is == Claim::taken);
}

TEST(netif_files, no_link_and_no_pipe_is_followed)
{
	LONGS_EQUAL(0, ::symlink("/etc/passwd", path.c_str()));
	CHECK(claim_state_file(path, "kismet", "monitor", 1, 0).is == Claim::foreign);
	::unlink(path.c_str());
	LONGS_EQUAL(0, ::mkfifo(path.c_str(), 0600));
	CHECK(!read_file(path, 1000).has_value()); // and does not wait for a writer
	CHECK(claim_state_file(path, "kismet", "monitor", 1, 0).is == Claim::foreign);
}

TEST(netif_files, of_many_that_claim_at_once_one_wins)
{
	for (int round = 0; round < 20; ++round) {
		std::vector<pid_t> children;
		for (int i = 0; i < 8; ++i) {
			const pid_t child = ::fork();
			if (child == 0) ::_exit(claim_state_file(path, "owner" + std::to_string(i), "monitor", 1, 0).is == Claim::taken ? 0 : 1);
			children.push_back(child);
		}
		int winners = 0;
		for (const pid_t child : children) {
			int status = 0;
			::waitpid(child, &status, 0);
			winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		}
		LONGS_EQUAL(1, winners);
		LONGS_EQUAL(1, names_in(folder, "", 100).size()); // nothing else is left there
		::unlink(path.c_str());
	}
}

TEST(netif_files, a_folder_that_is_not_there_is_a_plain_failure)
{
	const Claim claim = claim_state_file(folder + "/none/x", "kismet", "monitor", 1, 0);
	CHECK(claim.is == Claim::failed);
	STRCMP_CONTAINS("No such file or directory", claim.why.c_str());
}

TEST(netif_files, a_record_comes_back_whole)
{
	Record r;
	r.boot_id = "b";
	r.identity = "02:00:00:00:00:00";
	r.index = 4;
	r.wiphy = 2;
	r.name = "wlan2";
	r.type = 2;
	r.was_up = true;
	r.was_managed = true;
	r.kept = {std::string("\x01\x00\xff", 3)};
	r.owner = "kismet \xff";
	r.wanted_type = 6;
	r.since_ms = 1700000000000;
	r.pid = 12;
	r.pid_start = 99;
	r.step = "held";
	const Records records(folder);
	STRCMP_EQUAL("", records.write(r).c_str());
	const auto all = records.read_all();
	LONGS_EQUAL(1, all.size());
	CHECK(all[0].kept == r.kept);
	CHECK(all[0].was_managed == true && all[0].was_up && all[0].wiphy == 2U);
	LONGS_EQUAL(99, all[0].pid_start);
	STRCMP_EQUAL("held", all[0].step.c_str());
	records.remove(4);
	LONGS_EQUAL(0, records.read_all().size());
}

TEST(netif_files, broken_records_are_dropped)
{
	path = folder + "/7.json";
	for (const char *text :
		{"", "{", "[]", "{}", R"({"ifindex":8,"owner":"x","boot_id":"b"})", R"({"ifindex":-7,"owner":"x","boot_id":"b"})", R"({"ifindex":"7"})"}) {
		put(text);
		LONGS_EQUAL_TEXT(0, Records(folder).read_all().size(), text);
		CHECK(!read_file(path, 100).has_value());
	}
}

TEST(netif_files, what_a_crash_left_half_written_is_cleared)
{
	LONGS_EQUAL(0, write_file(folder + "/4.json.99.1.tmp", "{", 0600, Put::create));
	LONGS_EQUAL(0, Records(folder).read_all().size());
	LONGS_EQUAL(0, names_in(folder, "", 10).size());
}

TEST(netif_files, when_a_process_started)
{
	CHECK(start_of(::getpid()) > 0);
	LONGS_EQUAL(0, start_of(4194303));
	const pid_t child = ::fork();
	if (child == 0) ::_exit(0);
	siginfo_t info{};
	::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
	LONGS_EQUAL(0, start_of(child)); // a zombie is gone
	::waitpid(child, nullptr, 0);
}
