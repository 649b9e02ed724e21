#include "sampler.hpp"

namespace procs {

namespace {
constexpr std::int64_t fresh_ms = 900;
}

Sampler::Sampler(Context &context_, Coordinator &coordinator_) : context(context_), coordinator(coordinator_), alive(std::make_shared<bool>(true)) {}
Sampler::~Sampler() { *alive = false; }

void Sampler::refresh(std::function<void()> then)
{
	if (is_busy) {
		next.push_back(std::move(then));
		return;
	}
	std::vector<SampleJob> jobs;
	const std::int64_t now = pb::unix_ms();
	for (const auto &[name, p] : coordinator.all()) {
		const bool is_fresh = p->sample && now - p->sample->time_ms < fresh_ms && now >= p->sample->time_ms;
		if (!p->is_up() || !p->run() || is_fresh) continue;
		jobs.push_back({name, p->run()->main, p->run()->place(), std::move(p->baseline), {}});
	}
	if (jobs.empty()) return then();
	waiting.push_back(std::move(then));
	auto shared = std::make_shared<std::vector<SampleJob>>(std::move(jobs)); // shared: in and out of the worker
	is_busy = context.scope.work([shared] { take_samples(*shared); },
		[this, shared, token = alive]() noexcept {
			if (*token) on_taken(std::move(*shared));
		});
	if (!is_busy) on_taken({});
}

void Sampler::on_taken(std::vector<SampleJob> jobs)
{
	is_busy = false;
	for (SampleJob &job : jobs) {
		Process &p = coordinator.at(job.name);
		if (!p.run() || !(p.run()->main == job.main)) continue; // it is another by now
		p.sample = job.result;
		p.baseline = std::move(job.baseline);
	}
	for (auto &then : std::exchange(waiting, {})) then();
	for (auto &then : std::exchange(next, {})) refresh(std::move(then));
}

} // namespace procs
