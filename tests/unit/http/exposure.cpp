#include "http/exposure.hpp"

#include <CppUTest/TestHarness.h>

TEST_GROUP(Exposure){};

TEST(Exposure, a_listener_beyond_loopback_needs_a_written_mode)
{
	core::config::Core core{};
	core.auth.mode = "none";
	core.http.listen = {"127.0.0.1:8092", "[::1]:8092", "unix:/run/x.sock"};
	CHECK(core::http::check_exposure(core).has_value());
	CHECK(core::http::exposure_warning(core).empty());
	for (const char *listen : {"0.0.0.0:8092", "[::]:8092", "192.0.2.1:80", "kit.local:80"}) {
		core.http.listen = {"127.0.0.1:8092", listen};
		core.auth.is_written = false;
		const auto checked = core::http::check_exposure(core);
		CHECK_FALSE_TEXT(checked.has_value(), listen);
		STRCMP_CONTAINS(listen, checked.error().text.c_str());
		core.auth.is_written = true;
		CHECK(core::http::check_exposure(core).has_value());
		STRCMP_CONTAINS(listen, core::http::exposure_warning(core).c_str());
	}
	core.auth.mode = "token";
	CHECK(core::http::exposure_warning(core).empty());
}
