#include "queue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace webhook::outgoing {

using namespace std::chrono_literals;

namespace {
constexpr std::int64_t page = 500, ahead = 16;
constexpr auto read_again = 5s;
} // namespace

Queue::Queue(pb::Scope &scope_, int slot, Limits limits_, pb::Bound<> on_ready_)
	: scope(scope_), journal(fmt::format("outgoing/queue/{}", slot)), limits(limits_), on_ready(on_ready_), again(scope_, pb::bind<&Queue::on_again>(this))
{
	scan();
}

/// Nothing is called once we have gone.
pb::Scope::Done Queue::later(OnState what)
{
	return [weak = std::weak_ptr(alive), what](const pb::Result &r) {
		if (const auto self = weak.lock()) ((*self)->*what)(r);
	};
}

/// How many there are after a start, and how large: a page at a time, what is in them is forgotten again.
void Queue::scan() { scope.read(journal.c_str(), scanned, page, later(&Queue::on_page)); }

void Queue::on_page(const pb::Result &r)
{
	if (!r.ok()) {
		scope.error("what waits for a webhook cannot be read", {{"reason", r.error()->text}});
		return again.once(read_again);
	}
	std::size_t i;
	json_t *e;
	json_array_foreach(const_cast<json_t *>(r.json()), i, e) {
		const std::int64_t id = pb::integer_at(e, "id");
		if (scanned == 0) done = last_read = id - 1;
		scanned = id;
		newest = std::max(newest, id);
		if (first_new != 0 && id >= first_new) continue; // counted when it was committed
		++entries;
		bytes += pb::text_at(pb::at(e, "value"), "b").size();
	}
	if (json_array_size(r.json()) != 0 && (first_new == 0 || scanned < first_new)) return scan();
	if (scanned == 0) done = last_read = first_new != 0 ? first_new - 1 : 0;
	is_scanned = true;
	on_ready();
}

bool Queue::add(std::string_view event, std::string body, Taken taken)
{
	const std::size_t size = body.size();
	if (entries + on_its_way >= limits.entries || bytes + size > limits.bytes) return false;
	++on_its_way;
	bytes += size;
	scope.append(journal.c_str(), {{"e", event}, {"b", body}}, [weak = std::weak_ptr(alive), size, told = std::move(taken)](const pb::Result &r) {
		const auto self = weak.lock();
		if (!self) return;
		Queue &q = **self;
		q.on_added(r, size);
		if (told) told(r.ok());
		if (r.ok() && q.is_scanned) q.on_ready();
	});
	return true;
}

void Queue::on_added(const pb::Result &r, std::size_t size)
{
	--on_its_way;
	if (!r.ok()) {
		bytes -= std::min(bytes, size);
		return scope.warn("an event for a webhook cannot be kept", {{"reason", r.error()->text}});
	}
	newest = pb::integer_at(r.json(), "id");
	if (first_new == 0) first_new = newest;
	++entries;
}

const Entry *Queue::head()
{
	if (!at_hand.empty()) return &at_hand.front();
	if (is_scanned && !is_reading && entries > 0) read_on();
	return nullptr;
}

void Queue::read_on()
{
	is_reading = true;
	scope.read(journal.c_str(), last_read, ahead, later(&Queue::on_entries));
}

void Queue::on_entries(const pb::Result &r)
{
	is_reading = false;
	if (!r.ok()) {
		scope.error("what waits for a webhook cannot be read", {{"reason", r.error()->text}});
		return again.once(read_again);
	}
	std::size_t i;
	json_t *e;
	json_array_foreach(const_cast<json_t *>(r.json()), i, e) {
		const json_t *value = pb::at(e, "value");
		last_read = pb::integer_at(e, "id");
		at_hand.push_back({last_read, std::string(pb::text_at(value, "e")), std::string(pb::text_at(value, "b"))});
	}
	if (!at_hand.empty()) return on_ready();
	entries = bytes = 0; // they went with a database that was set aside
}

void Queue::drop_head()
{
	const Entry &gone = at_hand.front();
	done = gone.id;
	bytes -= std::min(bytes, gone.body.size());
	entries -= std::min<std::size_t>(entries, 1);
	at_hand.pop_front();
	trim();
}

/// The journal keeps the newest so many. What is on its way will be in it before this is done.
void Queue::trim() { scope.trim(journal.c_str(), std::max<std::int64_t>(newest - done, 0) + static_cast<std::int64_t>(on_its_way)); }

void Queue::clear()
{
	at_hand.clear();
	entries = bytes = 0;
	scope.trim(journal.c_str(), 0);
}

void Queue::on_again() noexcept
{
	if (!is_scanned) return scan();
	on_ready();
}

} // namespace webhook::outgoing
