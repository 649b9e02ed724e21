#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ports {

bool is_expected(const std::string &process, const Process &holder)
{
	std::size_t at = 0;
	while (at <= process.size()) {
		const std::size_t end = std::min(process.find('|', at), process.size());
		if (const std::string one = process.substr(at, end - at); !one.empty() && holder.is_called(one)) return true;
		at = end + 1;
	}
	return false;
}

const Process *Held::expected_by(const std::string &process) const
{
	for (const Process &p : holders.processes) {
		if (process.empty() || is_expected(process, p)) return &p;
	}
	for (const Process &p : holders.processes) {
		if (p.pid == 1 && p.command == "systemd") return &p;
	}
	return nullptr;
}

pb::Json Held::json() const
{
	const Process *p = holders.processes.empty() ? nullptr : &holders.processes.front();
	pb::Json out{
		{"pid", p ? pb::Json(p->pid) : pb::Json(nullptr)}, {"command", p ? pb::Json(p->command) : pb::Json(nullptr)}, {"address", socket.address.text()}};
	out.set("program", p && !p->program.empty() ? pb::Json(p->program) : pb::Json(nullptr));
	out.set("uid", socket.uid).set("processes", holders.count);
	out.set("container", p && !p->container.empty() ? pb::Json(p->container) : pb::Json(nullptr));
	return out;
}

std::string Held::text() const
{
	const std::string where = socket.address.is_v6 ? fmt::format("[{}]", socket.address.text()) : socket.address.text();
	if (holders.processes.empty()) return fmt::format("a process of uid {} that cannot be seen, on {}", socket.uid, where);
	const Process &p = holders.processes.front();
	return fmt::format("{} (PID {}{}) on {}", p.command, p.pid, p.container.empty() ? "" : ", container " + p.container, where);
}

Scan scan(Processes &processes, bool afresh)
{
	Sockets sockets = read_sockets();
	std::set<std::uint64_t> inodes;
	for (const Socket &s : sockets.all) inodes.insert(s.inode);
	auto holders = processes.find(inodes, afresh);
	Scan out;
	out.why = std::move(sockets.why);
	std::ranges::sort(sockets.all,
		[](const Socket &a, const Socket &b) { return std::tie(a.port, a.protocol, a.address, a.inode) < std::tie(b.port, b.protocol, b.address, b.inode); });
	for (const Socket &s : sockets.all) out.sockets.push_back({s, holders[s.inode]});
	return out;
}

std::vector<Held> in_the_way(const Expected &expected, const Scan &scan)
{
	Socket wanted;
	wanted.protocol = expected.protocol;
	wanted.port = expected.port;
	wanted.address = expected.address.value_or(Address{});
	std::vector<Held> out;
	for (const Held &h : scan.sockets) {
		const bool is_port = h.socket.protocol == wanted.protocol && h.socket.port == wanted.port;
		if (is_port && (!expected.address || collide(wanted, h.socket))) out.push_back(h);
	}
	return out;
}

Row judge(const Expected &expected, const Scan &scan)
{
	Row row{expected, State::free, in_the_way(expected, scan), ""};
	if (row.held.empty()) {
		if (!scan.why.empty()) row.state = State::unknown; // never "free"
		row.message = scan.why;
		return row;
	}
	const auto first_other = std::stable_partition(row.held.begin(), row.held.end(), [&](const Held &h) { return h.expected_by(expected.process) != nullptr; });
	row.state = State::ok;
	for (auto other = first_other; other != row.held.end(); ++other) {
		if (other->holders.processes.empty()) continue; // who it is cannot be told: no conflict is made of that
		// Beside the expected one, on an address of its own, another stands in nobody's way.
		const bool is_in_the_way =
			first_other == row.held.begin() || std::any_of(row.held.begin(), first_other, [&](const Held &own) { return collide(own.socket, other->socket); });
		if (!is_in_the_way) continue;
		row.state = State::conflict;
		row.message = fmt::format("{} port {} ({}) is for {}, but {} listens there", word(expected.protocol), expected.port, expected.name,
			expected.process.empty() ? "nobody" : expected.process, other->text());
		if (first_other != row.held.begin()) row.message += fmt::format(", beside {}", row.held.front().text());
		std::rotate(row.held.begin(), other, other + 1); // the one to blame is the one shown
		break;
	}
	return row;
}

pb::Json Row::json() const
{
	static constexpr const char *words[] = {"ok", "free", "conflict", "unknown"};
	pb::Json all = pb::Json::array();
	for (const Held &h : held) all.push(h.json());
	pb::Json out{{"name", expected.name}, {"port", expected.port}, {"protocol", word(expected.protocol)},
		{"expected", expected.process.empty() ? pb::Json(nullptr) : pb::Json(expected.process)}, {"state", words[static_cast<std::size_t>(state)]}};
	out.set("holder", held.empty() ? pb::Json(nullptr) : held.front().json());
	out.set("holders", std::move(all));
	out.set("message", message.empty() ? pb::Json(nullptr) : pb::Json(message));
	return out;
}

} // namespace ports
