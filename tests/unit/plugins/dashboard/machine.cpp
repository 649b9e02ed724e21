// The figures of this very machine: plausible where the kernel tells them.
#include "dashboard/machine.hpp"

#include <CppUTest/TestHarness.h>

using namespace dashboard;

TEST_GROUP(Machine){};

TEST(Machine, it_tells_what_the_kernel_tells)
{
	const Machine m = read_machine("/");
	CHECK(m.memory_total > 0);
	CHECK(m.memory_available > 0 && m.memory_available <= m.memory_total);
	CHECK(m.disk_total > 0);
	CHECK(m.disk_free >= 0 && m.disk_free <= m.disk_total);
	CHECK(m.resident > 0 && m.resident < m.memory_total);
	CHECK(m.total > 0 && m.busy >= 0 && m.busy <= m.total);
	CHECK(m.process_seconds >= 0);
	CHECK(m.uptime > 0);
	CHECK(m.load >= 0);
	CHECK(steady_ns() >= m.read_at_ns);
}

TEST(Machine, a_folder_that_is_not_there_leaves_the_disk_unknown)
{
	const Machine m = read_machine("/there is no such folder");
	LONGS_EQUAL(-1, m.disk_total);
	CHECK(m.memory_total > 0);
}
