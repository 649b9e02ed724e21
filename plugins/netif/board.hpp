// What is published: a topic for each interface and one for all, made anew for what has changed, in bounded turns.
#pragma once
#include "links.hpp"

#include <patchbay/patchbay.hpp>

namespace netif {

/// Loop thread. Borrows all; does not know owners or radios but by `describe`.
class Board final {
public:
	/// The entry of an interface; empty: it is gone.
	class Source {
	public:
		virtual ~Source() = default;
		virtual pb::Json describe(int index) = 0;
		virtual void on_watched(bool is_watched) noexcept = 0;
	};
	Board(pb::Scope &scope, Source &source);
	~Board();
	Board(const Board &) = delete;
	Board &operator=(const Board &) = delete;

	void mark(int index) noexcept;
	/// Everything that waits, now: for an answer that must be true.
	void flush_all();
	/// {"interfaces":[…]}
	[[nodiscard]] std::string list() const;
	[[nodiscard]] const std::string *entry(std::string_view name) const;

private:
	/// Does not move: the host holds the address of its topic.
	struct Shown {
		Shown(pb::Scope &scope, Board &board_, const std::string &name_, const std::string &topic_name)
			: board(board_), name(name_), topic(scope, topic_name.c_str(), "an interface as it is now", PB_DROP_SAME, pb::bind<&Shown::on_watch>(this))
		{}
		~Shown() { on_watch(0); }
		Shown(const Shown &) = delete;
		Shown &operator=(const Shown &) = delete;
		void on_watch(int is_watched_) noexcept;
		Board &board;
		const std::string name;
		std::string text;
		bool is_watched = false;
		pb::Topic topic;
	};
	void on_flush() noexcept;
	void on_summary_watch(int is_watched) noexcept;
	void watchers_changed(int by) noexcept;
	void renew(int index);
	void publish_summary();

	static constexpr std::size_t most_at_once = 64;
	pb::Scope &scope;
	Source &source;
	std::set<int> dirty;
	std::map<int, std::unique_ptr<Shown>> shown;
	std::chrono::steady_clock::time_point last_flush{};
	int watchers = 0;
	bool is_planned = false, is_ending = false;
	pb::Topic summary;
	pb::Timer flush;
};

} // namespace netif
