#include "held_lock.hpp"
#include "failure.hpp"

#include "http/curl.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace ctl {

namespace {
constexpr std::size_t longest_line = 64 * 1024;
}

HeldLock::HeldLock(Client &client_, const std::string &name_, const std::string &owner, Seconds wait)
	: client(client_), name(name_), path(fmt::format("locks/{}/acquire?verbose=1", escaped(name_))),
	  body(pb::Json{{"owner", owner}, {"timeout_ms", static_cast<std::int64_t>(wait.count() * 1000)}, {"hold", "connection"}}.text()),
	  multi(curl().multi_init())
{
	begin();
}

HeldLock::~HeldLock()
{
	if (easy) curl().multi_remove_handle(multi, easy);
	curl().multi_cleanup(multi); // closes the connection, which gives the lock back
}

void HeldLock::begin()
{
	easy = client.prepare("POST", path, body);
	curl().easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HeldLock::on_data);
	curl().easy_setopt(easy, CURLOPT_WRITEDATA, this);
	curl().easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl().multi_add_handle(multi, easy);
}

std::size_t HeldLock::on_data(char *bytes, std::size_t, std::size_t n, void *self)
{
	static_cast<HeldLock *>(self)->take({bytes, n});
	return n;
}

void HeldLock::take(std::string_view bytes)
{
	if (status == 0) curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		if (refusal.size() < longest_line) refusal += bytes;
		return;
	}
	for (;;) {
		const std::size_t end = bytes.find('\n');
		if (half.size() < longest_line) half += bytes.substr(0, end);
		if (end == std::string_view::npos) return;
		bytes.remove_prefix(end + 1);
		on_line(std::exchange(half, {}));
	}
}

void HeldLock::on_line(std::string_view line)
{
	const pb::Json json = pb::Json::parse(line);
	const std::string_view what = pb::text_at(json.get(), "state");
	if (what == "granted") state = State::granted;
	if (what == "waiting") {
		state = State::waiting;
		const auto ahead = pb::integer_at(json.get(), "ahead");
		news = fmt::format("waiting for {}: {} has it", name, harmless(pb::text_at(pb::at(json.get(), "holder"), "owner", "somebody")));
		if (ahead > 0) news += fmt::format(", {} wait before us", ahead);
	}
	if (what == "refused") fail(not_done, fmt::format("{} ({})", harmless(pb::text_at(json.get(), "message")), harmless(pb::text_at(json.get(), "error"))));
}

void HeldLock::fail(int code_, std::string text)
{
	if (state == State::failed) return;
	state = State::failed;
	code = code_;
	why = std::move(text);
}

/// Has the transfer ended? Then there is no lock, whatever was before.
void HeldLock::look_for_end()
{
	int left = 0;
	while (const CURLMsg *m = curl().multi_info_read(multi, &left)) {
		if (m->msg != CURLMSG_DONE) continue;
		const CURLcode result = m->data.result;
		curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		const std::string reason = client.reason(result);
		curl().multi_remove_handle(multi, std::exchange(easy, nullptr));
		const bool may_elsewhere = status == 0 ? client.next_target(result) : status == 403 && client.next_after_refusal();
		if (may_elsewhere) {
			status = 0;
			refusal.clear();
			return begin();
		}
		if (status == 0) return fail(unreachable, client.unreachable_text(result));
		if (status != 200) {
			const Failure f = as_failure({status, refusal});
			return fail(f.exit, f.text);
		}
		return fail(not_done, fmt::format("the lock {} is lost: {}", name, result == CURLE_OK ? "the daemon ended the connection" : reason));
	}
}

bool HeldLock::wait(int fd, int timeout_ms)
{
	int running = 0, ready = 0;
	curl().multi_perform(multi, &running);
	look_for_end();
	curl_waitfd other{fd, CURL_WAIT_POLLIN, 0};
	if (state != State::failed || fd >= 0) curl().multi_poll(multi, fd >= 0 ? &other : nullptr, fd >= 0 ? 1 : 0, timeout_ms, &ready);
	curl().multi_perform(multi, &running);
	look_for_end();
	return other.revents != 0;
}

std::string HeldLock::take_news() { return std::exchange(news, {}); }

} // namespace ctl
