// Methods: what a plugin can be told to do, by name, asynchronously, JSON in and JSON out.
#pragma once
#include "host/scope.hpp"
#include "reactor/watch.hpp"
#include "result.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace core {
class Methods;
class MethodItem;

/// What came back: JSON or ready text, each made of the other when first asked for.
class Outcome final {
public:
	explicit Outcome(pb::Json json_) : made_json(std::move(json_)) {}
	explicit Outcome(std::string text_) : made_text(std::move(text_)), has_text(true) {}
	[[nodiscard]] const std::string &text();
	[[nodiscard]] const json_t *json();

private:
	pb::Json made_json;
	std::string made_text;
	bool has_text = false;
};
} // namespace core

/// One call. The plugin's handle: valid until reply or fail, once. Knows its caller until that one leaves.
struct pb_call {
	pb_call(core::Methods &methods, std::string address, std::string name, int role);
	core::Methods &methods;
	core::MethodItem *method = nullptr; // null once it has answered or has been removed
	std::string address, name;
	pb_caller caller;
	std::function<void(core::Result<core::Outcome>)> done; // null once told, or once the caller has left
	pb_tick_fn *on_cancel = nullptr;
	void *on_cancel_self = nullptr;
	std::unique_ptr<core::Timer> deadline;
	const pb_call *stands_for = nullptr; // the orphan whose caller this one tells
	core::Scope *caller_scope = nullptr; // a plugin that called; null: HTTP
	const core::Scope *callee_scope = nullptr;
};

namespace core {

/// A method on offer. Freed with its scope: calls in flight then fail with 503.
class MethodItem final : public pb_item {
public:
	MethodItem(Scope &scope, Methods &methods, const pb_method &m);
	~MethodItem() override;
	Methods &methods;
	const std::string name, help;
	const pb_field *const params;
	const int role; // never PB_ROLE_DEFAULT
	const std::chrono::milliseconds deadline;
	pb_call_fn *const on_call;
	void *const self;
	std::vector<std::shared_ptr<pb_call>> calls; // in flight; shared with nobody until they are answered
};

/// All methods. Loop thread. `done` always comes later than the call, exactly once, unless cancelled.
class Methods final {
public:
	explicit Methods(Reactor &reactor_) : reactor(reactor_) {}
	struct Caller {
		std::string address, name;
		int role = PB_ADMIN;
		Scope *scope = nullptr;
	};
	using Done = std::function<void(Result<Outcome>)>;

	Result<MethodItem *> add(Scope &scope, const pb_method &m);
	/// args may be empty. 404 for an unknown method, 400 for bad arguments, 504 past the time limit (0: the method's own).
	/// Returns what cancel() takes, until done has come.
	pb_call *call(std::string_view method, pb::Json args, Caller caller, std::chrono::milliseconds limit, Done done);
	/// The caller has left: the method is told, done never comes.
	void cancel(pb_call *call);
	/// The scope ends: done of what it has called never comes, and the handles that it has not answered are freed.
	void forget(const Scope &scope);

	void reply(pb_call *call, Result<Outcome> outcome);
	[[nodiscard]] const MethodItem *find(std::string_view name) const;
	/// By name; the last of each serves (two only while an instance is replaced).
	[[nodiscard]] const std::map<std::string, std::vector<MethodItem *>, std::less<>> &all() const noexcept { return methods; }
	[[nodiscard]] std::size_t in_flight(const Scope &scope) const;
	std::uint64_t called = 0, failed = 0;
	std::uint64_t changes = 0; // methods that have come or gone

private:
	friend class MethodItem;
	struct Answer {
		std::shared_ptr<pb_call> call;
		Result<Outcome> outcome;
	};
	void answer(std::shared_ptr<pb_call> call, Result<Outcome> outcome);
	void tell_answers();
	void tell_cancelled(pb_call &call);
	std::deque<Answer> answered;
	std::vector<std::shared_ptr<pb_call>> orphans; // their method is gone, their plugin has not let go of them yet
	Reactor &reactor;
	std::map<std::string, std::vector<MethodItem *>, std::less<>> methods;
};

} // namespace core
