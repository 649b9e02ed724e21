// patchbayctl: asks the daemon, and tells people or programs what it says.
#include "command_line.hpp"
#include "context.hpp"
#include "failure.hpp"
#include "help.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace ctl {

void note(std::string_view text) { fmt::print(stderr, "patchbayctl: {}\n", text); }

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

Output::Colours colours_of(const Arguments &arguments)
{
	const std::string when = arguments.get("color").value_or("auto");
	if (when == "always") return Output::Colours::always;
	if (when == "never") return Output::Colours::never;
	if (when != "auto") throw Failure(bad_usage, fmt::format("--color {}: it is auto, always or never", harmless(when)));
	return Output::Colours::when_terminal;
}

int run(int argc, char **argv)
{
	const CommandLine line = parse_command_line(argc, argv);
	Context context(access_of(line.arguments), colours_of(line.arguments), line.arguments.has("json"));
	if (line.arguments.has("version")) print_version(context.out);
	else if (line.arguments.has("help")) print_help(context.out, line.command);
	else if (!line.command) {
		print_help(context.out, nullptr);
		context.out.flush();
		return bad_usage;
	} else {
		const int code = line.command->run(context, line.arguments);
		context.out.flush();
		return code;
	}
	context.out.flush();
	return done;
}

/// 0, 1 and 2 are open, so that nothing else is opened in their place.
void open_standard_descriptors()
{
	for (int fd = 0; fd <= 2; ++fd)
		if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

} // namespace
} // namespace ctl

int main(int argc, char **argv)
{
	ctl::open_standard_descriptors();
	(void)std::setlocale(LC_CTYPE, "C.UTF-8"); // widths of characters; what we print is UTF-8 wherever
	try {
		return ctl::run(argc, argv);
	} catch (const ctl::Failure &f) {
		fmt::print(stderr, "patchbayctl: {}\n", f.text);
		return f.exit;
	} catch (const std::exception &e) {
		fmt::print(stderr, "patchbayctl: {}\n", e.what());
		return ctl::not_done;
	}
}
