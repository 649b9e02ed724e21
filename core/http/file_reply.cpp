#include "http/file_reply.hpp"

#include "http/byte_range.hpp"
#include "http/file_type.hpp"
#include "http/http_date.hpp"
#include "http/text.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace core::http {

namespace {
struct Found {
	OwnedFd fd;
	struct stat info {};
	const char *encoding = nullptr;
	[[nodiscard]] bool is_file() const noexcept { return fd && S_ISREG(info.st_mode); }
	[[nodiscard]] bool is_folder() const noexcept { return fd && S_ISDIR(info.st_mode); }
};

Found look(const Mount &mount, const std::string &path)
{
	Found out;
	out.fd = open_beneath(mount.folder, path);
	if (out.fd && fstat(out.fd.get(), &out.info) != 0) out.fd = {};
	return out;
}

/// The file itself, or its packed twin where the client takes that.
Found choose(Found plain, const FileAsk &ask, const Mount &mount, const std::string &path)
{
	if (!ask.range.empty()) return plain; // ranges count in the plain file
	for (const auto &[is_taken, suffix, name] : {std::tuple{ask.encodings.br, ".br", "br"}, std::tuple{ask.encodings.gzip, ".gz", "gzip"}}) {
		if (!is_taken) continue;
		Found packed = look(mount, path + suffix);
		if (!packed.is_file()) continue;
		packed.encoding = name;
		return packed;
	}
	return plain;
}

std::string etag_of(const Found &f)
{
	return fmt::format("\"{:x}-{:x}{:08x}-{:x}{}\"", f.info.st_ino, f.info.st_mtim.tv_sec, f.info.st_mtim.tv_nsec, f.info.st_size,
		f.encoding ? std::string("-") + f.encoding : "");
}

bool names(std::string_view list, std::string_view etag) noexcept
{
	while (!list.empty()) {
		std::string_view one = take_until(list, ',');
		if (one == "*") return true;
		if (one.starts_with("W/")) one.remove_prefix(2);
		if (one == etag) return true;
	}
	return false;
}

/// If-None-Match decides alone where it is there (RFC 9110, section 13.2.2).
bool is_unchanged(const FileAsk &ask, const Found &f, std::string_view etag)
{
	if (!ask.if_none_match.empty()) return names(ask.if_none_match, etag);
	const auto since = parse_http_date(ask.if_modified_since);
	return since && f.info.st_mtim.tv_sec <= *since;
}

bool wants_range(const FileAsk &ask, const Found &f, std::string_view etag)
{
	if (ask.range.empty()) return false;
	if (ask.if_range.empty() || ask.if_range == etag) return true;
	const auto date = parse_http_date(ask.if_range);
	return date && *date == f.info.st_mtim.tv_sec;
}

/// Also a file that shrinks meanwhile gives what it has.
std::string read_all(int fd, std::uint64_t offset, std::uint64_t size)
{
	std::string out(static_cast<std::size_t>(size), '\0');
	std::size_t have = 0;
	while (have < out.size()) {
		const ssize_t n = pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) break;
		have += static_cast<std::size_t>(n);
	}
	out.resize(have);
	return out;
}

std::string encoded(std::string_view path)
{
	std::string out;
	for (const char c : path) {
		const bool is_plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~/").find(c) != std::string_view::npos;
		if (is_plain) out += c;
		else fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
	}
	return out;
}

FileReply redirect(const FileAsk &ask)
{
	FileReply out;
	out.status = 301;
	out.headers = {{"Location", encoded(ask.url) + '/' + (ask.query.empty() ? "" : '?' + ask.query)}, {"Cache-Control", "no-cache"}};
	return out;
}

FileReply reply_with(Found f, const FileAsk &ask, const Mount &mount, const std::string &path, std::uint64_t most_at_once)
{
	FileReply out;
	const std::string etag = etag_of(f);
	out.headers = {{"ETag", etag}, {"Last-Modified", http_date(f.info.st_mtim.tv_sec)},
		{"Cache-Control", mount.cache_control.empty() ? "no-cache" : mount.cache_control}, {"Vary", "Accept-Encoding"}, {"X-Content-Type-Options", "nosniff"}};
	out.headers.insert(out.headers.end(), mount.headers.begin(), mount.headers.end());
	if (is_unchanged(ask, f, etag)) {
		out.status = 304;
		return out;
	}
	const auto whole = static_cast<std::uint64_t>(f.info.st_size);
	const ByteRange range = wants_range(ask, f, etag) ? ByteRange::parse(ask.range, whole) : ByteRange{};
	out.headers.emplace_back("Accept-Ranges", "bytes");
	if (range.kind == ByteRange::Kind::unsatisfiable) {
		out.status = 416;
		out.headers.emplace_back("Content-Range", fmt::format("bytes */{}", whole));
		return out;
	}
	const bool is_part = range.kind == ByteRange::Kind::part;
	out.status = is_part ? 206 : 200;
	out.offset = range.first;
	out.size = is_part ? range.size : whole;
	out.headers.emplace_back("Content-Type", type_of(path));
	if (f.encoding) out.headers.emplace_back("Content-Encoding", f.encoding);
	if (is_part) out.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.first + range.size - 1, whole));
	if (ask.is_head) return out;
	if (out.size > most_at_once) {
		out.rest = std::move(f.fd);
		return out;
	}
	out.body = read_all(f.fd.get(), out.offset, out.size);
	out.size = out.body.size();
	return out;
}
} // namespace

FileReply reply_with_file(const FileAsk &ask, std::uint64_t most_at_once)
{
	for (const auto &[mount, asked] : ask.candidates) {
		const bool is_folder = asked.empty() || asked.ends_with('/');
		const std::string path = is_folder ? asked + "index.html" : asked;
		Found found = look(*mount, path);
		if (found.is_folder() && !is_folder) return redirect(ask);
		if (!found.is_file()) continue;
		return reply_with(choose(std::move(found), ask, *mount, path), ask, *mount, path, most_at_once);
	}
	return {};
}

} // namespace core::http
