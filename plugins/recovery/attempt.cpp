#include "attempt.hpp"

#include <fmt/format.h>

using namespace std::chrono_literals;

namespace recovery {

Attempt::Attempt(pb::Scope &scope_, const World &world_, const Rule &rule_, std::string topic_, Done done_)
	: rule(rule_), scope(scope_), world(world_), topic(std::move(topic_)), done(std::move(done_)), self(std::make_shared<Attempt *>(this)),
	  timer(scope_, pb::bind<&Attempt::on_timer>(this))
{
	timer.once(0ms); // never back into the one who starts it
}

void Attempt::step()
{
	if (next == rule.steps.size()) {
		at = At::looking;
		timer.once(rule.verify ? rule.verify->timeout : 15s);
		return look();
	}
	at = At::calling;
	const Step &s = rule.steps[next];
	call(s.call, s.args ? s.args.copy() : pb::Json::object(), false);
}

void Attempt::call(const std::string &method, pb::Json args, bool is_otherwise)
{
	scope.call(
		method.c_str(), std::move(args),
		[weak = std::weak_ptr(self), is_otherwise](const pb::Result &r) {
			if (const auto a = weak.lock()) (*a)->on_answer(r, is_otherwise);
		},
		rule.steps[next].timeout);
}

void Attempt::on_answer(const pb::Result &r, bool is_otherwise)
{
	const Step &s = rule.steps[next];
	if (!r.ok()) {
		const pb_error &e = *r.error();
		if (e.status == 404 && s.otherwise && !is_otherwise) return call(*s.otherwise, pb::Json::object(), true);
		// It runs or is being started already: what counts is whether it is well then.
		const std::string_view code = e.code;
		if (code != "ALREADY_RUNNING" && code != "START_IN_PROGRESS") return end(false, fmt::format("{}: {}", is_otherwise ? *s.otherwise : s.call, e.text));
		said += fmt::format("{}; ", e.text);
	}
	++next;
	at = At::waiting;
	timer.once(s.wait);
}

void Attempt::on_timer() noexcept
{
	if (at == At::looking) return end(false, fmt::format("{}{}", said, world.what_is_seen(rule, topic)));
	step();
}

void Attempt::on_change()
{
	if (at == At::looking) look();
}

void Attempt::look()
{
	if (world.is_well(rule, topic)) end(true, "ok");
}

void Attempt::end(bool is_well, const std::string &result)
{
	if (std::exchange(at, At::over) == At::over) return;
	timer.stop();
	const Done then = std::move(done);
	then(is_well, result); // may delete this
}

std::string calls_of(const Rule &rule)
{
	std::string out;
	for (const Step &s : rule.steps) {
		out += out.empty() ? s.call : ", " + s.call;
		if (const auto name = pb::text_at(s.args.get(), "name"); !name.empty()) out += fmt::format(" {}", name);
	}
	return out;
}

} // namespace recovery
