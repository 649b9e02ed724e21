// Where Kismet is, how to log in, and the handshake of its event bus.
#include <kismet/event_bus.hpp>
#include <kismet/target.hpp>

#include <CppUTest/TestHarness.h>

using namespace kismet;

TEST_GROUP(KismetTarget) { std::string why; };

TEST(KismetTarget, UrlsAreTakenApart)
{
	const auto plain = parse_url("http://127.0.0.1:2501", why);
	CHECK(plain.has_value());
	STRCMP_EQUAL("127.0.0.1", plain->host.c_str());
	CHECK_EQUAL(2501, plain->port);
	STRCMP_EQUAL("127.0.0.1:2501", plain->authority().c_str());
	const auto six = parse_url("http://[::1]:2501/kismet/", why);
	STRCMP_EQUAL("::1", six->host.c_str());
	STRCMP_EQUAL("/kismet", six->prefix.c_str());
	STRCMP_EQUAL("[::1]:2501", six->authority().c_str());
	CHECK_EQUAL(80, parse_url("http://kit.local/", why)->port);
	for (const char *bad : {"", "127.0.0.1:2501", "ftp://x", "http://", "http://:2501", "http://x:0", "http://x:99999", "http://x:2501x", "http://[::1",
			 "http://x y", "http://x/?a=1", "http://x\r\nHost: y"}) {
		CHECK_TEXT(!parse_url(bad, why), bad);
		CHECK(!why.empty());
	}
}

TEST(KismetTarget, PasswordsDoNotBelongIntoTheUrl)
{
	CHECK(!parse_url("http://admin:secret@127.0.0.1:2501", why));
	STRCMP_CONTAINS("username and password", why.c_str());
	CHECK(why.find("secret") == std::string::npos);
	CHECK(!parse_url("https://127.0.0.1:2501", why));
	STRCMP_CONTAINS("https", why.c_str());
}

TEST(KismetTarget, LoginsAreBasicOrAKey)
{
	const Credentials user("admin", "a&b", "");
	STRCMP_EQUAL("Basic YWRtaW46YSZi", user.basic().c_str());
	STRCMP_EQUAL("", user.query(false).c_str());
	STRCMP_EQUAL("?user=admin&password=a%26b", user.query(true).c_str());
	const Credentials key("admin", "x", "K/1");
	STRCMP_EQUAL("", key.basic().c_str());
	STRCMP_EQUAL("?KISMET=K%2F1", key.query(false).c_str());
	STRCMP_EQUAL("?KISMET=K%2F1", key.query(true).c_str());
	const Credentials none;
	CHECK(none.is_empty());
	STRCMP_EQUAL("", none.basic().c_str());
	STRCMP_EQUAL("", none.query(true).c_str());
}

TEST(KismetTarget, FilesHoldAPasswordOrAKey)
{
	STRCMP_EQUAL("Basic YWRtaW46c2VjcmV0", Credentials::from_file_text("secret\n", "admin", why)->basic().c_str());
	STRCMP_EQUAL("Basic cGk6c2VjcmV0", Credentials::from_file_text("# Kismet's\nhttpd_username=pi\nhttpd_password=secret\r\n", "admin", why)->basic().c_str());
	STRCMP_EQUAL("?KISMET=ABC", Credentials::from_file_text("api_token = ABC\n", "", why)->query(false).c_str());
	STRCMP_EQUAL("Basic YWRtaW46YT1i", Credentials::from_file_text("a=b\n", "admin", why)->basic().c_str());
	CHECK(!Credentials::from_file_text("\n# nothing\n", "admin", why));
	CHECK(!Credentials::from_file("/nowhere/at/all", "admin", why));
	STRCMP_CONTAINS("/nowhere/at/all: No such file", why.c_str());
}

TEST(KismetTarget, TheBusAnswersOurKeyOrIsNone)
{
	const std::string key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, 1.3
	EventBus::End end;
	CHECK(EventBus::is_upgrade(
		"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\nSEC-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", key,
		end));
	end = {};
	CHECK(!EventBus::is_upgrade("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n", key, end));
	end = {};
	CHECK(!EventBus::is_upgrade("HTTP/1.1 404 Not Found\r\n\r\n", key, end));
	CHECK_EQUAL(404, end.status);
	for (const char *bad : {"", "\r\n\r\n", "HTTP/1.1", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"}) {
		end = {};
		CHECK_TEXT(!EventBus::is_upgrade(bad, key, end), bad);
		CHECK(!end.text.empty());
	}
}
