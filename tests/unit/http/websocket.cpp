// patchbay/websocket.hpp over a toy of the border: what comes out byte for byte, whatever comes in.
#include <patchbay/websocket.hpp>

#include <CppUTest/TestHarness.h>

#include <map>
#include <random>

namespace {
/// One request and one stream.
struct Toy {
	std::map<std::string, std::string> headers{
		{"Upgrade", "WebSocket"}, {"Connection", "keep-alive, Upgrade"}, {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
	std::string method = "GET", accept, out, body;
	int status = 0;
	bool is_ended = false, is_stuck = false;
	std::size_t waiting = 0;
	pb_stream_events events{};
	void *self = nullptr;
};
Toy *toy = nullptr;

const pb_http toy_http = [] {
	pb_http h{};
	h.struct_size = sizeof h;
	h.method = [](const pb_request *) { return toy->method.c_str(); };
	h.header = [](const pb_request *, const char *name) -> const char * {
		const auto i = toy->headers.find(name);
		return i == toy->headers.end() ? nullptr : i->second.c_str();
	};
	h.respond = [](pb_request *, int status, const pb_header *, size_t, const void *b, size_t n) {
		toy->status = status;
		toy->body.assign(static_cast<const char *>(b), n);
	};
	h.fail = [](pb_request *, const pb_error *e) { toy->status = e->status; };
	h.upgrade = [](pb_request *, const char *, const pb_header *headers, size_t n, const pb_stream_events *e, void *self) {
		toy->status = 101;
		for (size_t i = 0; i < n; ++i)
			if (std::string_view(headers[i].name) == "Sec-WebSocket-Accept") toy->accept = headers[i].value;
		toy->events = *e;
		toy->self = self;
		return reinterpret_cast<pb_stream *>(toy);
	};
	h.write = [](pb_stream *, const void *d, size_t n) {
		toy->out.append(static_cast<const char *>(d), n);
		if (toy->is_stuck) toy->waiting += n;
		return toy->waiting;
	};
	h.buffered = [](const pb_stream *) { return toy->waiting; };
	h.end = [](pb_stream *) { toy->is_ended = true; };
	return h;
}();
const pb_host toy_host = [] {
	pb_host h{};
	h.struct_size = sizeof h;
	h.http = &toy_http;
	return h;
}();

std::string masked(std::uint8_t first, std::string_view payload, bool is_masked = true)
{
	std::string out{static_cast<char>(first)};
	const auto mask = static_cast<char>(is_masked ? 0x80 : 0);
	const std::size_t n = payload.size();
	if (n < 126) {
		out += static_cast<char>(static_cast<std::size_t>(static_cast<unsigned char>(mask)) | n);
	} else if (n < 65536) {
		out += static_cast<char>(mask | 126);
		out += {static_cast<char>(n >> 8), static_cast<char>(n & 0xff)};
	} else {
		out += static_cast<char>(mask | 127);
		for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((n >> shift) & 0xff);
	}
	const char key[4]{0x11, 0x22, 0x33, 0x44};
	if (is_masked) out.append(key, 4);
	for (std::size_t i = 0; i < n; ++i) out += is_masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
	return out;
}
/// A close frame as the server sends it.
std::string closing(int code) { return std::string("\x88", 1) + '\x02' + static_cast<char>(code >> 8) + static_cast<char>(code & 0xff); }
} // namespace

TEST_GROUP(WebSocket)
{
	void setup() override { toy = &it; }
	void open()
	{
		pb::WebSocket::Options o;
		o.max_message = 1000;
		o.max_queue = 5000;
		o.on_text = pb::bind<&TEST_GROUP_CppUTestGroupWebSocket::on_text>(this);
		o.on_close = pb::bind<&TEST_GROUP_CppUTestGroupWebSocket::on_close>(this);
		socket = std::make_unique<pb::WebSocket>(pb::Request(&toy_host, reinterpret_cast<pb_request *>(&it)), o);
	}
	void feed(std::string_view bytes) { it.events.on_data(it.self, bytes.data(), bytes.size()); }
	void on_text(std::string_view m) noexcept
	{
		received.emplace_back(m);
		if (m == "close me") socket->close(1001, "bye");
	}
	void on_close() noexcept
	{
		++closes;
		socket.reset();
	}
	Toy it;
	std::vector<std::string> received;
	int closes = 0;
	std::unique_ptr<pb::WebSocket> socket;
};

TEST(WebSocket, the_handshake_of_the_rfc)
{
	open();
	LONGS_EQUAL(101, it.status);
	STRCMP_EQUAL("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", it.accept.c_str());
	CHECK(socket->is_open());
}

TEST(WebSocket, a_handshake_that_is_none_is_refused)
{
	struct {
		const char *name, *value;
		int status;
	} const cases[]{{"Upgrade", "h2c", 426}, {"Sec-WebSocket-Version", "8", 426}, {"Connection", "keep-alive", 400}, {"Sec-WebSocket-Key", "short", 400},
		{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!==", 400}, {"Sec-WebSocket-Key", "", 400}};
	for (const auto &c : cases) {
		it = {};
		it.headers[c.name] = c.value;
		open();
		LONGS_EQUAL_TEXT(c.status, it.status, c.name);
		CHECK_FALSE(socket->is_open());
		CHECK_FALSE(socket->send("x"));
		socket->tick();
		socket->close();
		socket.reset();
	}
	it = {};
	it.method = "POST";
	open();
	LONGS_EQUAL(405, it.status);
	LONGS_EQUAL(0, closes);
}

TEST(WebSocket, messages_come_whole_however_they_were_cut)
{
	open();
	const std::string bytes = masked(0x81, "one") + masked(0x01, "tw") + masked(0x89, "ping") + masked(0x00, "") + masked(0x80, "o") + masked(0x81, "") +
							  masked(0x81, std::string(700, 'x'));
	for (const char c : bytes) feed({&c, 1});
	LONGS_EQUAL(4, received.size());
	STRCMP_EQUAL("one", received[0].c_str());
	STRCMP_EQUAL("two", received[1].c_str());
	STRCMP_EQUAL("", received[2].c_str());
	LONGS_EQUAL(700, received[3].size());
	CHECK(it.out == std::string("\x8a\x04ping"));
	it.out.clear();
	received.clear();
	feed(bytes);
	LONGS_EQUAL(4, received.size());
	CHECK(it.out == std::string("\x8a\x04ping"));
}

TEST(WebSocket, frames_go_out_in_the_shortest_form)
{
	open();
	CHECK(socket->send("hello"));
	CHECK(it.out == "\x81\x05hello");
	it.out.clear();
	CHECK(socket->send(std::string(126, 'a')));
	CHECK(it.out.substr(0, 4) == std::string("\x81\x7e\x00\x7e", 4));
	std::string frame;
	pb::WebSocket::append_frame(frame, pb::WebSocket::text, std::string(65536, 'a'), false);
	CHECK(frame.substr(0, 10) == std::string("\x01\x7f\0\0\0\0\0\1\0\0", 10));
}

TEST(WebSocket, a_client_that_closes_gets_its_code_back)
{
	open();
	feed(masked(0x88, std::string("\x03\xe8", 2) + "bye"));
	CHECK(it.out.starts_with("\x88"));
	CHECK(it.out.find("\x03\xe8") == 2);
	CHECK(it.is_ended);
	LONGS_EQUAL(1, closes);
}

TEST(WebSocket, an_empty_close_is_answered)
{
	open();
	feed(masked(0x88, ""));
	CHECK(it.out.starts_with("\x88"));
	LONGS_EQUAL(1, closes);
}

TEST(WebSocket, our_close_is_sent_once_and_waits_for_theirs)
{
	open();
	feed(masked(0x81, "close me"));
	CHECK(it.out == closing(1001).replace(1, 1, "\x05") + "bye");
	LONGS_EQUAL(0, closes);
	CHECK_FALSE(socket->send("late"));
	feed(masked(0x81, "ignored"));
	LONGS_EQUAL(1, received.size());
	feed(masked(0x88, std::string("\x03\xe9", 2)));
	CHECK(it.out == closing(1001).replace(1, 1, "\x05") + "bye");
	CHECK(it.is_ended);
	LONGS_EQUAL(1, closes);
}

TEST(WebSocket, a_client_that_does_not_close_is_ended)
{
	open();
	socket->close();
	socket->tick();
	LONGS_EQUAL(0, closes);
	socket->tick();
	LONGS_EQUAL(1, closes);
	CHECK(it.is_ended);
}

TEST(WebSocket, mistakes_close_with_their_code)
{
	struct {
		const char *what;
		std::string bytes;
		int code;
	} const cases[]{
		{"not masked", masked(0x81, "x", false), 1002},
		{"reserved bit", masked(0xc1, "x"), 1002},
		{"reserved opcode", masked(0x83, "x"), 1002},
		{"reserved control opcode", masked(0x8b, "x"), 1002},
		{"fragmented ping", masked(0x09, "x"), 1002},
		{"long ping", masked(0x89, std::string(126, 'x')), 1002},
		{"continuation of nothing", masked(0x80, "x"), 1002},
		{"message within a message", masked(0x01, "x") + masked(0x81, "y"), 1002},
		{"close of one byte", masked(0x88, "x"), 1002},
		{"close with a code that is none", masked(0x88, std::string("\x03\xec", 2)), 1002},
		{"close with broken text", masked(0x88, std::string("\x03\xe8\xff", 3)), 1007},
		{"broken UTF-8", masked(0x81, "a\xff"), 1007},
		{"broken UTF-8 across frames", masked(0x01, "\xc3") + masked(0x80, "a"), 1007},
		{"half a character", masked(0x81, "\xe2\x82"), 1007},
		{"surrogate", masked(0x81, "\xed\xa0\x80"), 1007},
		{"too long", masked(0x81, std::string(1001, 'x')), 1009},
		{"too long in pieces", masked(0x01, std::string(600, 'x')) + masked(0x80, std::string(600, 'x')), 1009},
		{"announced too long", std::string("\x81\xff\x00\x00\x00\x7f\xff\xff\xff\xff\x11\x22\x33\x44x", 15), 1009},
		{"length not in its shortest form", std::string("\x81\xfe\x00\x01\x11\x22\x33\x44x", 9), 1002},
		{"binary", masked(0x82, "x"), 1003},
	};
	for (const auto &c : cases) {
		it = {};
		closes = 0;
		received.clear();
		open();
		feed(c.bytes);
		CHECK_TEXT(it.out.size() >= 4 && static_cast<unsigned char>(it.out[0]) == 0x88, c.what);
		LONGS_EQUAL_TEXT(c.code, static_cast<unsigned char>(it.out[2]) << 8 | static_cast<unsigned char>(it.out[3]), c.what);
		CHECK_TEXT(it.is_ended, c.what);
		LONGS_EQUAL_TEXT(1, closes, c.what);
		LONGS_EQUAL_TEXT(0, received.size(), c.what);
	}
}

TEST(WebSocket, a_slow_client_bounds_what_waits)
{
	open();
	it.is_stuck = true;
	CHECK(socket->send(std::string(4000, 'x')));
	CHECK_FALSE(socket->send(std::string(4000, 'x')));
	CHECK(socket->is_open());
	it.waiting = 0;
	CHECK(socket->send(std::string(4000, 'x')));
	CHECK(it.events.max_buffer >= 5000);
}

TEST(WebSocket, pings_go_out_and_silence_ends_it)
{
	open();
	socket->tick();
	CHECK(it.out == std::string("\x89\x00", 2));
	feed(masked(0x8a, ""));
	socket->tick();
	socket->tick();
	LONGS_EQUAL(0, closes);
	socket->tick();
	LONGS_EQUAL(1, closes);
}

TEST(WebSocket, a_client_that_leaves_is_told_once)
{
	open();
	feed(masked(0x01, "half"));
	it.events.on_close(it.self);
	LONGS_EQUAL(1, closes);
}

TEST(WebSocket, random_bytes_never_harm)
{
	std::mt19937 random(7); // fixed: a failure comes again
	for (int round = 0; round < 3000; ++round) {
		it = {};
		open();
		std::string bytes = masked(0x81, "hello") + masked(0x01, "a") + masked(0x80, "b");
		for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
		for (std::size_t at = 0; at < bytes.size() && socket;) {
			const std::size_t n = std::min<std::size_t>(1 + random() % 9, bytes.size() - at);
			feed(std::string_view(bytes).substr(at, n));
			at += n;
		}
		socket.reset();
	}
}
