// One owner of one interface: taking it, watching over it, giving it back. A step is one job on the worker; between two
// steps the loop decides. The record on disk is ahead of every change.
//
//   acquire: checking → switching (manager, down, type, up, frequency, verify) → held
//   release, lease over, owner's process gone, a step failed: undoing → over, or stuck (tried again)
//   taken by somebody else twice, or unplugged: lost → over, without touching it again
#pragma once
#include "faults.hpp"
#include "kernel.hpp"
#include "manager.hpp"
#include "record.hpp"
#include "rival.hpp"
#include "state_file.hpp"
#include "worker.hpp"

namespace netif {

/// What an owner asks for.
struct Want {
	std::string owner;
	std::uint32_t type = 0; // NL80211_IFTYPE_*; 0: as it is
	std::uint32_t mhz = 0;  // 0: any
	std::int64_t lease_ms = 0;
	int pid = 0;
};

/// Who is told.
class Audience {
public:
	virtual ~Audience() = default;
	virtual void on_owner_changed(int index) noexcept = 0;
	virtual void on_incident(pb::Json incident) noexcept = 0;
	/// The answer to an acquire or a release.
	virtual pb::Json entry(int index) = 0;
};

/// What all holdings share. Borrowed.
struct Surroundings {
	pb::Scope &scope;
	Worker &worker, &scanner;
	Kernel &kernel;
	Manager &manager;
	Links &links;
	const Records &records;
	Audience &audience;
	const std::map<std::uint32_t, Wiphy> &wiphys;
	std::string boot, country, state_pattern;
};

/// Loop thread. Not owned: what it borrows. Freed by its owner after is_over().
class Holding final {
public:
	enum class State { checking, switching, held, undoing, stuck, over };
	static constexpr int undo_tries_at_once = 3;

	Holding(Surroundings &around, const Link &link, Want want);
	/// From a record of an earlier daemon.
	Holding(Surroundings &around, Record record);
	Holding(const Holding &) = delete;
	Holding &operator=(const Holding &) = delete;
	~Holding();

	void acquire(pb::Reply reply);
	/// The same owner again: another lease, process, mode or channel.
	void renew(const Want &want, pb::Reply reply);
	/// Gives it back, then answers; `reason` is for the log.
	void release(std::optional<pb::Reply> reply, const std::string &reason);
	/// What an earlier daemon began: goes on with it, where it was held and somebody uses it; else gives it back.
	void recover(bool is_in_use);
	/// A stuck one is tried again at once.
	void retry();
	/// News of the link or the radio; is_gone: the index has ended.
	void on_news(bool is_gone);
	/// Rests and leaves the interface as it is, for the next instance; the record says so.
	void hand_over();

	[[nodiscard]] State state() const noexcept { return now; }
	[[nodiscard]] const Record &kept() const noexcept { return record; }
	[[nodiscard]] const std::string &problem() const noexcept { return trouble; }
	[[nodiscard]] bool has_living_owner() const noexcept { return process_fd >= 0; }
	/// {"owner","mode","since",…}; null where nobody owns it any more.
	[[nodiscard]] pb::Json describe() const;
	/// "kismet since … (monitor, PID 12 kismet)"
	[[nodiscard]] std::string name_owner() const;

private:
	struct Checked;
	enum class Seen { good, gone, wrong_type, down, unknown };
	struct Look {
		Answer radio_answer, link_answer;
		Radio radio;
		LinkNews link;
	};
	using Then = void (Holding::*)(const Answer &);

	// holding.cpp: taking
	void check();
	void on_checked(Checked checked);
	[[nodiscard]] Fault judge(const Checked &checked) const;
	void claim();
	void on_claimed(const Claim &claim, const std::string &record_error);
	void start_switch();
	void on_manager_known(std::optional<bool> is_managed);
	void step(const char *name, std::function<Answer(Kernel &)> job, Then then);
	void step_down();
	void on_down(const Answer &answer);
	void on_type(const Answer &answer);
	void step_up();
	void on_up(const Answer &answer);
	void on_frequency(const Answer &answer);
	void verify();
	void on_verified(const Look &look);
	void become_held();
	void fail(const Fault &fault);
	void on_cancel() noexcept;
	void on_late() noexcept;
	[[nodiscard]] bool must_stop();
	void answer();
	[[nodiscard]] Circumstances about() const;

	// watch.cpp: holding
	void look(void (Holding::*then)(const Look &));
	[[nodiscard]] Seen judge(const Look &look) const;
	void take(const Look &look);
	void on_look(const Look &look);
	void on_watch() noexcept;
	void foreign_change(Seen seen, const Look &look);
	void lose(const std::string &why, const std::string &cls);
	void watch_process();
	void on_process(int fd, uint32_t what) noexcept;
	void set_lease();
	void on_lease() noexcept;
	void report(const std::string &cls, const std::string &message, const std::string &action);

	// undo.cpp: giving back
	void undo();
	void on_undone(const Fault &fault, const Look &look);
	void manager_takes_back();
	void finish();
	void on_retry() noexcept;
	void rest() noexcept;

	void enter(State state);
	void write_record(const char *step, std::function<void(const std::string &why)> done);

	Surroundings &around;
	Record record;
	State now = State::checking;
	std::string mode_before, command, trouble, reason;
	std::optional<pb::Reply> asking; // the acquire or renew under way
	std::vector<pb::Reply> giving;   // releases that wait
	Fault pending_fault;             // what the acquire failed with, told once the undoing has ended
	std::string sibling;
	bool is_hard_blocked = false, must_undo = false, is_late = false, is_changed = false;
	bool is_retrying = false;   // a foreign change is being put right
	bool is_type_right = false; // nothing to change but the channel
	bool is_renewing = false;   // the same owner wants something else
	bool is_looking = false, is_doubtful = false, is_gone = false, is_grace = false;
	int type_tries = 0, undo_tries = 0;
	std::chrono::steady_clock::time_point last_repair{};
	int process_fd = -1;
	std::optional<pb::Fd> process;
	pb::Timer late, watch, lease, retrying;
};

} // namespace netif
