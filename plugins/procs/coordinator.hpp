// All processes: who starts before whom, who stops before whom, who may not run beside whom; and what was left from before.
#pragma once
#include "graph.hpp"
#include "lost.hpp"
#include "pid_files.hpp"
#include "process.hpp"

namespace procs {

/// Which processes a request means.
struct Targets {
	std::vector<std::string> names; // in the order of the group
	bool is_group = false;
	std::string name; // of the group or the process
};

enum class Wait { ready, started, first };

class Coordinator final : private ProcessOwner {
public:
	struct Observer {
		virtual void on_change(Process &process) noexcept = 0;
		virtual void on_begun() noexcept = 0;        // what was left from before is known
		virtual void on_guest(Process &process) = 0; // one more
	protected:
		~Observer() = default;
	};
	Coordinator(Context &context, Observer &observer);
	~Coordinator();

	/// A process, or else a group. Throws 404.
	[[nodiscard]] Targets find(const std::string &name) const;
	[[nodiscard]] Targets find_group(const std::string &name) const;
	[[nodiscard]] Process &at(const std::string &name) const { return *processes.at(name); }
	[[nodiscard]] const std::map<std::string, std::unique_ptr<Process>> &all() const noexcept { return processes; }
	[[nodiscard]] bool has_begun() const noexcept { return begun; }

	// Each throws what can be said at once; else `done` is told once.
	void start(const Targets &targets, Wait wait, milliseconds settle, const Extra &extra, Operation::Done done);
	void stop(const Targets &targets, bool force, StoppedBy who, Operation::Done done);
	void restart(const Targets &targets, Wait wait, Operation::Done done);
	/// From now on there is a process of that name with that command. Throws where there cannot be.
	void invite(const std::string &name, std::vector<std::string> command);

	/// The daemon stops: shutdown_order, one after the other, then the rest, dependents first; past the limit SIGKILL.
	void shut_down(pb::Bound<> done);
	/// No more time.
	void kill_all() noexcept;

private:
	struct Found {
		std::vector<FoundKeeper> keepers;
		std::string why;
	};
	/// A kept process that the configuration has no more: stopped.
	struct Leftover final : private RunnerOwner {
		Leftover(Context &context, FoundKeeper found);

	private:
		void on_running(Runner &) noexcept override {}
		void on_changed(Runner &) noexcept override {}
		void on_ended(Runner &, const Ended &, const std::string &) noexcept override;
		void on_warning(Runner &, const std::string &) noexcept override {}
		Context &context;
		const std::string name;
		ProcessSettings settings;
		std::unique_ptr<Runner> runner;
	};
	void begin() noexcept;
	void on_documents(const pb::Result &result);
	void on_scanned(Found found) noexcept;
	void begin_serving();
	void restore_guests();
	void hold_folder();
	void adopt_strangers();
	void finish_begin();
	void start_automatic();

	void on_process(Process &process) noexcept override;
	void on_process_ended(Process &process, const Ended &ended) noexcept override;
	[[nodiscard]] std::vector<pid_t> kept_roots() const override;

	void on_advance() noexcept;
	bool advance(Process &process);
	bool advance_start(Process &process);
	void check_conflicts(const std::vector<std::string> &names) const;
	[[nodiscard]] std::vector<std::string> plan_start(const Targets &targets) const;
	struct Down {
		Goal goal;
		bool force;
		StoppedBy who;
	};
	void take_down(const std::vector<std::string> &names, Down how);
	[[nodiscard]] Operation::Done after_files(Operation::Done done);
	void on_look() noexcept;
	void keep(Process &process);
	void on_kept(const pb::Result &result);
	void when_kept(std::function<void()> then);
	void next_of_shutdown();
	void on_shutdown_limit() noexcept;

	Context &context;
	Observer &observer;
	Edges edges;
	PidFiles pid_files;
	UniqueFd lock; // on the keep folder
	std::vector<std::unique_ptr<Leftover>> leftovers;
	std::map<std::string, std::string> kept;       // documents as they were written last
	std::map<std::string, ProcessSettings> guests; // before processes: these refer to them
	std::map<std::string, std::unique_ptr<Process>> processes;
	unsigned being_kept = 0;                    // documents on their way
	std::vector<std::function<void()>> waiting; // for them
	pb::Json documents;
	std::optional<std::vector<FoundKeeper>> found;
	bool has_documents = false, is_taking_over = false, begun = false;
	std::size_t shutdown_at = 0;
	bool is_shutting_down = false;
	pb::Bound<> shut;
	pb::Timer soon, advancing, looking, shutdown_limit;
};

} // namespace procs
