#include "http/file_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace core::http {

namespace {
using Type = std::pair<std::string_view, const char *>;
constexpr auto types = std::to_array<Type>({
	// sorted by extension
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apk", "application/vnd.android.package-archive"},
	{"avif", "image/avif"},
	{"bin", "application/octet-stream"},
	{"bmp", "image/bmp"},
	{"br", "application/octet-stream"},
	{"bz2", "application/x-bzip2"},
	{"cot", "application/xml"},
	{"css", "text/css; charset=utf-8"},
	{"csv", "text/csv; charset=utf-8"},
	{"doc", "application/msword"},
	{"eot", "application/vnd.ms-fontobject"},
	{"flac", "audio/flac"},
	{"geojson", "application/geo+json"},
	{"gif", "image/gif"},
	{"gpx", "application/gpx+xml"},
	{"gz", "application/gzip"},
	{"htm", "text/html; charset=utf-8"},
	{"html", "text/html; charset=utf-8"},
	{"ico", "image/vnd.microsoft.icon"},
	{"jar", "application/java-archive"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", "text/javascript; charset=utf-8"},
	{"json", "application/json"},
	{"jsonl", "application/jsonl; charset=utf-8"},
	{"kml", "application/vnd.google-earth.kml+xml"},
	{"kmz", "application/vnd.google-earth.kmz"},
	{"log", "text/plain; charset=utf-8"},
	{"m4a", "audio/mp4"},
	{"map", "application/json"},
	{"md", "text/markdown; charset=utf-8"},
	{"mjs", "text/javascript; charset=utf-8"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpeg", "video/mpeg"},
	{"nmea", "text/plain; charset=utf-8"},
	{"ogg", "audio/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"pbf", "application/x-protobuf"},
	{"pcap", "application/vnd.tcpdump.pcap"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"rtf", "application/rtf"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tgz", "application/gzip"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"toml", "application/toml"},
	{"ttf", "font/ttf"},
	{"txt", "text/plain; charset=utf-8"},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json"},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xhtml", "application/xhtml+xml"},
	{"xml", "application/xml"},
	{"xz", "application/x-xz"},
	{"yaml", "application/yaml"},
	{"yml", "application/yaml"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
});
static_assert(std::ranges::is_sorted(types, {}, &Type::first));
} // namespace

const char *type_of(std::string_view name) noexcept
{
	constexpr const char *unknown = "application/octet-stream";
	name = name.substr(name.rfind('/') + 1);
	const std::size_t dot = name.rfind('.');
	if (dot == std::string_view::npos || dot == 0) return unknown;
	const std::string_view extension = name.substr(dot + 1);
	char lower[16];
	if (extension.size() > sizeof lower) return unknown;
	std::ranges::transform(extension, lower, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
	const auto i = std::ranges::lower_bound(types, std::string_view(lower, extension.size()), {}, &Type::first);
	return i != types.end() && i->first == std::string_view(lower, extension.size()) ? i->second : unknown;
}

} // namespace core::http
