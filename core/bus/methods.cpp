#include "bus/methods.hpp"

#include "fields/check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace core {

namespace {
constexpr std::chrono::seconds usual_deadline{30}; // issue: a request that nobody answers gets 504 after 30 s unless declared
}

namespace {
tl::unexpected<Error> stopped(const MethodItem &m) { return fail(fmt::format("{}: plugin {} was stopped before it answered", m.name, m.scope.plugin), 503); }
} // namespace

const std::string &Outcome::text()
{
	if (!has_text) {
		made_text = made_json.text();
		has_text = true;
	}
	return made_text;
}

const json_t *Outcome::json()
{
	if (!made_json) made_json = pb::Json::parse(made_text);
	if (!made_json) made_json = pb::Json(nullptr);
	return made_json.get();
}

MethodItem::MethodItem(Scope &scope_, Methods &methods_, const pb_method &m)
	: pb_item(scope_, Kind::method), methods(methods_), name(m.name), // NOLINT(clang-analyzer-cplusplus.StringChecker): Methods::add has looked
	  help(m.help ? m.help : ""), params(m.params), role(m.role == PB_ROLE_DEFAULT ? int{PB_OPERATOR} : m.role),
	  deadline(m.deadline_ms > 0 ? std::chrono::milliseconds(m.deadline_ms) : usual_deadline), on_call(m.on_call), self(m.self)
{
	methods.methods[name].push_back(this);
	++methods.changes;
}

MethodItem::~MethodItem()
{
	++methods.changes;
	const auto i = methods.methods.find(name);
	std::erase(i->second, this);
	if (i->second.empty()) methods.methods.erase(i);
	for (auto &call : calls) { // the plugin may still hold the handle, and answer it to nobody
		call->method = nullptr;
		call->deadline->stop();
		auto told = std::make_shared<pb_call>(methods, call->address, call->name, call->caller.role);
		told->done = std::exchange(call->done, nullptr);
		told->caller_scope = call->caller_scope;
		told->stands_for = call.get();
		if (told->done) methods.answer(std::move(told), stopped(*this));
		methods.orphans.push_back(std::move(call));
	}
}

Result<MethodItem *> Methods::add(Scope &scope, const pb_method &m)
{
	const std::string_view name = m.name ? m.name : "";
	const bool is_good = !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
	});
	if (!is_good || !m.on_call) return fail(fmt::format("method \"{}\": needs a name of letters, digits and ._- and a function", name), 400);
	if (const std::string flaw = fields::flaw_of(m.params); !flaw.empty()) return fail(fmt::format("method \"{}\": {}", name, flaw), 400);
	if (const MethodItem *other = find(name)) {
		if (other->scope.plugin != scope.plugin) return fail(fmt::format("method \"{}\" is taken by plugin {}", name, other->scope.plugin), 409);
		if (&other->scope == &scope) return fail(fmt::format("method \"{}\" is there already", name), 409);
	}
	return new MethodItem(scope, *this, m); // freed by its scope
}

const MethodItem *Methods::find(std::string_view name) const
{
	const auto i = methods.find(name);
	return i == methods.end() ? nullptr : i->second.back();
}

pb_call *Methods::call(std::string_view name, pb::Json args, Caller caller, std::chrono::milliseconds limit, Done done)
{
	++called;
	auto owned = std::make_shared<pb_call>(*this, std::move(caller.address), std::move(caller.name), caller.role);
	pb_call *call = owned.get();
	call->caller_scope = caller.scope;
	call->done = std::move(done);
	const auto refuse = [&](Error e) {
		++failed;
		answer(std::move(owned), tl::unexpected<Error>(std::move(e)));
		return call;
	};
	const auto found = methods.find(name);
	if (found == methods.end()) {
		std::vector<std::string_view> names;
		for (const auto &[n, items] : methods) names.push_back(n);
		const std::string near = fields::nearest(name, names);
		return refuse({fmt::format("no method \"{}\"{}; GET /api/webhook/methods lists them", pb::utf8(name),
						   near.empty() ? "" : fmt::format(" (did you mean {}?)", near)),
			404, {}, {}});
	}
	MethodItem &m = *found->second.back();
	std::vector<fields::Fault> faults;
	auto checked = std::make_shared<pb::Json>(fields::check(m.params, args.get(), fields::Unknown::refuse, faults));
	if (!faults.empty()) return refuse(fields::as_error(std::move(faults)));

	call->method = &m;
	call->callee_scope = &m.scope;
	call->deadline = std::make_unique<Timer>(reactor, Bound<>{call, [](void *c) noexcept {
																  auto *late = static_cast<pb_call *>(c);
																  const auto tell = std::exchange(late->done, nullptr);
																  ++late->methods.failed;
																  const std::string who = late->method ? late->method->name : "";
																  late->methods.tell_cancelled(*late);
																  if (tell) tell(fail(fmt::format("{} did not answer in time", who), 504));
															  }});
	call->deadline->once(limit.count() > 0 ? limit : m.deadline);
	m.calls.push_back(std::move(owned));
	// Later: never call back from inside the call that registers. The method may be gone, or the caller, by then.
	reactor.defer([this, name = std::string(name), call, checked] {
		const auto i = methods.find(name);
		if (i == methods.end()) return;
		for (MethodItem *item : i->second) {
			const bool is_here = std::ranges::any_of(item->calls, [&](const auto &c) { return c.get() == call; });
			if (!is_here) continue;
			if (!call->done) return reply(call, fail("the caller has left", 499)); // nothing has begun
			const Charge charge(reactor, item->scope.account);
			item->on_call(item->self, call, checked->get());
			return;
		}
	});
	return call;
}

void Methods::reply(pb_call *call, Result<Outcome> outcome)
{
	const auto is_it = [&](const auto &c) { return c.get() == call; };
	MethodItem *m = call->method;
	if (!m) {
		std::erase_if(orphans, is_it);
		return;
	}
	const auto i = std::ranges::find_if(m->calls, is_it);
	if (i == m->calls.end()) return;
	auto ended = std::move(*i);
	m->calls.erase(i);
	if (!outcome && m->scope.is_ending) outcome = stopped(*m);
	if (!outcome) ++failed;
	ended->deadline->stop();
	answer(std::move(ended), std::move(outcome));
}

// Later: a method may reply from inside its own callback, and a caller may leave before it hears.
void Methods::answer(std::shared_ptr<pb_call> call, Result<Outcome> outcome)
{
	if (answered.empty()) reactor.defer([this] { tell_answers(); });
	call->method = nullptr;
	answered.push_back({std::move(call), std::move(outcome)});
}

void Methods::tell_answers()
{
	for (std::size_t n = answered.size(); n > 0; --n) {
		Answer a = std::move(answered.front());
		answered.pop_front();
		const auto tell = std::exchange(a.call->done, nullptr);
		if (!tell) continue;
		const Charge charge(reactor, a.call->caller_scope ? a.call->caller_scope->account : reactor.core);
		tell(std::move(a.outcome));
	}
	if (!answered.empty()) reactor.defer([this] { tell_answers(); });
}

void Methods::cancel(pb_call *call)
{
	for (const Answer &a : answered) {
		if (a.call.get() != call && a.call->stands_for != call) continue; // an orphan's address may be nobody's by now
		a.call->done = nullptr;
		return;
	}
	call->done = nullptr;
	tell_cancelled(*call);
}

void Methods::tell_cancelled(pb_call &call)
{
	if (call.deadline) call.deadline->stop(); // none where the call was refused
	const auto tell = std::exchange(call.on_cancel, nullptr);
	if (!tell || !call.method) return;
	const Charge charge(reactor, call.method->scope.account);
	tell(call.on_cancel_self);
}

void Methods::forget(const Scope &scope)
{
	const auto let_go = [&scope](pb_call &call) {
		if (call.caller_scope != &scope) return;
		call.done = nullptr;
		call.caller_scope = nullptr;
	};
	for (const auto &[name, items] : methods)
		for (const MethodItem *item : items)
			for (const auto &call : item->calls) let_go(*call);
	for (const Answer &a : answered) let_go(*a.call);
	std::erase_if(orphans, [&scope](const auto &call) { return call->callee_scope == &scope; });
}

std::size_t Methods::in_flight(const Scope &scope) const
{
	std::size_t n = 0;
	for (const auto &[name, items] : methods)
		for (const MethodItem *item : items)
			if (&item->scope == &scope) n += item->calls.size();
	return n;
}

} // namespace core

pb_call::pb_call(core::Methods &methods_, std::string address_, std::string name_, int role_)
	: methods(methods_), address(std::move(address_)), name(std::move(name_)), caller{sizeof(pb_caller), role_, address.c_str(), name.c_str()}
{}
