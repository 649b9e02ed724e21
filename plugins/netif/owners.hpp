// Who owns which interface: one owner at a time, those that wait while one is given back, and what an earlier daemon left.
#pragma once
#include "holding.hpp"

#include <list>

namespace netif {

struct AcquireArgs {
	std::string name, owner;
	std::optional<std::string> mode;
	std::optional<std::int64_t> channel, ttl_ms, pid;
	static constexpr auto fields = pb::fields(pb::field("name", &AcquireArgs::name, {.min = 1, .max = 15, .help = "the interface"}),
		pb::field("owner", &AcquireArgs::owner, {.min = 1, .max = 128, .help = "who asks, for people to read; the same name again renews or changes"}),
		pb::field("mode", &AcquireArgs::mode, {.choices = "managed|monitor", .help = "without it the interface stays as it is"}),
		pb::field("channel", &AcquireArgs::channel, {.min = 1, .max = 7200, .help = "in monitor mode: its number, or MHz"}),
		pb::field("ttl_ms", &AcquireArgs::ttl_ms, {.min = 100, .max = 86400000, .help = "it is given back unless renewed within this time"}),
		pb::field("pid", &AcquireArgs::pid, {.min = 1, .max = 4194304, .help = "the owner's process: it is given back when that ends"}));
};

struct ReleaseArgs {
	std::string name, owner;
	static constexpr auto fields = pb::fields(pb::field("name", &ReleaseArgs::name, {.min = 1, .max = 15, .help = "the interface"}),
		pb::field("owner", &ReleaseArgs::owner, {.min = 1, .max = 128, .help = "who has it"}));
};

/// Loop thread. Borrows all but the holdings. Errors of acquire() and release() are thrown.
class Owners final {
public:
	Owners(Surroundings &around, std::vector<std::string> may_be_acquired);
	Owners(const Owners &) = delete;
	Owners &operator=(const Owners &) = delete;

	void configure(std::vector<std::string> may_be_acquired) { names = std::move(may_be_acquired); }
	/// Once the links are known: finishes or undoes what an earlier daemon left. What is asked before waits.
	void recover();

	void acquire(const AcquireArgs &args, pb::Reply &&reply);
	void release(const ReleaseArgs &args, pb::Reply &&reply);

	void on_news(int index, bool is_gone);
	/// A holding has changed: those that are over are freed after the turn, and those that wait go on.
	void on_changed() noexcept { sweeper.once(pb::milliseconds(0)); }

	/// Before the end: everything is given back (an owner whose process lives may do so itself for a while), or handed over.
	void give_back(bool also_living);
	void hand_over();
	[[nodiscard]] bool is_empty() const noexcept { return holdings.empty(); }
	/// The owner of an interface as its entry shows it, or null.
	[[nodiscard]] pb::Json describe(int index) const;

private:
	/// An acquire that waits while the interface is being given back. Does not move: the host holds its address.
	struct Waiting {
		Waiting(AcquireArgs args_, pb::Reply &&reply_) : args(std::move(args_)), reply(std::move(reply_))
		{
			reply.on_cancel(pb::bind<&Waiting::on_cancel>(this));
		}
		void on_cancel() noexcept { has_left = true; }
		AcquireArgs args;
		pb::Reply reply;
		bool has_left = false;
	};
	struct Left {
		Record record;
		bool is_alive = false;
		std::vector<Rival> users;
	};

	[[nodiscard]] Link &checked(const std::string &name) const;
	[[nodiscard]] Want want(const AcquireArgs &args, const Link &link) const;
	[[nodiscard]] std::uint32_t frequency(std::int64_t channel, const Link &link) const;
	[[noreturn]] void refuse(const Holding &holding) const;
	void wait(const AcquireArgs &args, pb::Reply &&reply);
	void take_up(std::vector<Left> left);
	void sweep() noexcept;

	static constexpr std::size_t most_waiting = 64;
	Surroundings &around;
	std::vector<std::string> names;
	std::map<int, std::unique_ptr<Holding>> holdings; // by ifindex
	std::list<Waiting> waiting;
	bool is_ready = false, is_ending = false;
	pb::Timer sweeper;
};

} // namespace netif
