#include "help.hpp"
#include "version.hpp"

#include "terminal/text.hpp"

#include <fmt/format.h>

namespace ctl {

namespace {
constexpr std::size_t indent = 24;

void print_options(Output &out, std::span<const Option> options)
{
	for (const Option &o : options) {
		out.add(o.letter != 0 ? fmt::format("  -{}, ", o.letter) : "      ");
		out.pad(fmt::format("--{}{}{}", o.name, o.value ? " " : "", o.value ? o.value : ""), indent);
		out.line(fmt::format("  {}", o.help));
	}
}
} // namespace

void print_version(Output &out) { out.line("patchbayctl " PATCHBAY_VERSION); }

void print_help(Output &out, const Command *command)
{
	if (command) {
		out.line(fmt::format("usage: patchbayctl {} {}", command->name, command->arguments));
		out.line(fmt::format("{}.", command->help));
		if (!command->options.empty()) out.line();
		print_options(out, command->options);
		out.line();
		print_options(out, common_options());
		return;
	}
	out.line("usage: patchbayctl [OPTION]… COMMAND [ARGUMENT]…");
	out.line();
	for (const Command &c : all_commands()) {
		if (c.name[0] == '_') continue;
		out.add("  ");
		out.pad(c.name, 14, Style::bold);
		out.line(c.help);
	}
	out.line();
	print_options(out, common_options());
	out.line();
	out.line("patchbayctl COMMAND --help says more. Asked are --host, else PATCHBAY_HOST, else /run/patchbay/http.sock, else 127.0.0.1:8092.");
	out.line("Exit status: 0 done, 1 not done (the message says why), 2 usage, 3 daemon not reachable, 4 refused.");
}

} // namespace ctl
