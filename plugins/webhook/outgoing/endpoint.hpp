// One webhook at work: takes events, delivers them in order, one at a time, tries again, buries what cannot be delivered.
#pragma once
#include "hook.hpp"
#include "queue.hpp"
#include "sender.hpp"
#include "settings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace webhook::outgoing {

/// Keeps its own document up to date. Loop thread.
class Endpoint final {
public:
	static constexpr std::int64_t most_letters = 100; // dead letters that are kept for a look

	Endpoint(Sender::Shared shared, const Settings &settings, Hook hook);
	~Endpoint();
	Endpoint(const Endpoint &) = delete;
	Endpoint &operator=(const Endpoint &) = delete;

	[[nodiscard]] const Hook &about() const noexcept { return hook; }
	/// As the contract has it, and how its deliveries go.
	[[nodiscard]] pb::Json shown() const;
	/// taken: told once it is committed, or that it is not kept.
	void add(std::string_view event, std::string body, Queue::Taken taken);
	/// Nothing more is sent, and what is kept of it goes; done once that is committed.
	void forget(pb::Scope::Done done);
	[[nodiscard]] std::string letters_journal() const;
	[[nodiscard]] static std::string document(const std::string &id) { return "outgoing/hook/" + id; }

private:
	void on_ready() noexcept { pump(); }
	void on_retry() noexcept;
	void on_end(const Outcome &outcome) noexcept;
	void on_save() noexcept { save(); }
	void pump();
	void send(const Entry &entry);
	void fail(const Entry &entry, const std::string &why);
	void bury(const Entry &entry, const std::string &why);
	void next();
	void count_drop();
	void save();

	pb::Scope &scope;
	const Settings &settings;
	Hook hook;
	bool is_forgotten = false, is_dropping = false, is_changed = false, is_waiting = false;
	Sender sender;
	pb::Timer retry, saving;
	Queue queue; // may call at once
};

} // namespace webhook::outgoing
