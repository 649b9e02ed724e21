// Is it ready? tcp, http, file and log are asked again and again until they say so, or the time is over.
#pragma once
#include "context.hpp"
#include "log_follow.hpp"
#include "probe_target.hpp"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <vector>

namespace procs {

struct Address {
	sockaddr_storage storage{};
	socklen_t size = 0;
};
/// Names are looked up on a worker; addresses and localhost are not.
[[nodiscard]] std::vector<Address> resolve(const Endpoint &where, bool may_ask, std::string &why);

/// One attempt to connect and, for http, to be answered. Loop thread, nothing blocks.
class Attempt final {
public:
	using Done = pb::Bound<bool, const std::string &>; // is ready; or why not
	Attempt(Context &context, const Endpoint &where, const Address &address, bool is_http, Done done);

private:
	void on_ready(int fd, std::uint32_t what) noexcept;
	void on_late() noexcept;
	void fail(int error);
	void read_status();
	void tell(bool is_ready, const std::string &why);

	const Endpoint where;
	const bool is_http;
	Done done;
	std::string request, answer;
	UniqueFd fd;
	std::unique_ptr<pb::Fd> watch;
	pb::Timer late;
};

/// Asks until the condition holds. Tells once: ready, or why not within the time.
class Probe final : public LogFollow::Owner {
public:
	struct Owner {
		virtual void on_ready() noexcept = 0;
		virtual void on_not_ready(const std::string &why) noexcept = 0;

	protected:
		~Owner() = default;
	};
	/// began_ms: older log lines do not count. limit 0: one round is enough to say no.
	Probe(Context &context, const Ready &ready, std::string log, std::int64_t began_ms, milliseconds limit, Owner &owner);
	~Probe();
	/// "tcp 127.0.0.1:2501"
	[[nodiscard]] static std::string name_of(const Ready &ready);

private:
	void on_round() noexcept;
	void on_limit() noexcept;
	void on_attempt(bool is_ready, const std::string &why) noexcept;
	void connect_next();
	void look_for_file();
	void look_up();
	void say(bool is_ready);
	void on_line(const LogLine &line) noexcept override;
	void on_gap() noexcept override {}

	Context &context;
	const Ready ready;
	const std::int64_t began_ms;
	const bool is_single;
	Owner &owner;
	std::optional<Endpoint> where;
	std::vector<Address> addresses;
	std::size_t next_address = 0;
	milliseconds pause{20};
	std::string last_error;
	bool is_over = false;
	std::shared_ptr<bool> alive; // shared: jobs on workers outlive us
	std::unique_ptr<Attempt> attempt;
	std::unique_ptr<LogFollow> follow;
	pb::Timer round, limit;
};

} // namespace procs
