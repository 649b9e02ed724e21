#include "sheet.hpp"

#include "text.hpp"

#include <algorithm>
#include <array>

namespace webhook {

namespace {
constexpr std::array contract_names{"kismet", "gps", "both"};

bool is_up(const json_t *e) noexcept
{
	return json_integer_value(pb::at(e, "pid")) > 0 || pb::text_at(e, "state") == "ready" || pb::text_at(e, "state") == "running";
}

double number(const json_t *object, const char *name) noexcept { return pb::number_at(object, name).value_or(0); }
} // namespace

Sheet::Sheet(pb::Json all_, double memory_total_) : all(std::move(all_)), memory_total(memory_total_) {}

std::vector<std::string> Sheet::names() const
{
	std::vector<std::string> out(contract_names.begin(), contract_names.end());
	const char *name = nullptr;
	json_t *members = nullptr;
	json_object_foreach(const_cast<json_t *>(groups()), name, members)
		if (std::ranges::find(out, name) == out.end()) out.emplace_back(name);
	return out;
}

bool Sheet::knows(std::string_view script) const { return std::ranges::find(contract_names, script) != contract_names.end() || has(script); }

std::vector<std::string> Sheet::members(std::string_view script) const
{
	std::vector<std::string> out;
	const json_t *group = pb::at(groups(), std::string(script).c_str());
	std::size_t i;
	json_t *name;
	json_array_foreach(const_cast<json_t *>(group), i, name) out.emplace_back(pb::text_of(name));
	if (!group && process(script)) out.emplace_back(script);
	return out;
}

const json_t *Sheet::process(std::string_view name) const
{
	std::size_t i;
	json_t *e;
	json_array_foreach(pb::at(all.get(), "processes"), i, e)
		if (pb::text_at(e, "name") == name) return e;
	return nullptr;
}

std::vector<const json_t *> Sheet::entries(std::string_view script) const
{
	std::vector<const json_t *> out;
	for (const std::string &name : members(script))
		if (const json_t *e = process(name)) out.push_back(e);
	return out;
}

/// What the machine runs anyway (a unit, something observed) does not make a chain run, unless the chain is nothing else.
const json_t *Sheet::first_up(std::string_view script) const
{
	const std::vector<const json_t *> of = entries(script);
	const auto is_own = [](const json_t *e) { return pb::text_at(e, "kind") == "command"; };
	const bool has_own = std::ranges::any_of(of, is_own);
	for (const json_t *e : of)
		if (is_up(e) && (is_own(e) || !has_own)) return e;
	return nullptr;
}

pb::Json Sheet::status(std::string_view script) const
{
	const std::vector<const json_t *> of = entries(script);
	const json_t *first = first_up(script);
	return first ? running(of, first) : stopped(of);
}

pb::Json Sheet::statuses() const
{
	pb::Json out = pb::Json::object();
	for (const std::string &name : names()) out.set(name.c_str(), status(name));
	return out;
}

pb::Json Sheet::running(const std::vector<const json_t *> &of, const json_t *first) const
{
	double rss = 0, vms = 0, cpu = 0;
	std::string_view worst = "ready";
	constexpr std::array<std::string_view, 6> order{"failed", "stopping", "starting", "stopped", "running", "ready"};
	for (const json_t *e : of) {
		rss += number(pb::at(e, "memory"), "rss");
		vms += number(pb::at(e, "memory"), "vms");
		cpu += number(e, "cpu");
		if (std::ranges::find(order, pb::text_at(e, "state")) < std::ranges::find(order, worst)) worst = pb::text_at(e, "state");
	}
	const double uptime = number(first, "uptime");
	const json_t *started = pb::at(first, "started");
	pb::Json memory{{"rss", static_cast<std::int64_t>(rss)}, {"vms", static_cast<std::int64_t>(vms)}, {"percentage", percentage(rss, memory_total)}};
	return {{"running", true}, {"pid", or_null(pb::at(first, "pid"))}, {"uptime", uptime},
		{"startTime", json_is_string(started) ? pb::Json::share(started) : pb::Json(iso_time(pb::unix_ms() - static_cast<std::int64_t>(uptime * 1000)))},
		{"memory", std::move(memory)}, {"cpu", rounded(cpu)}, {"state", worst}};
}

/// The run that ended last speaks for all.
pb::Json Sheet::stopped(const std::vector<const json_t *> &of)
{
	const json_t *last = nullptr, *began = nullptr;
	for (const json_t *e : of) {
		const json_t *exit = pb::at(e, "last_exit");
		if (json_is_object(exit) && (!last || pb::text_at(exit, "time") > pb::text_at(last, "time"))) last = exit;
	}
	began = pb::at(last, "began");
	return {{"running", false}, {"pid", nullptr}, {"lastRunTime", or_null(json_is_string(began) ? began : pb::at(last, "time"))},
		{"lastExitCode", or_null(pb::at(last, "code"))}, {"lastSignal", or_null(pb::at(last, "signal"))}};
}

} // namespace webhook
