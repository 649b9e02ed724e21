// patchbayd: the command line.
#include "build_config.hpp"
#include "daemon.hpp"

#include "http/token_hash.hpp"

#include <fmt/format.h>

#include <getopt.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>

namespace {

constexpr const char *usage =
	R"(usage: patchbayd [--config FILE] [--listen ADDR:PORT]… [--plugin-dir DIR]… [--state-dir DIR]
                 [--log-level error|warn|info|debug] [--log-format text|json]
                 [--check] [--hash-token] [--version] [--help]

  --config FILE       read FILE and conf.d/*.toml beside it; without it, defaults
  --listen ADDR:PORT  listen there instead of where the file says; also [ADDR6]:PORT and unix:PATH
  --plugin-dir DIR    look for plugins there instead
  --state-dir DIR     keep state.db there
  --check             say what is wrong with the configuration, and end
  --hash-token        read a token from standard input, print its hash for [auth] tokens

Exit status: 0 stopped as asked, 2 bad usage or configuration, 3 an address is taken, 1 anything else.
)";

enum Option { config = 1, listen, plugin_dir, state_dir, log_level, log_format, check, hash_token, version, help };

constexpr std::array<option, 11> options{
	{{"config", required_argument, nullptr, config}, {"listen", required_argument, nullptr, listen}, {"plugin-dir", required_argument, nullptr, plugin_dir},
		{"state-dir", required_argument, nullptr, state_dir}, {"log-level", required_argument, nullptr, log_level},
		{"log-format", required_argument, nullptr, log_format}, {"check", no_argument, nullptr, check}, {"hash-token", no_argument, nullptr, hash_token},
		{"version", no_argument, nullptr, version}, {"help", no_argument, nullptr, help}, {nullptr, 0, nullptr, 0}}};

int print_hash()
{
	std::array<char, 4096> line{};
	const char *token = std::fgets(line.data(), line.size(), stdin);
	std::string_view text = token ? token : "";
	while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
	if (text.empty()) {
		fmt::print(stderr, "patchbayd: --hash-token: no token on standard input\n");
		return core::bad_configuration;
	}
	fmt::print("{}\n", core::http::hash_token(text));
	return core::stopped;
}

int bad_usage(const std::string &why)
{
	fmt::print(stderr, "patchbayd: {}\n{}", why, usage);
	return core::bad_configuration;
}

int run(int argc, char **argv)
{
	core::Options given;
	bool is_check = false;
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":", options.data(), nullptr)) != -1;) {
		switch (c) {
		case config: given.config_file = optarg; break;
		case listen: given.listen.emplace_back(optarg); break;
		case plugin_dir: given.plugin_dirs.emplace_back(optarg); break;
		case state_dir: given.state_dir = optarg; break;
		case log_level: given.log_level = optarg; break;
		case log_format: given.log_format = optarg; break;
		case check: is_check = true; break;
		case hash_token: return print_hash();
		case version: fmt::print("patchbayd {}\n", PATCHBAY_VERSION); return core::stopped;
		case help: fmt::print("{}", usage); return core::stopped;
		case ':': return bad_usage(fmt::format("{} needs a value", argv[optind - 1]));
		default: return bad_usage(fmt::format("unknown option {}", argv[optind - 1]));
		}
	}
	if (optind < argc) return bad_usage(fmt::format("unexpected argument {}", argv[optind]));
	if (is_check) return core::check(given);
	auto config = core::read_config(given);
	if (!config) {
		for (const auto &p : config.error()) fmt::print(stderr, "{}\n", core::config::to_string(p));
		return core::bad_configuration;
	}
	return core::Daemon(std::move(given), std::move(*config)).run();
}

} // namespace

int main(int argc, char **argv)
{
	mallopt(M_ARENA_MAX, 2); // the workers' arenas would cost memory that they never need
	try {
		return run(argc, argv);
	} catch (const std::exception &e) {
		fmt::print(stderr, "patchbayd: {}\n", e.what());
		return core::failed;
	}
}
