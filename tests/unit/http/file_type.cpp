#include "http/file_type.hpp"

#include <CppUTest/TestHarness.h>

using core::http::type_of;

TEST_GROUP(FileType){};

TEST(FileType, the_extension_decides_in_any_case)
{
	STRCMP_EQUAL("text/html; charset=utf-8", type_of("index.html"));
	STRCMP_EQUAL("text/html; charset=utf-8", type_of("a/b.c/INDEX.HTML"));
	STRCMP_EQUAL("text/javascript; charset=utf-8", type_of("app.min.js"));
	STRCMP_EQUAL("application/wasm", type_of("x.wasm"));
	STRCMP_EQUAL("font/woff2", type_of("x.woff2"));
}

TEST(FileType, what_is_not_known_is_bytes)
{
	for (const char *name : {"", "README", "x.", "x.unknown", ".html", "a.html/file", "x.averyveryverylongextension", "html"})
		STRCMP_EQUAL_TEXT("application/octet-stream", type_of(name), name);
}
