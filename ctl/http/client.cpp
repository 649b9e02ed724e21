#include "http/client.hpp"
#include "failure.hpp"
#include "version.hpp"

#include "http/curl.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ctl {

namespace {
constexpr std::size_t largest_body = 256 * 1024 * 1024;
constexpr long connect_ms = 5000;

struct HeaderList {
	curl_slist *list = nullptr;
	HeaderList() = default;
	HeaderList(const HeaderList &) = delete;
	HeaderList &operator=(const HeaderList &) = delete;
	~HeaderList() { curl().slist_free_all(list); }
	void add(const std::string &line) { list = curl().slist_append(list, line.c_str()); }
	void clear() { curl().slist_free_all(std::exchange(list, nullptr)); }
};

/// The body of an answer, up to its limit.
std::size_t on_body(char *bytes, std::size_t, std::size_t n, void *into)
{
	auto &body = *static_cast<std::string *>(into);
	if (body.size() + n > largest_body) return 0;
	body.append(bytes, n);
	return n;
}

/// Descriptors are not the children's: a lock must end with its connection.
int on_socket(void *, curl_socket_t socket, curlsocktype)
{
	(void)fcntl(socket, F_SETFD, FD_CLOEXEC);
	return CURL_SOCKOPT_OK;
}

std::string lines_of_details(const json_t *details)
{
	std::string out;
	std::size_t i;
	json_t *d;
	json_array_foreach(const_cast<json_t *>(details), i, d) {
		if (!pb::text_at(d, "message").empty()) out += fmt::format("\n  {}: {}", harmless(pb::text_at(d, "field")), harmless(pb::text_at(d, "message")));
	}
	return out;
}

int exit_of(long status) noexcept
{
	switch (status) {
	case 400: return bad_usage;
	case 401:
	case 403:
	case 421:
	case 429: return refused;
	default: return not_done;
	}
}
} // namespace

struct Client::Handle {
	CURL *easy = curl().easy_init();
	HeaderList headers;
	std::array<char, CURL_ERROR_SIZE> error{};
	std::string sent;

	Handle() = default;
	Handle(const Handle &) = delete;
	Handle &operator=(const Handle &) = delete;
	~Handle() { curl().easy_cleanup(easy); }
	template<typename T> void set(CURLoption option, T value) { curl().easy_setopt(easy, option, value); }
};

Failure as_failure(const Answer &answer)
{
	const pb::Json body = pb::Json::parse(answer.body);
	const json_t *error = pb::at(body.get(), "error");
	const bool is_table = json_is_object(error);
	const std::string_view code = is_table ? pb::text_at(error, "code") : pb::text_of(error);
	std::string_view message = pb::text_at(body.get(), "message");
	if (message.empty() && is_table) message = pb::text_at(error, "message");
	std::string text = message.empty() ? fmt::format("the answer was HTTP {}", answer.status) : harmless(message);
	if (!code.empty()) text += fmt::format(" ({})", harmless(code));
	if (is_table) text += lines_of_details(pb::at(error, "details"));
	if (answer.status == 404 && text.starts_with("nothing is served at")) text += "\n  its plugin may be off, failed or missing: patchbayctl plugins";
	if (answer.status == 401) text += "\n  give a token: --token-file FILE, or PATCHBAY_TOKEN_FILE";
	return {exit_of(answer.status), text};
}

Client::Client(const Access &access_) : access(access_) {}
Client::~Client() = default;

CURL *Client::prepare(const char *method, const std::string &path, std::string_view body, const std::vector<std::string> &headers)
{
	if (!handle) handle = std::make_unique<Handle>();
	Handle &c = *handle;
	if (!c.easy) throw Failure(not_done, "libcurl cannot be set up");
	curl().easy_reset(c.easy);
	c.error[0] = 0;
	c.sent = body;
	c.headers.clear();
	for (const std::string &h : headers) c.headers.add(h);
	if (!access.token.empty()) c.headers.add("Authorization: Bearer " + access.token);
	c.headers.add("Expect:");
	const std::string url = fmt::format("{}{}{}", target().base, path.starts_with('/') ? "" : "/api/webhook/", path);
	c.set(CURLOPT_URL, url.c_str());
	if (!target().unix_path.empty()) c.set(CURLOPT_UNIX_SOCKET_PATH, target().unix_path.c_str());
	if (!access.ca_file.empty()) c.set(CURLOPT_CAINFO, access.ca_file.c_str());
	c.set(CURLOPT_PROTOCOLS_STR, "http,https");
	c.set(CURLOPT_NOPROXY, "*");
	c.set(CURLOPT_PATH_AS_IS, 1L);
	c.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
	c.set(CURLOPT_USERAGENT, "patchbayctl/" PATCHBAY_VERSION);
	c.set(CURLOPT_ERRORBUFFER, c.error.data());
	c.set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	c.set(CURLOPT_SOCKOPTFUNCTION, &on_socket);
	if (std::strcmp(method, "GET") != 0) {
		c.set(CURLOPT_CUSTOMREQUEST, method);
		c.headers.add("Content-Type: application/json");
		c.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(c.sent.size()));
		c.set(CURLOPT_POSTFIELDS, c.sent.c_str());
	}
	c.set(CURLOPT_HTTPHEADER, c.headers.list);
	return c.easy;
}

std::string Client::reason(int code) const
{
	if (!plain_reason.empty()) return plain_reason;
	const auto c = static_cast<CURLcode>(code);
	long number = 0;
	curl().easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &number);
	if (c == CURLE_COULDNT_CONNECT && number != 0) return std::strerror(static_cast<int>(number));
	if (c == CURLE_COULDNT_RESOLVE_HOST) return "there is no such name";
	if (c == CURLE_OPERATION_TIMEDOUT) return "no answer in time";
	if (c == CURLE_GOT_NOTHING) return "the connection was closed without an answer";
	return handle->error[0] ? harmless(handle->error.data()) : curl().easy_strerror(c);
}

bool Client::next_target(int code)
{
	if (has_answered || code != CURLE_COULDNT_CONNECT || at + 1 >= access.targets.size()) return false;
	tried.push_back(fmt::format("{} ({})", target().text, reason(code)));
	++at;
	return true;
}

bool Client::next_after_refusal()
{
	if (at + 1 >= access.targets.size()) return false;
	++at;
	return true;
}

std::string Client::unreachable_text(int code) const
{
	std::vector<std::string> all = tried;
	all.push_back(fmt::format("{} ({})", target().text, reason(code)));
	return fmt::format("no Patchbay at {}; is it running? (systemctl start patchbay)", fmt::join(all, ", nor at "));
}

int Client::ask_once(const char *method, const std::string &path, std::string_view body, Seconds limit, Answer &answer)
{
	plain_reason.clear();
	if (PlainHttp::serves(target())) {
		std::vector<std::string> headers{"User-Agent: patchbayctl/" PATCHBAY_VERSION, "Accept: */*"};
		if (!access.token.empty()) headers.push_back("Authorization: Bearer " + access.token);
		if (std::strcmp(method, "GET") != 0) headers.emplace_back("Content-Type: application/json");
		try {
			auto reply = plain.ask(target(), method, path.starts_with('/') ? path : "/api/webhook/" + path, headers, body, limit);
			answer = {reply.status, std::move(reply.body)};
			return CURLE_OK;
		} catch (const PlainFailure &f) {
			plain_reason = f.text;
			using Kind = PlainFailure::Kind;
			return f.kind == Kind::no_connection ? CURLE_COULDNT_CONNECT : f.kind == Kind::too_late ? CURLE_OPERATION_TIMEDOUT : CURLE_RECV_ERROR;
		}
	}
	CURL *easy = prepare(method, path, body);
	handle->set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count() * 1000));
	handle->set(CURLOPT_WRITEFUNCTION, &on_body);
	handle->set(CURLOPT_WRITEDATA, &answer.body);
	const CURLcode code = curl().easy_perform(easy);
	if (code == CURLE_OK) curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
	return code;
}

Answer Client::ask(const char *method, const std::string &path, std::string_view body, Seconds deadline)
{
	if (access.timeout.count() > 0) deadline = access.timeout;
	Answer forbidden;
	for (;;) {
		Answer answer;
		const int code = ask_once(method, path, body, deadline, answer);
		if (code != CURLE_OK) {
			if (forbidden.status != 0) return forbidden;
			if (next_target(code)) continue;
			if (code == CURLE_OPERATION_TIMEDOUT && std::strcmp(method, "GET") != 0)
				throw Failure(
					not_done, fmt::format("no answer from {} within {}; what was asked for may still be under way", target().text, duration_text(deadline)));
			throw Failure(unreachable, unreachable_text(code));
		}
		has_answered = true;
		if (answer.status != 403 || !next_after_refusal()) return answer;
		forbidden = std::move(answer);
	}
}

std::string Client::get(const std::string &path, Seconds deadline)
{
	Answer answer = ask("GET", path, {}, deadline);
	if (answer.status != 200) throw as_failure(answer);
	return std::move(answer.body);
}

pb::Json Client::json(const std::string &path, Seconds deadline)
{
	std::string why;
	pb::Json out = pb::Json::parse(get(path, deadline), &why);
	if (!out) throw Failure(not_done, fmt::format("{} answers what is no JSON ({}); is that Patchbay?", target().text, harmless(why)));
	return out;
}

std::string Client::post(const std::string &path, const pb::Json &body, Seconds deadline)
{
	Answer answer = ask("POST", path, body.text(), deadline);
	if (answer.status < 200 || answer.status > 299) throw as_failure(answer);
	return std::move(answer.body);
}

namespace {
/// What follow() keeps while libcurl runs.
struct Following {
	CURL *easy;
	const std::function<bool(std::string_view)> &on_bytes;
	std::chrono::steady_clock::time_point last; // that something came
	Seconds silence;
	std::string refusal{}; // the body of an answer that is no 200
	bool has_left = false, is_silent = false;
	std::exception_ptr thrown{};

	std::size_t take(char *bytes, std::size_t n)
	{
		last = std::chrono::steady_clock::now();
		long status = 0;
		curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (status != 200) return on_body(bytes, 1, n, &refusal);
		try {
			has_left = !on_bytes({bytes, n});
		} catch (...) {
			thrown = std::current_exception(); // C is between here and who catches
			return 0;
		}
		return has_left ? 0 : n;
	}
	static std::size_t on_data(char *bytes, std::size_t, std::size_t n, void *self) { return static_cast<Following *>(self)->take(bytes, n); }
	static int on_progress(void *self, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
	{
		auto &f = *static_cast<Following *>(self);
		f.is_silent = std::chrono::steady_clock::now() - f.last > f.silence;
		return f.is_silent ? 1 : 0;
	}
};
} // namespace

Client::End Client::follow(
	const std::string &path, const std::vector<std::string> &headers, const std::function<bool(std::string_view)> &on_bytes, Seconds silence, std::string &why)
{
	for (;;) {
		plain_reason.clear();
		CURL *easy = prepare("GET", path, {}, headers);
		Following f{easy, on_bytes, std::chrono::steady_clock::now(), silence};
		handle->set(CURLOPT_WRITEFUNCTION, &Following::on_data);
		handle->set(CURLOPT_WRITEDATA, &f);
		handle->set(CURLOPT_XFERINFOFUNCTION, &Following::on_progress);
		handle->set(CURLOPT_XFERINFODATA, &f);
		handle->set(CURLOPT_NOPROGRESS, 0L);
		const CURLcode code = curl().easy_perform(easy);
		if (f.thrown) std::rethrow_exception(f.thrown);
		if (f.has_left) return End::left;
		if (next_target(code)) continue;
		long status = 0;
		curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (!has_answered && status == 0 && !f.is_silent) throw Failure(unreachable, unreachable_text(code));
		if (status != 0 && status != 200) throw as_failure({status, f.refusal});
		has_answered = true;
		why = f.is_silent ? fmt::format("nothing came for {}", duration_text(silence)) : code == CURLE_OK ? "the daemon ended it" : reason(code);
		return End::lost;
	}
}

} // namespace ctl
