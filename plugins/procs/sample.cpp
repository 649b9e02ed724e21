#include "sample.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include <unistd.h>

namespace procs {

namespace {
double now_seconds() noexcept { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The number behind `key ` in a text of lines.
std::optional<std::uint64_t> number_behind(std::string_view text, std::string_view key) noexcept
{
	for (std::size_t at = 0; at < text.size();) {
		const std::size_t end = std::min(text.find('\n', at), text.size());
		const std::string_view line = text.substr(at, end - at);
		std::uint64_t n = 0;
		if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ' &&
			std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), n).ec == std::errc())
			return n;
		at = end + 1;
	}
	return {};
}

std::vector<pid_t> members_of(const TreePlace &place)
{
	std::vector<pid_t> out;
	if (!place.cgroup.empty()) {
		const std::string list = read_small(place.cgroup + "/cgroup.procs", 1 << 20).value_or("");
		for (const char *p = list.data(), *end = p + list.size(); p < end;) {
			pid_t pid = 0;
			const auto r = std::from_chars(p, end, pid);
			if (r.ec == std::errc()) out.push_back(pid);
			p = r.ptr + 1;
		}
		if (!out.empty()) return out;
	}
	if (place.root <= 1) return out;
	out = tree_of(place.root);
	if (!place.is_root_one) out.erase(out.begin());
	return out;
}

class Sampling {
public:
	explicit Sampling(SampleJob &job_)
		: job(job_), ticks_a_second(static_cast<double>(::sysconf(_SC_CLK_TCK))), page(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)))
	{}

	void run()
	{
		Sample s;
		Baseline next;
		next.at = now_seconds();
		for (const pid_t pid : members_of(job.place)) add(pid, s, next);
		job.result.reset();
		if (s.count == 0) return;
		const double used = from_cgroup(next).value_or(from_ticks(next));
		const double since = job.baseline.at > 0 ? next.at - job.baseline.at : seconds_since_start(job.main.start);
		s.cpu = since > 0.01 ? 100 * used / since : 0;
		s.time_ms = pb::unix_ms();
		job.result = s;
		job.baseline = std::move(next);
	}

private:
	void add(pid_t pid, Sample &s, Baseline &next) const
	{
		const auto st = stat_of(pid);
		if (!st || st->state == 'Z') return;
		++s.count;
		next.ticks[pid] = {st->start, st->user_ticks + st->system_ticks};
		const std::string statm = read_small(fmt::format("/proc/{}/statm", pid), 256).value_or("");
		std::uint64_t size = 0, resident = 0;
		const char *end = statm.data() + statm.size();
		const auto r = std::from_chars(statm.data(), end, size);
		if (r.ec == std::errc() && r.ptr < end) std::from_chars(r.ptr + 1, end, resident);
		s.vms += size * page;
		s.rss += resident * page;
	}

	/// Exact, also for what has ended meanwhile.
	std::optional<double> from_cgroup(Baseline &next) const
	{
		if (job.place.cgroup.empty()) return {};
		const auto usec = number_behind(read_small(job.place.cgroup + "/cpu.stat", 4096).value_or(""), "usage_usec");
		if (!usec) return {};
		next.cgroup_seconds = static_cast<double>(*usec) / 1e6;
		if (job.baseline.at > 0 && job.baseline.cgroup_seconds < 0) return {};
		return next.cgroup_seconds - std::max(job.baseline.cgroup_seconds, 0.0);
	}

	double from_ticks(const Baseline &next) const
	{
		std::uint64_t used = 0;
		for (const auto &[pid, now] : next.ticks) {
			const auto before = job.baseline.ticks.find(pid);
			const bool is_same = before != job.baseline.ticks.end() && before->second.start == now.start;
			used += now.ticks - (is_same ? std::min(before->second.ticks, now.ticks) : 0);
		}
		return static_cast<double>(used) / ticks_a_second;
	}

	SampleJob &job;
	const double ticks_a_second;
	const std::uint64_t page;
};
} // namespace

void take_samples(std::vector<SampleJob> &jobs)
{
	for (SampleJob &job : jobs) Sampling(job).run();
}

} // namespace procs
