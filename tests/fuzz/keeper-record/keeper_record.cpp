// The files id and exit of a keeper's folder, and the values of its spec: what is believed makes sense, and reads back.
#include <procs/record.hpp>

#include <fmt/format.h>

#include <cstdlib>

namespace {

void must(bool is_so)
{
	if (!is_so) std::abort();
}

void check_id(std::string_view text)
{
	const auto id = procs::parse_id(text);
	if (!id) return;
	must(id->keeper.pid > 1 && id->main.pid >= 0);
	const auto again = procs::parse_id(fmt::format("keeper {} {}\nmain {} {}\nboot {}\ncgns {}\ncgroup {}\nbegan {}\n", id->keeper.pid, id->keeper.start,
		id->main.pid, id->main.start, id->boot, id->cgns, id->cgroup.empty() ? "-" : id->cgroup, id->began_ms));
	must(again && again->keeper == id->keeper && again->main == id->main && again->boot == id->boot && again->cgns == id->cgns &&
		 again->began_ms == id->began_ms);
}

void check_exit(std::string_view text)
{
	const auto e = procs::parse_exit(text);
	if (!e) return;
	must(e->code >= -1 && e->code <= 255 && e->signal >= 0 && e->signal <= 64);
	const auto again = procs::parse_exit(fmt::format("main {} {}\nbegan {}\nended {}\nkilled {}\nlost {}\nfailed {} {}\n", e->code, e->signal, e->began_ms,
		e->ended_ms, e->killed, e->lost, e->step, e->error));
	must(again && again->code == e->code && again->signal == e->signal && again->ended_ms == e->ended_ms && again->killed == e->killed &&
		 again->lost == e->lost);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	check_id(text);
	check_exit(text);
	must(procs::spec_value(text, "name").size() <= size);
	return 0;
}
