// patchbay/method.hpp: methods with typed arguments, and the right to answer a call, now or later.
#pragma once
#include <patchbay/fields.hpp>
#include <patchbay/items.hpp>

#include <string_view>
#include <utility>

namespace pb {

/// The right to answer one call, once. Moves; dropped unanswered, it answers 500. Valid even if the caller has left.
class Reply {
public:
	Reply(const pb_host *host_, pb_call *call_) noexcept : host(host_), call(call_) {}
	Reply(Reply &&o) noexcept : host(o.host), call(std::exchange(o.call, nullptr)) {}
	Reply &operator=(Reply &&o) noexcept
	{
		std::swap(host, o.host);
		std::swap(call, o.call);
		return *this;
	}
	~Reply()
	{
		if (call && !detail::Rescue<pb_call>::offer(call)) fail(500, "", "the plugin dropped the call");
	}
	void operator()(Json value) noexcept
	{
		if (call) host->reply(std::exchange(call, nullptr), value ? value.release() : json_null());
	}
	void text(std::string_view json) noexcept
	{
		if (call) host->reply_text(std::exchange(call, nullptr), json.data(), json.size());
	}
	void fail(const pb_error &e) noexcept
	{
		if (call) host->fail(std::exchange(call, nullptr), &e);
	}
	void fail(int status, std::string_view code, std::string_view text, const Json &details = {}) noexcept
	{
		pb_error e{};
		detail::fill(e, status, code, text, details.get());
		fail(e);
	}
	void on_cancel(Bound<> on) noexcept
	{
		if (call) host->on_cancel(call, on.call, on.self);
	}
	[[nodiscard]] const pb_caller &caller() const noexcept { return *host->caller(call); }
	explicit operator bool() const noexcept { return call != nullptr; }

private:
	const pb_host *host;
	pb_call *call;
};

struct MethodOptions {
	const char *help = "";
	pb_role role = PB_ROLE_DEFAULT;
	milliseconds deadline{};
};

/// A method with typed arguments: `void on_x(const Args &, pb::Reply)`; what it throws is the caller's error.
template<typename Args> class Method : public Item {
public:
	Method(Scope &s, const char *name, Throwing<const Args &, Reply &&> on_call, MethodOptions o = {})
		: Item(s,
			  [&](pb_error *e) {
				  const pb_method m{sizeof(pb_method), o.role, name, o.help, field_table<Args>, o.deadline.count(), &Method::run, this};
				  return s.host->add_method(s.raw, &m, e);
			  }),
		  on(on_call)
	{}

private:
	static void run(void *self, pb_call *call, const json_t *args) noexcept
	{
		auto *m = static_cast<Method *>(self);
		detail::Rescue<pb_call> rescue(call);
		Reply reply(m->host, call);
		detail::guarded([&] { m->on.call(m->on.self, read_fields<Args>(args), std::move(reply)); },
			[&](const pb_error &e) {
				if (pb_call *kept = rescue.take()) Reply(m->host, kept).fail(e);
				reply.fail(e);
			});
	}
	Throwing<const Args &, Reply &&> on;
};

} // namespace pb
