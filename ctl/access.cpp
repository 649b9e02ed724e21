#include "access.hpp"
#include "failure.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace ctl {

namespace {

/// From the command line, else from the environment.
std::optional<std::string> given(const Arguments &arguments, const char *option, const char *variable)
{
	if (auto value = arguments.get(option)) return value;
	const char *value = std::getenv(variable);
	return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

/// The first line of the file, which is all of the token.
std::string read_token(const std::string &path)
{
	const std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen(path.c_str(), "re"), &std::fclose);
	if (!file) throw Failure(bad_usage, fmt::format("--token-file {}: {}", harmless(path), std::strerror(errno)));
	std::array<char, 4096> line{};
	std::string_view token = std::fgets(line.data(), line.size(), file.get()) ? line.data() : "";
	while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
	for (const char c : token)
		if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > '~')
			throw Failure(bad_usage, fmt::format("--token-file {}: a token has no blanks and no odd characters", harmless(path)));
	if (token.empty()) throw Failure(bad_usage, fmt::format("--token-file {}: its first line is empty; that line is the token", harmless(path)));
	return std::string(token);
}

} // namespace

Access access_of(const Arguments &arguments)
{
	Access access;
	if (const auto host = given(arguments, "host", "PATCHBAY_HOST")) access.targets = {parse_target(*host)};
	else access.targets = usual_targets();
	if (const auto file = given(arguments, "token-file", "PATCHBAY_TOKEN_FILE")) access.token = read_token(*file);
	access.ca_file = given(arguments, "ca-file", "PATCHBAY_CA_FILE").value_or("");
	if (const auto limit = arguments.get("timeout")) {
		const auto time = parse_duration(*limit);
		if (!time || time->count() < 0.001 || time->count() > 86400)
			throw Failure(bad_usage, fmt::format("--timeout {}: it is a time up to 1d, as in 500ms, 10s, 2m", harmless(*limit)));
		access.timeout = *time;
	}
	return access;
}

} // namespace ctl
