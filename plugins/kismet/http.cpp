#include "kismet/http.hpp"

#include "kismet/target.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include <utility>

namespace kismet {

void FreeBuffer::operator()(evbuffer *b) const noexcept { evbuffer_free(b); }
Bytes new_bytes() { return Bytes(evbuffer_new()); }

struct Http::Calls {
	static int on_head(evhttp_request *r, void *self) noexcept
	{
		auto *h = static_cast<Http *>(self);
		h->answer.status = evhttp_request_get_response_code(r);
		const char *type = evhttp_find_header(evhttp_request_get_input_headers(r), "Content-Type");
		h->answer.type = std::string(type ? type : "").substr(0, 100);
		return 0;
	}
	static void on_chunk(evhttp_request *r, void *self) noexcept
	{
		auto *h = static_cast<Http *>(self);
		if (h->answer.status == 200) h->on_bytes(evhttp_request_get_input_buffer(r)); // what is left in it, evhttp drops
	}
	static void on_error(evhttp_request_error e, void *self) noexcept { static_cast<Http *>(self)->error = e; }
	static void on_complete(evhttp_request *r, void *self) noexcept
	{
		auto *h = static_cast<Http *>(self);
		h->flying = nullptr;
		const int status = r ? evhttp_request_get_response_code(r) : 0;
		if (r && status != 0) return h->finish(Answer::End::whole, {});
		if (h->error == EVREQ_HTTP_TIMEOUT) return h->finish(Answer::End::timed_out, "no answer in time");
		if (h->error == EVREQ_HTTP_EOF)
			return h->finish(Answer::End::broken, h->answer.status == 0 ? "the connection was closed without an answer" : "the answer stopped half way");
		if (h->error == EVREQ_HTTP_INVALID_HEADER) return h->finish(Answer::End::broken, "the answer is no HTTP");
		if (h->error == EVREQ_HTTP_DATA_TOO_LONG) return h->finish(Answer::End::broken, "the answer is too long");
		if (h->error == EVREQ_HTTP_BUFFER_ERROR)
			return h->finish(Answer::End::broken, h->answer.status == 0 ? "the connection broke" : "the answer stopped half way");
		h->finish(Answer::End::no_connection, "no connection");
	}
};

Http::Http(pb::Scope &scope_, pb::Bound<evbuffer *> on_bytes_, pb::Bound<const Answer &> on_end_)
	: scope(scope_), on_bytes(on_bytes_), on_end(on_end_), deadline(scope_, pb::bind<&Http::on_deadline>(this)),
	  finished(scope_, pb::bind<&Http::on_finished>(this))
{}

Http::~Http()
{
	close();
	wipe(authorization);
	wipe(request.path); // an API key stands in it
}

void Http::connect_to(std::string address_, std::uint16_t port_, std::string authority_)
{
	close();
	address = std::move(address_);
	port = port_;
	authority = std::move(authority_);
}

void Http::set_authorization(std::string value)
{
	wipe(authorization);
	authorization = std::move(value);
}

void Http::close() noexcept
{
	deadline.stop();
	finished.stop();
	is_asking = false;
	flying = nullptr; // goes with its connection, without a word
	if (connection) evhttp_connection_free(std::exchange(connection, nullptr));
}

void Http::send(Request request_)
{
	wipe(request.path);
	request = std::move(request_);
	is_asking = true;
	is_second_try = false;
	deadline.once(timeout);
	start();
}

void Http::start() noexcept
{
	constexpr ev_ssize_t most_head = 64 << 10, most_body = 256 << 20;
	answer = {};
	error = -1;
	if (!connection) {
		connection = evhttp_connection_base_bufferevent_new(scope.base(), nullptr, nullptr, address.c_str(), port); // a literal address: no DNS
		if (!connection) return finish(Answer::End::no_connection, "no memory for a connection");
		evhttp_connection_set_max_headers_size(connection, most_head);
		evhttp_connection_set_max_body_size(connection, most_body);
		evhttp_connection_set_retries(connection, 0);
		evhttp_connection_set_timeout(connection, 3600); // ours is the deadline
		bufferevent_set_max_single_read(evhttp_connection_get_bufferevent(connection), 64 << 10);
	}
	was_reused = bufferevent_getfd(evhttp_connection_get_bufferevent(connection)) >= 0;
	connects += !was_reused;
	evhttp_request *r = evhttp_request_new(&Calls::on_complete, this);
	if (!r) return finish(Answer::End::no_connection, "no memory for a request");
	evhttp_request_set_header_cb(r, &Calls::on_head);
	evhttp_request_set_chunked_cb(r, &Calls::on_chunk);
	evhttp_request_set_error_cb(r, &Calls::on_error);
	evkeyvalq *head = evhttp_request_get_output_headers(r);
	evhttp_add_header(head, "Host", authority.c_str());
	evhttp_add_header(head, "Accept", "application/json");
	evhttp_add_header(head, "Connection", "keep-alive");
	if (!authorization.empty()) evhttp_add_header(head, "Authorization", authorization.c_str());
	const bool is_post = std::string_view(request.method) == "POST";
	if (is_post) {
		evhttp_add_header(head, "Content-Type", "application/json");
		evbuffer_add(evhttp_request_get_output_buffer(r), request.body.data(), request.body.size());
	}
	flying = r;
	if (evhttp_make_request(connection, r, is_post ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, request.path.c_str()) != 0) {
		flying = nullptr; // evhttp has freed it
		finish(Answer::End::no_connection, "the request could not be sent");
	}
}

void Http::finish(Answer::End end, std::string text) noexcept
{
	answer.end = end;
	answer.text = std::move(text);
	deadline.stop();
	finished.once(std::chrono::milliseconds(0)); // out of evhttp's stack
}

void Http::on_deadline() noexcept
{
	const int status = answer.status;
	close();
	is_asking = true;
	answer.status = status;
	finish(Answer::End::timed_out, status == 0 ? "no answer in time" : "the answer did not end in time");
}

void Http::on_finished() noexcept
{
	// A kept connection that the other side closed just then says nothing of Kismet: once more, on a new one.
	if (answer.end == Answer::End::broken && answer.status == 0 && was_reused && !std::exchange(is_second_try, true)) {
		if (connection) evhttp_connection_free(std::exchange(connection, nullptr));
		deadline.once(timeout);
		return start();
	}
	if (answer.end != Answer::End::whole && connection) evhttp_connection_free(std::exchange(connection, nullptr));
	is_asking = false;
	const Answer told = std::exchange(answer, {});
	on_end(told);
}

} // namespace kismet
