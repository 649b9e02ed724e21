#include "sender.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace webhook::outgoing {

using namespace std::chrono_literals;

namespace {
constexpr ev_ssize_t most_head = 16 << 10, most_body = 64 << 10;
constexpr int never = 3600; // evhttp's own time limits: ours is the deadline
} // namespace

struct Sender::Calls {
	static int on_head(evhttp_request *r, void *self) noexcept
	{
		static_cast<Sender *>(self)->outcome.status = evhttp_request_get_response_code(r);
		return 0;
	}
	static void on_chunk(evhttp_request *r, void *) noexcept
	{
		evbuffer *in = evhttp_request_get_input_buffer(r); // nobody reads what a receiver answers
		evbuffer_drain(in, evbuffer_get_length(in));
	}
	static void on_error(evhttp_request_error e, void *self) noexcept { static_cast<Sender *>(self)->error = e; }
	static void on_complete(evhttp_request *r, void *self) noexcept
	{
		auto *s = static_cast<Sender *>(self);
		if (r && s->outcome.status == 0) s->outcome.status = evhttp_request_get_response_code(r);
		s->finish(s->outcome.status == 0 ? s->why_none() : std::string(), s->outcome.status == 0 && s->error < 0);
	}
};

Sender::Sender(Shared shared_, pb::Bound<const Outcome &> on_end_)
	: shared(shared_), on_end(on_end_), step(shared.scope, pb::bind<&Sender::on_step>(this)), limit(shared.scope, pb::bind<&Sender::on_deadline>(this))
{}

Sender::~Sender() { close(); }

void Sender::close() noexcept
{
	step.stop();
	limit.stop();
	asking.reset();
	places.clear();
	session = nullptr; // freed with its connection
	is_sending = has_ended = false;
	if (connection) evhttp_connection_free(std::exchange(connection, nullptr));
}

void Sender::send(Post next)
{
	post = std::move(next);
	outcome = {};
	refused.clear();
	trying.clear();
	is_sending = true;
	// A written address waits for nobody else's name.
	const auto literal = Place::literal(post.url.host, post.url.port);
	if (literal && (!post.url.is_secure || shared.trust.is_loaded())) {
		places = {*literal};
		limit.once(deadline);
		return step.once(0ms);
	}
	asking = std::make_shared<Sender *>(this);
	shared.resolver.ask(post.url.host, post.url.port, post.url.is_secure, [weak = std::weak_ptr(asking)](const Resolver::Answer &answer) {
		if (const auto self = weak.lock()) (*self)->on_places(answer);
	});
}

void Sender::on_places(const Resolver::Answer &answer)
{
	asking.reset();
	limit.once(deadline);
	places.assign(answer.places.rbegin(), answer.places.rend());
	if (places.empty()) return finish(answer.flaw);
	step.once(0ms);
}

/// Out of everybody's stack: the next address, or the end.
void Sender::on_step() noexcept
{
	session = nullptr;
	if (connection) evhttp_connection_free(std::exchange(connection, nullptr));
	if (has_ended) {
		limit.stop();
		is_sending = has_ended = false;
		const Outcome told = std::exchange(outcome, {});
		return on_end(told);
	}
	while (!places.empty()) {
		const Place to = places.back();
		places.pop_back();
		refused = to.refusal(shared.rules);
		if (!refused.empty()) continue;
		std::string flaw = connect(to);
		if (flaw.empty()) flaw = post_it();
		if (!flaw.empty()) finish(std::move(flaw), true);
		return;
	}
	finish("not sent: " + refused);
}

std::string Sender::connect(const Place &to)
{
	trying = to.text();
	error = -1;
	bufferevent *bev = nullptr;
	if (post.url.is_secure) {
		session = shared.trust.session_for(post.url.host);
		if (!session) return "there is no TLS session to be had";
		bev = bufferevent_openssl_socket_new(shared.scope.base(), -1, session, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
		if (!bev) SSL_free(std::exchange(session, nullptr));
		else bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	} else {
		bev = bufferevent_socket_new(shared.scope.base(), -1, BEV_OPT_CLOSE_ON_FREE);
	}
	if (!bev) return "no memory for a connection";
	connection = evhttp_connection_base_bufferevent_new(shared.scope.base(), nullptr, bev, trying.c_str(), to.port()); // a literal address: no DNS
	if (!connection) {
		bufferevent_free(bev);
		session = nullptr;
		return "no memory for a connection";
	}
	evhttp_connection_set_max_headers_size(connection, most_head);
	evhttp_connection_set_max_body_size(connection, most_body);
	evhttp_connection_set_retries(connection, 0);
	evhttp_connection_set_timeout(connection, never);
	return {};
}

std::string Sender::post_it()
{
	evhttp_request *r = evhttp_request_new(&Calls::on_complete, this);
	if (!r) return "no memory for a request";
	evhttp_request_set_header_cb(r, &Calls::on_head);
	evhttp_request_set_chunked_cb(r, &Calls::on_chunk);
	evhttp_request_set_error_cb(r, &Calls::on_error);
	evkeyvalq *head = evhttp_request_get_output_headers(r);
	evhttp_add_header(head, "Host", post.url.authority.c_str());
	evhttp_add_header(head, "Connection", "close");
	for (const auto &[name, value] : post.headers) evhttp_add_header(head, name.c_str(), value.c_str());
	evbuffer_add(evhttp_request_get_output_buffer(r), post.body.data(), post.body.size());
	if (evhttp_make_request(connection, r, EVHTTP_REQ_POST, post.url.target.c_str()) == 0) return {};
	return "the request could not be sent"; // evhttp has freed it
}

std::string Sender::why_none() const
{
	if (session)
		if (std::string complaint = Trust::complaint(session); !complaint.empty()) return complaint;
	switch (error) {
	case EVREQ_HTTP_EOF: return fmt::format("{} closed the connection without an answer", trying);
	case EVREQ_HTTP_INVALID_HEADER: return fmt::format("{} answered with what is no HTTP", trying);
	case EVREQ_HTTP_BUFFER_ERROR: return fmt::format("the connection to {} broke", trying);
	case EVREQ_HTTP_DATA_TOO_LONG: return fmt::format("the head of {}'s answer is too long", trying);
	default: return fmt::format("{} port {}: no connection; does it listen there{}?", trying, post.url.port, session ? ", and speak TLS" : "");
	}
}

/// may_try_next: nothing has been said to anybody yet.
void Sender::finish(std::string text, bool may_try_next) noexcept
{
	outcome.text = std::move(text);
	has_ended = !may_try_next || places.empty();
	step.once(0ms);
}

void Sender::on_deadline() noexcept
{
	const int status = outcome.status;
	close();
	is_sending = has_ended = true;
	outcome.status = status;
	outcome.text = status == 0 ? fmt::format("no answer within {} s", deadline.count()) : std::string();
	step.once(0ms);
}

} // namespace webhook::outgoing
