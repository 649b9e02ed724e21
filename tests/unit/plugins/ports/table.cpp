// The table's verdicts, and the processes behind the sockets: this one, its children, and made-up ones.
#include "ports/table.hpp"

#include <CppUTest/TestHarness.h>

#include <arpa/inet.h>
#include <csignal>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ports;

namespace {
Held held(const char *address, const char *command, int pid = 12, std::uint16_t port = 2947)
{
	Held h;
	h.socket.address = *Address::parse(address);
	h.socket.port = port;
	h.socket.inode = static_cast<std::uint64_t>(pid);
	if (*command) h.holders = {{{pid, command, command, "", 1}}, 1};
	return h;
}
const Expected gpsd{"gpsd", 2947, Protocol::tcp, "gpsd", std::nullopt};
} // namespace

TEST_GROUP(ports_table){};

TEST(ports_table, ok_free_and_conflict)
{
	CHECK(judge(gpsd, {}).state == State::free);
	CHECK(judge(gpsd, {{held("127.0.0.1", "gpsd")}, ""}).state == State::ok);
	const Row row = judge(gpsd, {{held("0.0.0.0", "nginx", 40)}, ""});
	CHECK(row.state == State::conflict);
	STRCMP_EQUAL("tcp port 2947 (gpsd) is for gpsd, but nginx (PID 40) on 0.0.0.0 listens there", row.message.c_str());
	STRCMP_EQUAL("nginx", std::string(pb::text_at(pb::at(row.json().get(), "holder"), "command")).c_str());
}

TEST(ports_table, both_are_named_where_both_listen_in_each_others_way)
{
	const Row row = judge(gpsd, {{held("0.0.0.0", "gpsd", 12), held("127.0.0.1", "nginx", 40)}, ""});
	CHECK(row.state == State::conflict);
	STRCMP_CONTAINS("nginx (PID 40)", row.message.c_str());
	STRCMP_CONTAINS("beside gpsd (PID 12)", row.message.c_str());
	CHECK(judge(gpsd, {{held("127.0.0.1", "gpsd", 12), held("10.0.0.1", "nginx", 40)}, ""}).state == State::ok);
}

TEST(ports_table, systemd_on_its_behalf_and_unseen_holders_are_no_conflict)
{
	CHECK(judge(gpsd, {{held("127.0.0.1", "systemd", 1)}, ""}).state == State::ok);
	CHECK(judge(gpsd, {{held("127.0.0.1", "systemd", 500)}, ""}).state == State::conflict);
	const Row unseen = judge(gpsd, {{held("127.0.0.1", "")}, ""});
	CHECK(unseen.state == State::ok);
	CHECK(json_is_null(pb::at(pb::at(unseen.json().get(), "holder"), "pid")));
}

TEST(ports_table, what_could_not_be_read_is_not_free) { CHECK(judge(gpsd, {{}, "no /proc"}).state == State::unknown); }

TEST(ports_table, names_of_programs_scripts_and_alternatives)
{
	Process p{1, "WigleToTak2.py", "WigleToTak2.py", "", 0};
	CHECK(is_expected("WigleToTak2.py", p));
	p.command = "python3";
	CHECK(is_expected("WigleToTak2.py", p));
	CHECK(is_expected("x|WigleToTak2.py", p));
	CHECK(!is_expected("x|y", p) && !is_expected("", p) && !is_expected("|", p));
	p = {1, "a_program_with_a", "other", "", 0};
	p.command = std::string("a_program_with_a_long_name").substr(0, 15); // as the kernel cuts it
	CHECK(is_expected("a_program_with_a_long_name", p));
}

TEST(ports_table, the_program_behind_a_command_line)
{
	using namespace std::string_literals;
	STRCMP_EQUAL("WigleToTak2.py", program_of("/usr/bin/python3.11\0-u\0/home/pi/WigleToTak2.py\0--flask-port\0"s).c_str());
	STRCMP_EQUAL("http.server", program_of("python3\0-m\0http.server\0"s).c_str());
	STRCMP_EQUAL("python3", program_of("python3\0-c\0import x\0"s).c_str());
	STRCMP_EQUAL("kismet", program_of("/usr/bin/kismet\0--no-ncurses\0"s).c_str());
	STRCMP_EQUAL("", program_of("").c_str());
}

TEST(ports_table, the_container_stands_in_the_cgroup)
{
	const std::string id(64, 'a');
	STRCMP_EQUAL("aaaaaaaaaaaa", container_of("0::/system.slice/docker-" + id + ".scope\n").c_str());
	STRCMP_EQUAL("aaaaaaaaaaaa", container_of("12:cpu:/docker/" + id + "\n").c_str());
	STRCMP_EQUAL("", container_of("0::/system.slice/gpsd.service\n").c_str());
	STRCMP_EQUAL("", container_of("0::/" + id + "b").c_str());
}

TEST(ports_table, the_holders_of_a_real_socket)
{
	const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in where{};
	where.sin_family = AF_INET;
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof where;
	CHECK(::bind(fd, reinterpret_cast<sockaddr *>(&where), size) == 0 && ::listen(fd, 1) == 0);
	::getsockname(fd, reinterpret_cast<sockaddr *>(&where), &size);
	Expected expected{"x", ntohs(where.sin_port), Protocol::tcp, "unit-ports", std::nullopt};
	Processes processes;
	const Row mine = judge(expected, scan(processes, false));
	CHECK(mine.state == State::ok);
	LONGS_EQUAL(::getpid(), mine.held.at(0).holders.processes.at(0).pid);

	const pid_t child = ::fork(); // holds it as well, and goes on alone
	if (child == 0) {
		::prctl(PR_SET_PDEATHSIG, SIGKILL);
		::pause();
		::_exit(0);
	}
	const Row both = judge(expected, scan(processes, true));
	LONGS_EQUAL(2, both.held.at(0).holders.count);
	::close(fd);
	const Row others = judge(expected, scan(processes, true));
	LONGS_EQUAL(1, others.held.at(0).holders.count);
	LONGS_EQUAL(child, others.held.at(0).holders.processes.at(0).pid);
	::kill(child, SIGKILL);
	::waitpid(child, nullptr, 0);
	CHECK(judge(expected, scan(processes, false)).state == State::free); // what is remembered does not outlive its holder
}
