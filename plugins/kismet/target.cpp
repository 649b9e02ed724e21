#include "kismet/target.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace kismet {
namespace {

std::string base64(std::string_view bytes)
{
	std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
	const int n =
		EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()), reinterpret_cast<const unsigned char *>(bytes.data()), static_cast<int>(bytes.size()));
	out.resize(static_cast<std::size_t>(n));
	return out;
}

void append_escaped(std::string &out, std::string_view text)
{
	for (const char c : text) {
		const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
		if (is_plain) {
			out += c;
		} else {
			out += '%';
			out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
			out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
		}
	}
}

std::string_view trimmed(std::string_view s) noexcept
{
	while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
	while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r' || s.back() == '\n')) s.remove_suffix(1);
	return s;
}

bool is_clean(std::string_view text) noexcept
{
	for (const char c : text)
		if (c <= ' ' || c >= 0x7f) return false;
	return true;
}

} // namespace

std::string Target::authority() const
{
	const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
	return port == 80 ? name : name + ":" + std::to_string(port);
}

std::optional<Target> parse_url(std::string_view url, std::string &why)
{
	why = "url: must look like http://127.0.0.1:2501";
	if (url.starts_with("https://")) why = "url: https is not spoken here; use http on this machine, or a tunnel";
	constexpr std::string_view scheme = "http://";
	if (!url.starts_with(scheme) || !is_clean(url)) return {};
	url.remove_prefix(scheme.size());
	if (url.find_first_of("?#") != std::string_view::npos) return {};
	const std::size_t slash = url.find('/');
	std::string_view at = url.substr(0, slash);
	if (at.find('@') != std::string_view::npos) {
		why = "url: name and password do not belong into it; set username and password";
		return {};
	}
	Target t;
	t.prefix = slash == std::string_view::npos ? std::string() : std::string(url.substr(slash));
	while (t.prefix.ends_with('/')) t.prefix.pop_back();
	std::string_view port;
	if (at.starts_with('[')) {
		const std::size_t end = at.find(']');
		if (end == std::string_view::npos) return {};
		t.host = at.substr(1, end - 1);
		port = at.substr(end + 1);
	} else {
		const std::size_t colon = at.find(':');
		t.host = at.substr(0, colon);
		port = colon == std::string_view::npos ? std::string_view() : at.substr(colon);
	}
	if (t.host.empty()) return {};
	if (!port.empty()) {
		unsigned n = 0;
		const auto r = std::from_chars(port.data() + 1, port.data() + port.size(), n);
		if (port[0] != ':' || r.ec != std::errc() || r.ptr != port.data() + port.size() || n == 0 || n > 65535) return {};
		t.port = static_cast<std::uint16_t>(n);
	}
	why.clear();
	return t;
}

void wipe(std::string &secret) noexcept
{
	explicit_bzero(secret.data(), secret.size());
	secret.clear();
}

void Credentials::wipe() noexcept
{
	kismet::wipe(user);
	kismet::wipe(password);
	kismet::wipe(token);
}

Credentials &Credentials::operator=(Credentials &&o) noexcept
{
	std::swap(user, o.user);
	std::swap(password, o.password);
	std::swap(token, o.token);
	return *this;
}

std::optional<Credentials> Credentials::from_file_text(std::string_view text, const std::string &user, std::string &why)
{
	Credentials c(user, {}, {});
	std::string_view alone;
	while (!text.empty()) {
		const std::size_t n = text.find('\n');
		const std::string_view line = trimmed(text.substr(0, n));
		text = n == std::string_view::npos ? std::string_view() : text.substr(n + 1);
		if (line.empty() || line.starts_with('#')) continue;
		const std::size_t equal = line.find('=');
		const std::string_view key = trimmed(line.substr(0, equal)),
							   value = equal == std::string_view::npos ? std::string_view() : trimmed(line.substr(equal + 1));
		if (key == "httpd_username") c.user = value;
		else if (key == "httpd_password") c.password = value;
		else if (key == "api_token" || key == "httpd_apikey") c.token = value;
		else if (alone.empty()) alone = line;
	}
	if (c.password.empty() && c.token.empty()) c.password = alone;
	if (!c.password.empty() || !c.token.empty()) return c;
	why = "holds neither a password nor an API key";
	return {};
}

std::optional<Credentials> Credentials::from_file(const std::string &path, const std::string &user, std::string &why)
{
	const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		why = "password_file " + path + ": " + std::strerror(errno);
		return {};
	}
	std::array<char, 16384> buffer{};
	const ssize_t n = ::read(fd, buffer.data(), buffer.size());
	const int error = errno;
	::close(fd);
	std::optional<Credentials> c;
	if (n < 0) why = std::strerror(error);
	else c = from_file_text({buffer.data(), static_cast<std::size_t>(n)}, user, why);
	explicit_bzero(buffer.data(), buffer.size());
	if (!c) why = "password_file " + path + ": " + why;
	return c;
}

std::string Credentials::basic() const
{
	if (!token.empty() || (user.empty() && password.empty())) return {};
	std::string both = user + ":" + password;
	std::string out = "Basic " + base64(both);
	kismet::wipe(both);
	return out;
}

std::string Credentials::query(bool is_websocket) const
{
	std::string out;
	if (!token.empty()) {
		out = "?KISMET=";
		append_escaped(out, token);
	} else if (is_websocket && !(user.empty() && password.empty())) {
		out = "?user=";
		append_escaped(out, user);
		out += "&password=";
		append_escaped(out, password);
	}
	return out;
}

} // namespace kismet
