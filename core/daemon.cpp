#include "daemon.hpp"
#include "build_config.hpp"
#include "spare_memory.hpp"

#include "config/watch.hpp"
#include "files/writer.hpp"
#include "host/crash.hpp"
#include "host/host.hpp"
#include "host/native.hpp"
#include "host/services.hpp"
#include "http/server.hpp"
#include "state/store.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace core {

namespace {

// Sequence numbers begin at the time in µs, or a block above the last start where the clock went back: none comes twice.
constexpr std::chrono::seconds hurry_limit{3};
constexpr std::uint64_t seq_block = 1'000'000'000;

std::string absolute(const std::string &path)
{
	if (path.starts_with('/')) return path;
	const std::unique_ptr<char, decltype(&std::free)> here(getcwd(nullptr, 0), &std::free);
	return here ? fmt::format("{}/{}", here.get(), path) : path;
}

void tell(const std::vector<config::Problem> &problems)
{
	for (const config::Problem &p : problems) fmt::print(stderr, "{}\n", config::to_string(p));
}

} // namespace

tl::expected<config::Config, std::vector<config::Problem>> read_config(const Options &options)
{
	const config::Flags flags{options.listen, options.plugin_dirs, options.state_dir, options.log_level, options.log_format};
	auto config = config::read(options.config_file, flags);
	if (!config) return config;
	config::Core &core = config->core;
	core.state.directory = absolute(core.state.directory);
	for (std::string &d : core.plugin_host.directories) d = absolute(d);
	return config;
}

/// In the order of their needs: what stands below uses what stands above until the end.
struct Daemon::Parts {
	Parts(Options options_, config::Config config_);

	void set_log(const config::Core &core);
	void reread() noexcept;
	void refuse(const std::vector<config::Problem> &problems);
	void watch_files(const std::vector<std::string> &read);
	void apply(config::Config next);
	void on_term() noexcept;
	void on_patience_over() noexcept;
	void on_usr1() noexcept { log.reopen(); }
	void on_plugins_stopped() noexcept { http.stop(bind<&Parts::on_http_stopped>(this)); }
	void on_http_stopped() noexcept { reactor.stop(); }
	void on_settled() noexcept { give_back_spare_memory(); }
	void on_slow(Account &account, std::chrono::nanoseconds time) noexcept;
	[[nodiscard]] std::uint64_t first_seq();

	Options options;
	config::Core in_force; // what the core was last configured with
	std::string config_file;
	Log log;
	Reactor reactor;
	Pool pool;
	Metrics metrics;
	std::string state_warning;
	std::unique_ptr<state::Store> store;
	Topics topics;
	Methods methods;
	files::Writer files;
	http::Server http;
	host::Services services;
	host::Crash crash;
	host::Host host;
	std::unique_ptr<host::Native> native;
	std::unique_ptr<config::Watch> watch;
	std::unique_ptr<SignalWatch> term, interrupt, hup, usr1;
	Timer settled{reactor, bind<&Parts::on_settled>(this)};
	Timer patience; // once told twice
	bool is_stopping = false, is_hurried = false, is_reading = false, reads_again = false;
};

Daemon::Parts::Parts(Options options_, config::Config config)
	: options(std::move(options_)), in_force(config.core), config_file(options.config_file), pool(reactor),
	  store(state::Store::open(reactor, in_force.state.directory, state_warning)), topics(reactor, first_seq()), methods(reactor), files(reactor, pool),
	  http({reactor, log, topics, methods, metrics, pool}), services{reactor, pool, log, metrics, topics, methods, *store, files, http,
																in_force.state.directory, {}},
	  crash(reactor, in_force.state.directory), host(services, crash, in_force.state.directory), patience(reactor, bind<&Parts::on_patience_over>(this))
{
	host::fill_table(services);
	set_log(in_force);
	reactor.on_slow = bind<&Parts::on_slow>(this);
	if (!state_warning.empty()) log.warn(state_warning);
	store->on_warning = [this](const std::string &text) { log.warn(text); };
}

void Daemon::Parts::set_log(const config::Core &core)
{
	pb_level level = PB_INFO;
	(void)parse_level(core.log.level, level); // checked with the configuration
	log.set(level, core.log.format == "json" ? Log::Format::json : Log::Format::text);
	if (!log.open(core.log.file)) log.error("log file cannot be opened", {{"file", core.log.file}, {"reason", std::strerror(errno)}});
}

std::uint64_t Daemon::Parts::first_seq()
{
	const auto now = static_cast<std::uint64_t>(pb::unix_ms()) * 1000;
	const pb::Json kept = store->get_now("core", "next_seq");
	const auto first = std::max(now, static_cast<std::uint64_t>(json_integer_value(kept.get())));
	store->put("core", "next_seq", pb::Json(first + seq_block), false, nullptr); // in time for any crash that matters: the clock goes on
	return first;
}

void Daemon::Parts::on_slow(Account &account, std::chrono::nanoseconds time) noexcept
{
	log.warn("a callback held the loop", {{"of", account.name}, {"ms", std::chrono::duration<double, std::milli>(time).count()}});
}

/// Reads on a worker, since files can be slow; applies on the loop.
void Daemon::Parts::reread() noexcept
{
	if (std::exchange(is_reading, true)) {
		reads_again = true;
		return;
	}
	using Read = tl::expected<config::Config, std::vector<config::Problem>>;
	const auto next = std::make_shared<std::optional<Read>>(); // shared: worker and loop
	const bool is_taken = pool.submit([next, options = options] { *next = read_config(options); },
		[this, next] {
			is_reading = false;
			if (is_stopping) return;
			if (std::exchange(reads_again, false)) return reread();
			if (**next) apply(std::move(***next));
			else refuse((*next)->error());
		});
	if (!is_taken) {
		is_reading = false;
		log.error("the configuration is not read: the worker pool is busy; send SIGHUP again");
	}
}

void Daemon::Parts::refuse(const std::vector<config::Problem> &problems)
{
	std::string all;
	for (const config::Problem &p : problems) all += (all.empty() ? "" : "; ") + config::to_string(p);
	log.error("the configuration is not used, the former one stays in force", {{"reason", all}});
	native->set_config(config_file, all);
}

void Daemon::Parts::apply(config::Config next)
{
	const config::Core core = next.core;
	const std::vector<std::string> read = next.files;
	if (const auto problems = host.apply(std::move(next)); !problems.empty()) return refuse(problems);
	host.rescan();
	if (core.state.directory != in_force.state.directory)
		log.warn("another state directory is used from the next start on", {{"directory", core.state.directory}});
	in_force = core;
	set_log(core);
	http.reconfigure(core);
	watch_files(read);
	log.info("the configuration has been read again", {{"file", config_file}});
	native->set_config(config_file, "");
}

void Daemon::Parts::watch_files(const std::vector<std::string> &read)
{
	if (const std::string why = watch->set(read); !why.empty()) log.warn(why);
}

void Daemon::Parts::on_term() noexcept
{
	if (std::exchange(is_stopping, true)) {
		if (std::exchange(is_hurried, true)) return on_patience_over();
		log.warn("told to stop twice: nobody is waited for any more");
		patience.once(hurry_limit);
		host.hurry();
		return http.hurry();
	}
	log.info("stopping");
	sd_notify(0, "STOPPING=1");
	http.leave();
	host.stop(bind<&Parts::on_plugins_stopped>(this));
}

/// A job on a worker does not come back. What was acknowledged is kept, as after any kill.
void Daemon::Parts::on_patience_over() noexcept
{
	log.error("ends as it is: a job on a worker does not come back");
	std::_Exit(stopped);
}

Daemon::Daemon(Options options, config::Config config) : parts(nullptr)
{
	initial = std::make_unique<config::Config>(std::move(config));
	config::Config copy;
	copy.core = initial->core;
	parts = std::make_unique<Parts>(std::move(options), std::move(copy));
}

Daemon::~Daemon() = default;

int Daemon::load_only()
{
	const auto problems = parts->host.load(std::move(*initial), {});
	tell(problems);
	return problems.empty() ? stopped : bad_configuration;
}

int Daemon::run()
{
	Parts &p = *parts;
	const std::vector<std::string> read = initial->files;
	if (const auto problems = p.host.load(std::move(*initial), host::Crash::suspects(p.in_force.state.directory)); !problems.empty()) {
		tell(problems);
		return bad_configuration;
	}
	signal(SIGPIPE, SIG_IGN);
	p.term = std::make_unique<SignalWatch>(p.reactor, SIGTERM, bind<&Parts::on_term>(&p));
	p.interrupt = std::make_unique<SignalWatch>(p.reactor, SIGINT, bind<&Parts::on_term>(&p));
	p.hup = std::make_unique<SignalWatch>(p.reactor, SIGHUP, bind<&Parts::reread>(&p));
	p.usr1 = std::make_unique<SignalWatch>(p.reactor, SIGUSR1, bind<&Parts::on_usr1>(&p));
	p.native = std::make_unique<host::Native>(p.services, p.host);
	p.native->set_config(p.config_file, "");
	p.watch = std::make_unique<config::Watch>(p.reactor, bind<&Parts::reread>(&p));
	p.watch_files(read);
	if (auto listening = p.http.listen(p.in_force); !listening) {
		fmt::print(stderr, "patchbayd: {}\n", listening.error().text);
		return listening.error().code == "ADDRESS_TAKEN" ? address_taken : failed;
	}
	if (p.store->is_in_use()) { // not before: a taken address says more
		fmt::print(stderr, "patchbayd: {}\n", p.state_warning);
		return failed;
	}
	p.host.start();
	p.crash.start_watchdog();
	fmt::print("ready\n");
	std::fflush(stdout);
	sd_notify(0, "READY=1");
	p.log.info("ready", {{"version", PATCHBAY_VERSION}, {"pid", getpid()}});
	p.settled.once(std::chrono::seconds(2)); // by then plugins have started
	p.reactor.run();
	p.host.stop_now();
	p.native.reset();
	p.log.info("stopped");
	return stopped;
}

int check(const Options &options)
{
	auto config = read_config(options);
	if (!config) {
		tell(config.error());
		return bad_configuration;
	}
	// The plugins' own settings are known to their code alone: loaded, not started, from a state folder that is nobody's.
	Options aside = options;
	config->core.state.directory.clear();
	Daemon daemon(std::move(aside), std::move(*config));
	return daemon.load_only();
}

} // namespace core
