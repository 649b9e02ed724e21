// patchbayctl: asks the daemon, and tells people or programs what it says.
#include "access.hpp"
#include "command_line.hpp"
#include "context.hpp"
#include "failure.hpp"
#include "help.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <exception>

namespace ctl {

void note(std::string_view text) { fmt::print(stderr, "patchbayctl: {}\n", text); }

namespace {

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
