// CPU and memory of whole trees. Read on a worker, and only when somebody asks or looks.
#pragma once
#include "runner.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace procs {

struct Sample {
	double cpu = 0;                 // percent of one CPU since the sample before, or since the start
	std::uint64_t rss = 0, vms = 0; // bytes
	unsigned count = 0;             // processes
	std::int64_t time_ms = 0;
};

/// What the next sample of a tree is compared with.
struct Baseline {
	double at = 0;              // seconds, monotonic
	double cgroup_seconds = -1; // -1: none
	struct Used {
		std::uint64_t start, ticks;
	};
	std::map<pid_t, Used> ticks;
};

struct SampleJob {
	std::string name;
	Identity main; // whose age counts for the first sample
	TreePlace place;
	Baseline baseline;
	std::optional<Sample> result; // none: nothing was found
};
/// Fills in results and baselines. On a worker.
void take_samples(std::vector<SampleJob> &jobs);

} // namespace procs
