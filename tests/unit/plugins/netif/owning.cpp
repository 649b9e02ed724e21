// Ownership over a toy kernel: every way of taking, losing and giving back an interface, and a crash at every step.
#include "toy_kernel.hpp"

#include "toy_host.hpp"

#include "netif/files.hpp"
#include "netif/owners.hpp"

#include <CppUTest/TestHarness.h>

#include <cstdlib>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace netif;

namespace {
constexpr int wlan2 = 90001; // no interface of the machine that runs the test

/// The daemon above the kernel: dies and comes again, the kernel and the files stay.
struct Daemon final : Audience {
	Daemon(ToyKernel &kernel_, const std::string &folder, const std::string &boot = "boot")
		: kernel(kernel_), records(folder + "/records"), scope(&host.table, host.raw()), worker(scope),
		  scanner(scope), around{scope, worker, scanner, kernel, manager, links, records, *this, wiphys, boot, "DE", folder + "/{interface}.state"},
		  owners(around, {"wlan2"})
	{
		wiphys[7].index = 7;
		wiphys[7].types = 1U << NL80211_IFTYPE_STATION | 1U << NL80211_IFTYPE_MONITOR;
		wiphys[7].frequencies = {{2412, true}, {2437, true}, {2484, false}};
		plug();
		owners.recover();
	}
	void plug()
	{
		for (const auto &[index, d] : kernel.devices) {
			LinkNews news;
			news.index = index;
			news.name = d.name;
			news.mac = "02:00:00:00:02:00";
			news.flags = d.is_up ? unsigned{IFF_UP} : 0U;
			links.apply(news);
			Radio radio;
			radio.index = index;
			radio.wiphy = d.wiphy;
			radio.type = d.type;
			links.apply(radio);
		}
	}
	void unplug(int index)
	{
		kernel.devices.erase(index);
		LinkNews news;
		news.index = index;
		news.is_gone = true;
		links.apply(news);
		owners.on_news(index, true);
	}

	pb_call &acquire(const std::string &owner, std::optional<std::string> mode = "monitor", std::optional<std::int64_t> channel = {},
		std::optional<std::int64_t> ttl = {}, std::optional<std::int64_t> pid = {})
	{
		pb_call &call = calls.emplace_back();
		pb::Reply reply(&host.table, &call);
		pb::detail::guarded(
			[&] {
				owners.acquire({"wlan2", owner, std::move(mode), channel, ttl, pid}, std::move(reply));
			},
			[&](const pb_error &e) { reply.fail(e); });
		return call;
	}
	pb_call &release(const std::string &owner)
	{
		pb_call &call = calls.emplace_back();
		pb::Reply reply(&host.table, &call);
		pb::detail::guarded([&] { owners.release({"wlan2", owner}, std::move(reply)); }, [&](const pb_error &e) { reply.fail(e); });
		return call;
	}
	std::string owner() { return std::string(pb::text_at(owners.describe(wlan2).get(), "owner")); }

	void on_owner_changed(int) noexcept override { owners.on_changed(); }
	void on_incident(pb::Json what) noexcept override { incidents.emplace_back(pb::text_at(what.get(), "class")); }
	pb::Json entry(int index) override { return {{"owner", owners.describe(index)}}; }

	ToyKernel &kernel;
	std::deque<pb_call> calls;
	std::vector<std::string> incidents;
	std::map<std::uint32_t, Wiphy> wiphys;
	NoManager manager;
	Links links;
	Records records;
	ToyHost host;
	pb::Scope scope;
	Worker worker, scanner;
	Surroundings around;
	Owners owners;
};
} // namespace

TEST_GROUP(owning)
{
	std::string folder;
	ToyKernel kernel;
	std::unique_ptr<Daemon> daemon;

	void setup() override
	{
		char path[] = "/tmp/patchbay-netif-XXXXXX";
		folder = ::mkdtemp(path);
		kernel.devices[wlan2] = {7, NL80211_IFTYPE_STATION, 0, true, "wlan2"};
		start();
	}
	void teardown() override
	{
		daemon.reset();
		for (const std::string &name : names_in(folder + "/records", "", 100)) ::unlink((folder + "/records/" + name).c_str());
		::rmdir((folder + "/records").c_str());
		::unlink(state().c_str());
		::rmdir(folder.c_str());
	}
	void start(const std::string &boot = "boot")
	{
		daemon.reset();
		daemon = std::make_unique<Daemon>(kernel, folder, boot);
		daemon->host.settle();
	}
	std::string state() const { return folder + "/wlan2.state"; }
	bool has_record() const { return ::access((folder + "/records/90001.json").c_str(), F_OK) == 0; }
	bool has_state() const { return ::access(state().c_str(), F_OK) == 0; }
	void is_as_it_was()
	{
		LONGS_EQUAL(NL80211_IFTYPE_STATION, kernel.devices[wlan2].type);
		CHECK(kernel.devices[wlan2].is_up);
		CHECK(!has_record());
		CHECK(!has_state());
		STRCMP_EQUAL("", daemon->owner().c_str());
	}
};

TEST(owning, takes_and_gives_back)
{
	kernel.on_change = [this](const std::string &) { CHECK(has_record()); }; // ahead of every change
	pb_call &call = daemon->acquire("kismet", "monitor", 6);
	daemon->host.settle();
	LONGS_EQUAL(200, call.status);
	CHECK(call.has_ended);
	LONGS_EQUAL(NL80211_IFTYPE_MONITOR, kernel.devices[wlan2].type);
	LONGS_EQUAL(2437, kernel.devices[wlan2].mhz);
	CHECK(kernel.devices[wlan2].is_up);
	CHECK(has_state());
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	const pb_call &released = daemon->release("kismet");
	daemon->host.settle();
	LONGS_EQUAL(200, released.status);
	is_as_it_was();
}

TEST(owning, one_owner_at_a_time)
{
	daemon->acquire("kismet");
	const pb_call &during = daemon->acquire("other");
	LONGS_EQUAL(409, during.status);
	daemon->host.settle();
	const pb_call &after = daemon->acquire("other");
	LONGS_EQUAL(409, after.status);
	STRCMP_EQUAL("INTERFACE_OWNED", after.code.c_str());
	STRCMP_CONTAINS("owned by kismet since", after.text.c_str());
	const pb_call &thief = daemon->release("other");
	STRCMP_EQUAL("NOT_OWNER", thief.code.c_str());
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
}

TEST(owning, the_next_owner_waits_while_it_is_given_back)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	daemon->release("kismet");
	const pb_call &next = daemon->acquire("other");
	CHECK(!next.has_ended);
	daemon->host.settle();
	LONGS_EQUAL(200, next.status);
	STRCMP_EQUAL("other", daemon->owner().c_str());
}

TEST(owning, without_a_mode_the_radio_is_left_alone)
{
	const pb_call &call = daemon->acquire("script", std::nullopt);
	daemon->host.settle();
	LONGS_EQUAL(200, call.status);
	LONGS_EQUAL(0, kernel.log.size());
	daemon->release("script");
	daemon->host.settle();
	LONGS_EQUAL(0, kernel.log.size());
	is_as_it_was();
}

TEST(owning, raised_by_somebody_between_down_and_type_is_taken_down_once_more)
{
	kernel.failures["type"] = {-EBUSY};
	const pb_call &call = daemon->acquire("kismet");
	daemon->host.settle();
	LONGS_EQUAL(200, call.status);
	LONGS_EQUAL(5, kernel.log.size()); // down type down type up
}

TEST(owning, every_step_that_fails_is_undone_and_told)
{
	struct Case {
		const char *step;
		int error;
		int status;
		const char *code;
	};
	for (const Case &c : {Case{"down", -EPERM, 403, "PERMISSION_DENIED"}, Case{"type", -EOPNOTSUPP, 422, "MODE_UNSUPPORTED"},
			 Case{"up", -ERFKILL, 409, "RADIO_OFF"}, Case{"frequency", -EINVAL, 422, "CHANNEL_UNSUPPORTED"}, Case{"frequency", -EBUSY, 409, "INTERFACE_BUSY"},
			 Case{"type", -EIO, 500, "INTERFACE_FAILED"}}) {
		kernel.failures[c.step] = {c.error};
		const pb_call &call = daemon->acquire("kismet", "monitor", 1);
		daemon->host.settle();
		LONGS_EQUAL_TEXT(c.status, call.status, c.step);
		STRCMP_EQUAL(c.code, call.code.c_str());
		is_as_it_was();
	}
}

TEST(owning, what_cannot_be_is_refused_at_once)
{
	STRCMP_EQUAL("CHANNEL_UNSUPPORTED", daemon->acquire("kismet", "monitor", 14).code.c_str());
	STRCMP_EQUAL("CHANNEL_UNSUPPORTED", daemon->acquire("kismet", "monitor", 200).code.c_str());
	daemon->host.settle();
	STRCMP_EQUAL("PROCESS_NOT_FOUND", daemon->acquire("kismet", "monitor", {}, {}, 4194303).code.c_str());
	daemon->wiphys[7].types = 1U << NL80211_IFTYPE_STATION;
	STRCMP_EQUAL("MODE_UNSUPPORTED", daemon->acquire("kismet").code.c_str());
	LONGS_EQUAL(0, kernel.log.size());
}

TEST(owning, unplugged_in_the_middle)
{
	kernel.on_change = [this](const std::string &step) {
		if (step == "type") daemon->unplug(wlan2);
	};
	const pb_call &call = daemon->acquire("kismet");
	daemon->host.settle();
	STRCMP_EQUAL("INTERFACE_LOST", call.code.c_str());
	CHECK(!has_record());
	CHECK(!has_state());
}

TEST(owning, unplugged_while_held_is_an_incident)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	daemon->unplug(wlan2);
	daemon->host.settle();
	LONGS_EQUAL(1, daemon->incidents.size());
	STRCMP_EQUAL("INTERFACE_LOST", daemon->incidents[0].c_str());
	CHECK(!has_record());
	CHECK(!has_state());
}

TEST(owning, a_rival_is_put_right_once_and_never_fought)
{
	daemon->acquire("kismet");
	daemon->host.pass(1000);
	for (int i = 0; i < 2; ++i) {
		kernel.devices[wlan2].is_up = false;
		kernel.devices[wlan2].type = NL80211_IFTYPE_STATION;
		daemon->owners.on_news(wlan2, false);
		daemon->host.pass(3000);
		if (i == 0) LONGS_EQUAL(NL80211_IFTYPE_MONITOR, kernel.devices[wlan2].type);
	}
	LONGS_EQUAL(2, daemon->incidents.size());
	STRCMP_EQUAL("INTERFACE_CHANGED", daemon->incidents[0].c_str());
	STRCMP_EQUAL("INTERFACE_LOST", daemon->incidents[1].c_str());
	LONGS_EQUAL(NL80211_IFTYPE_STATION, kernel.devices[wlan2].type);
	CHECK(!kernel.devices[wlan2].is_up); // as the rival left it
	CHECK(!has_record());
	STRCMP_EQUAL("", daemon->owner().c_str());
}

TEST(owning, down_for_a_moment_is_no_rival)
{
	daemon->acquire("kismet");
	daemon->host.pass(1000);
	kernel.devices[wlan2].is_up = false;
	daemon->owners.on_news(wlan2, false);
	daemon->host.settle();
	kernel.devices[wlan2].is_up = true;
	daemon->host.pass(5000);
	LONGS_EQUAL(0, daemon->incidents.size());
}

TEST(owning, a_lease_that_ends_gives_back_and_one_that_is_renewed_does_not)
{
	daemon->acquire("kismet", "monitor", {}, 1000);
	daemon->host.pass(600);
	const pb_call &renewed = daemon->acquire("kismet", "monitor", {}, 1000);
	daemon->host.pass(800);
	LONGS_EQUAL(200, renewed.status);
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	LONGS_EQUAL(3, kernel.log.size()); // a renewal changes nothing
	daemon->host.pass(3000);
	is_as_it_was();
	STRCMP_EQUAL("LEASE_EXPIRED", daemon->incidents.at(0).c_str());
}

TEST(owning, the_same_owner_changes_mode_and_channel_and_a_bad_channel_costs_nothing)
{
	daemon->acquire("kismet", std::nullopt);
	daemon->host.settle();
	LONGS_EQUAL(200, daemon->acquire("kismet", "monitor", 1).status);
	daemon->host.settle();
	LONGS_EQUAL(2412, kernel.devices[wlan2].mhz);
	kernel.failures["frequency"] = {-EINVAL};
	const pb_call &bad = daemon->acquire("kismet", "monitor", 6);
	daemon->host.settle();
	STRCMP_EQUAL("CHANNEL_UNSUPPORTED", bad.code.c_str());
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	const pb_call &good = daemon->acquire("kismet", "monitor", 6);
	daemon->host.settle();
	LONGS_EQUAL(200, good.status);
	LONGS_EQUAL(2437, kernel.devices[wlan2].mhz);
	daemon->release("kismet");
	daemon->host.settle();
	is_as_it_was();
}

TEST(owning, a_caller_that_leaves_leaves_nothing_behind)
{
	pb_call &call = daemon->acquire("kismet");
	daemon->host.turn();
	daemon->host.turn();
	call.has_ended = false;
	call.on_cancel(call.cancel_self);
	daemon->host.settle();
	is_as_it_was();
}

TEST(owning, released_while_it_is_being_acquired)
{
	const pb_call &call = daemon->acquire("kismet");
	daemon->host.turn();
	const pb_call &released = daemon->release("kismet");
	daemon->host.settle();
	STRCMP_EQUAL("INTERFACE_RELEASED", call.code.c_str());
	LONGS_EQUAL(200, released.status);
	is_as_it_was();
}

TEST(owning, an_undo_that_fails_is_tried_again_and_told)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	kernel.failures["type"] = {-EIO, -EIO};
	const pb_call &released = daemon->release("kismet");
	daemon->host.settle();
	LONGS_EQUAL(500, released.status);
	STRCMP_CONTAINS("wlan2 is still in monitor mode", released.text.c_str());
	CHECK(has_record());
	daemon->host.pass(8000); // after 1 s and after 5 s
	is_as_it_was();
}

TEST(owning, a_foreign_state_file_is_respected)
{
	LONGS_EQUAL(0, write_file(state(), R"({"owner":"spectrum","mode":"monitor","timestamp":1})", 0644, Put::create));
	const pb_call &call = daemon->acquire("kismet");
	daemon->host.settle();
	LONGS_EQUAL(409, call.status);
	STRCMP_EQUAL("INTERFACE_OWNED", call.code.c_str());
	STRCMP_CONTAINS("spectrum", call.text.c_str());
	LONGS_EQUAL(0, kernel.log.size());
	CHECK(has_state());
	CHECK(!has_record());
	STRCMP_CONTAINS("spectrum", read_file(state(), 1000)->c_str());
}

TEST(owning, no_change_without_a_record)
{
	LONGS_EQUAL(0, write_file(folder + "/records", "not a folder", 0644, Put::create));
	const pb_call &call = daemon->acquire("kismet");
	daemon->host.settle();
	STRCMP_EQUAL("RECORD_FAILED", call.code.c_str());
	LONGS_EQUAL(0, kernel.log.size());
	::unlink((folder + "/records").c_str());
}

TEST(owning, a_crash_at_any_step_is_undone_by_the_next_daemon)
{
	std::set<std::string> seen;
	for (int steps = 0; steps < 24; ++steps) {
		daemon->acquire("kismet", "monitor", 6);
		for (int i = 0; i < steps; ++i) daemon->host.turn();
		if (steps >= 14) {
			daemon->release("kismet");
			for (int i = 14; i < steps; ++i) daemon->host.turn();
		}
		if (const auto text = read_file(folder + "/records/90001.json", 100000)) seen.insert(Record::parse(*text)->step);
		start();
		is_as_it_was();
	}
	CHECK(seen.contains("down"));
	CHECK(seen.contains("type"));
	CHECK(seen.contains("up"));
	CHECK(seen.contains("frequency"));
	CHECK(seen.contains("held"));
}

TEST(owning, a_holder_that_lives_keeps_it_over_a_crash)
{
	daemon->acquire("kismet", "monitor", {}, {}, ::getpid());
	daemon->host.settle();
	start();
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	LONGS_EQUAL(NL80211_IFTYPE_MONITOR, kernel.devices[wlan2].type);
	daemon->release("kismet");
	daemon->host.settle();
	is_as_it_was();
}

TEST(owning, a_lease_goes_on_over_a_crash_for_the_rest_of_its_time)
{
	daemon->acquire("kismet", "monitor", {}, 5000);
	daemon->host.settle();
	start();
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	daemon->host.pass(12000);
	is_as_it_was();
}

TEST(owning, handed_over_to_the_next_instance)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	daemon->owners.hand_over();
	daemon->host.settle();
	start();
	STRCMP_EQUAL("kismet", daemon->owner().c_str());
	LONGS_EQUAL(3, kernel.log.size());
}

TEST(owning, the_record_of_another_boot_or_another_radio_changes_nothing)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	start("another boot");
	LONGS_EQUAL(NL80211_IFTYPE_MONITOR, kernel.devices[wlan2].type); // monitor without a record of ours is somebody else's
	CHECK(!has_record());
	STRCMP_EQUAL("", daemon->owner().c_str());
}

TEST(owning, everything_is_given_back_at_the_end)
{
	daemon->acquire("kismet");
	daemon->host.settle();
	daemon->owners.give_back(true);
	daemon->host.settle();
	CHECK(daemon->owners.is_empty());
	is_as_it_was();
	LONGS_EQUAL(503, daemon->acquire("kismet").status);
}

/// Random interleavings (100, or PATCHBAY_ROUNDS): whatever happens, the interface has at most one owner, each call
/// is answered once, and in the end everything is as it was.
TEST(owning, random_interleavings)
{
	const char *more = std::getenv("PATCHBAY_ROUNDS");
	const int rounds = more ? std::atoi(more) : 100;
	std::mt19937 random(8092);
	const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
	const char *steps[] = {"down", "type", "up", "frequency", "read"};
	const int errors[] = {-EBUSY, -EIO, -ERFKILL, -EINVAL, -ETIMEDOUT};
	for (int round = 0; round < rounds; ++round) {
		for (int i = 0; i < 30; ++i) {
			const std::string who = below(2) != 0 ? "kismet" : "other";
			switch (below(9)) {
			case 0:
			case 1:
				daemon->acquire(who, below(3) != 0 ? std::optional<std::string>("monitor") : std::nullopt, {},
					below(2) != 0 ? std::optional<std::int64_t>(500) : std::nullopt);
				break;
			case 2: daemon->release(who); break;
			case 3: start(); break; // crash
			case 4: kernel.failures[steps[below(5)]] = {errors[below(5)]}; break;
			case 5: daemon->host.pass(below(40) * 50); break;
			case 6:
				kernel.devices[wlan2].type = NL80211_IFTYPE_STATION;
				daemon->owners.on_news(wlan2, false);
				break; // a rival
			default: daemon->host.turn();
			}
			if (daemon->owner().empty() && kernel.devices[wlan2].type == NL80211_IFTYPE_MONITOR) CHECK(has_record()); // never monitor without a way back
		}
		kernel.failures.clear();
		for (const char *who : {"kismet", "other", "kismet"}) {
			daemon->release(who);
			daemon->host.pass(1000);
		}
		daemon->host.pass(70000);
		for (const pb_call &c : daemon->calls) CHECK(c.has_ended);
		LONGS_EQUAL(NL80211_IFTYPE_STATION, kernel.devices[wlan2].type);
		CHECK(!has_record());
		CHECK(!has_state());
		kernel.devices[wlan2].is_up = true;
		start();
	}
}
