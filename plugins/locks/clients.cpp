#include "clients.hpp"
#include "clock.hpp"

#include <array>

namespace locks {

namespace {

/// Waits in an open request. Answers with one JSON object; or, where it talks or the lock is held by the connection, with a
/// stream of lines: {"state":"waiting",…} as long as it waits, {"state":"granted",…} or {"state":"refused",…} at the end.
class HttpClient final : public Client {
public:
	HttpClient(Desk &desk_, pb::Request &&request_, bool holds_, bool is_talking_)
		: desk(desk_), holds(holds_), is_talking(is_talking_), request(std::move(request_))
	{
		request.on_cancel(pb::bind<&HttpClient::on_left>(this));
	}

private:
	bool on_granted(const std::string &name, const Holder &holder) noexcept override
	{
		pb::Json answer = granted_json(name, holder);
		if (!holds && !is_talking) {
			request.json(200, std::move(answer));
			return true;
		}
		if (is_talking) answer.set("state", "granted");
		say(answer);
		return !holds;
	}
	void on_refused(const pb::Error &e) noexcept override
	{
		if (!stream) return fail_with(request, e);
		if (is_talking) say({{"state", "refused"}, {"status", e.status}, {"error", e.code}, {"message", e.what()}});
		stream->end();
	}
	void on_waiting(const Table::Lock &lock, std::size_t ahead) noexcept override
	{
		if (!is_talking) return;
		const Token holder = lock.holder->token;
		const Ms now = lease_clock();
		if (holder == told_holder && ahead == told_ahead && now - told_at < 10'000) return;
		told_holder = holder;
		told_ahead = ahead;
		told_at = now;
		say({{"state", "waiting"}, {"name", lock.name}, {"ahead", ahead}, {"holder", to_json(lock.name, *lock.holder)}});
	}
	/// An empty line, so that TCP finds out where the peer has vanished.
	void on_holding() noexcept override
	{
		if (stream) stream->write("\n");
	}
	bool wants_to_know() const noexcept override { return holds || is_talking; }

	void say(const pb::Json &line)
	{
		if (!stream) {
			constexpr std::array<pb_header, 2> head{{{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}}};
			stream.emplace(std::move(request), nullptr, 200, head, pb::Stream::Options{.max_buffer = 65'536, .on_close = pb::bind<&HttpClient::on_left>(this)});
		}
		stream->write(line.text() + "\n");
	}
	void on_left() noexcept
	{
		has_left = true;
		if (ticket != 0) desk.gone(ticket); // deletes this
	}

	Desk &desk;
	const bool holds, is_talking;
	Token told_holder = 0;
	std::size_t told_ahead = 0;
	Ms told_at = 0;
	pb::Request request;
	std::optional<pb::Stream> stream;
};

class CallClient final : public Client {
public:
	CallClient(Desk &desk_, pb::Reply &&reply_) : desk(desk_), reply(std::move(reply_)) { reply.on_cancel(pb::bind<&CallClient::on_left>(this)); }

private:
	bool on_granted(const std::string &name, const Holder &holder) noexcept override
	{
		reply(granted_json(name, holder));
		return true;
	}
	void on_refused(const pb::Error &e) noexcept override { fail_with(reply, e); }
	void on_left() noexcept
	{
		has_left = true;
		if (ticket != 0) desk.gone(ticket); // deletes this
	}

	Desk &desk;
	pb::Reply reply;
};

} // namespace

std::unique_ptr<Client> http_client(Desk &desk, pb::Request &&request, bool holds, bool is_talking)
{
	return std::make_unique<HttpClient>(desk, std::move(request), holds, is_talking);
}
std::unique_ptr<Client> call_client(Desk &desk, pb::Reply &&reply) { return std::make_unique<CallClient>(desk, std::move(reply)); }

pb::Json granted_json(const std::string &name, const Holder &holder)
{
	pb::Json out = to_json(name, holder);
	out.set("ttl_ms", holder.expires ? pb::Json(holder.ttl) : pb::Json(nullptr));
	return out;
}

} // namespace locks
