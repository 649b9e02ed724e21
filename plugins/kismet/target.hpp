// Where Kismet is and how to log in there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kismet {

/// The setting `url`.
struct Target {
	std::string host; // a name or an address, without brackets
	std::uint16_t port = 80;
	std::string prefix;                          // of every path: "" or "/kismet"
	[[nodiscard]] std::string authority() const; // as a Host header has it
};
/// Empty with `why` where it is none that we can reach.
[[nodiscard]] std::optional<Target> parse_url(std::string_view url, std::string &why);

/// A name and a password, or an API key. Wiped when it goes; never shown.
class Credentials {
public:
	Credentials() = default;
	Credentials(std::string user_, std::string password_, std::string token_) : user(std::move(user_)), password(std::move(password_)), token(std::move(token_))
	{}
	Credentials(Credentials &&) = default;
	Credentials &operator=(Credentials &&o) noexcept;
	~Credentials() { wipe(); }

	/// The content of password_file: Kismet's own kismet_httpd.conf (`httpd_username=`, `httpd_password=`), a line `api_token=…`,
	/// or the password alone. Empty with `why`.
	[[nodiscard]] static std::optional<Credentials> from_file_text(std::string_view text, const std::string &user, std::string &why);
	/// Blocks.
	[[nodiscard]] static std::optional<Credentials> from_file(const std::string &path, const std::string &user, std::string &why);

	[[nodiscard]] bool is_empty() const noexcept { return user.empty() && password.empty() && token.empty(); }
	/// The value of an Authorization header; empty where there is none.
	[[nodiscard]] std::string basic() const;
	/// What follows a path: "?KISMET=…", for an API key; for a WebSocket also "?user=…&password=…".
	[[nodiscard]] std::string query(bool is_websocket) const;

private:
	void wipe() noexcept;
	std::string user, password, token;
};

void wipe(std::string &secret) noexcept;

} // namespace kismet
