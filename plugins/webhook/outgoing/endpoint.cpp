#include "endpoint.hpp"

#include "../text.hpp"
#include "sign.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <strings.h>

namespace webhook::outgoing {

using namespace std::chrono_literals;

namespace {
constexpr auto save_wait = 1s; // counts of what went well may be a moment old after a crash
}

Endpoint::Endpoint(Sender::Shared shared, const Settings &settings_, Hook hook_)
	: scope(shared.scope), settings(settings_), hook(std::move(hook_)), sender(shared, pb::bind<&Endpoint::on_end>(this)),
	  retry(scope, pb::bind<&Endpoint::on_retry>(this)), saving(scope, pb::bind<&Endpoint::on_save>(this)),
	  queue(scope, hook.slot, {settings.max_queued, settings.max_bytes}, pb::bind<&Endpoint::on_ready>(this))
{}

Endpoint::~Endpoint()
{
	if (is_changed && !is_forgotten) save();
}

pb::Json Endpoint::shown() const
{
	pb::Json out = hook.shown(), how{{"pending", queue.count()}, {"delivered", hook.delivered}, {"failedTries", hook.failed}, {"deadLetters", hook.dead}};
	how.set("dropped", hook.dropped).set("lastError", hook.last_error.empty() ? pb::Json(nullptr) : pb::Json(hook.last_error));
	how.set("nextTry", hook.tries > 0 ? pb::Json(iso_time(hook.due)) : pb::Json(nullptr));
	out.set("delivery", std::move(how));
	return out;
}

std::string Endpoint::letters_journal() const { return fmt::format("outgoing/dead/{}", hook.slot); }

void Endpoint::add(std::string_view event, std::string body, Queue::Taken taken)
{
	// The queue tells nothing once it has gone, and we go with it.
	const bool has_room = queue.add(event, std::move(body), [this, taken](bool is_committed) {
		if (!is_committed) count_drop();
		if (taken) taken(is_committed);
	});
	if (has_room) {
		if (std::exchange(is_dropping, false)) scope.info("a webhook's queue has room again", {{"webhook", hook.id}, {"dropped", hook.dropped}});
		return;
	}
	if (!std::exchange(is_dropping, true))
		scope.warn("a webhook's queue is full: new events are not taken until it has room",
			{{"webhook", hook.id}, {"to", hook.to.origin}, {"waiting", queue.count()}});
	count_drop();
	if (taken) taken(false);
}

void Endpoint::count_drop()
{
	++hook.dropped;
	is_changed = true;
	saving.once(save_wait);
}

void Endpoint::pump()
{
	if (is_forgotten || is_waiting || sender.is_busy()) return;
	const Entry *entry = queue.head();
	if (!entry) return;
	if (entry->id != hook.entry) {
		hook.entry = entry->id;
		hook.tries = 0;
		hook.due = 0;
	}
	// After a restart the wait goes on; by the calendar, which may have been set meanwhile: never longer than the longest.
	const std::int64_t left = std::min<std::int64_t>(hook.due - pb::unix_ms(), settings.longest_retry.count());
	if (hook.tries > 0 && left > 0) {
		is_waiting = true;
		return retry.once(std::chrono::milliseconds(left));
	}
	send(*entry);
}

void Endpoint::on_retry() noexcept
{
	is_waiting = false;
	hook.due = 0;
	pump();
}

void Endpoint::send(const Entry &entry)
{
	Sender::Post post{hook.to, {}, entry.body};
	const auto add_header = [&post](const char *name, std::string value) { post.headers.emplace_back(name, std::move(value)); };
	bool has_type = false;
	for (const auto &[name, value] : hook.headers) {
		add_header(name.c_str(), value);
		has_type = has_type || strcasecmp(name.c_str(), "Content-Type") == 0;
	}
	if (!has_type) add_header("Content-Type", "application/json");
	add_header("User-Agent", fmt::format("patchbay/{}", scope.host->version));
	const pb::Json said = pb::Json::parse(entry.body);
	add_header("X-Webhook-Id", std::string(pb::text_at(said.get(), "id")));
	add_header("X-Webhook-Event", entry.event);
	add_header("X-Webhook-Attempt", fmt::format("{}", hook.tries + 1));
	add_header("X-Webhook-Timestamp", iso_now());
	if (!hook.secret.empty()) add_header("X-Webhook-Signature", signature(hook.secret, entry.body));
	sender.send(std::move(post));
}

void Endpoint::on_end(const Outcome &outcome) noexcept
{
	const Entry *entry = queue.head();
	if (is_forgotten || !entry) return;
	is_changed = true;
	if (!outcome.is_taken()) {
		const bool is_redirect = outcome.status >= 300 && outcome.status < 400;
		return fail(
			*entry, outcome.status == 0 ? outcome.text : fmt::format("answered {}{}", outcome.status, is_redirect ? ", and redirects are not followed" : ""));
	}
	++hook.delivered;
	hook.last_triggered = pb::unix_ms();
	if (!hook.last_error.empty()) scope.info("a webhook is delivered to again", {{"webhook", hook.id}, {"to", hook.to.origin}});
	hook.last_error.clear();
	next();
	saving.once(save_wait);
}

void Endpoint::fail(const Entry &entry, const std::string &why)
{
	++hook.failed;
	++hook.tries;
	if (hook.last_error != why) scope.warn("a webhook is not delivered", {{"webhook", hook.id}, {"to", hook.to.origin}, {"try", hook.tries}, {"reason", why}});
	hook.last_error = why;
	if (hook.tries >= settings.tries) {
		bury(entry, why);
		return save();
	}
	const auto wait = wait_after(hook.tries, settings);
	hook.due = pb::unix_ms() + wait.count();
	save(); // a restart does not begin to count anew
	is_waiting = true;
	retry.once(wait);
}

void Endpoint::bury(const Entry &entry, const std::string &why)
{
	++hook.dead;
	const std::string journal = letters_journal();
	scope.append(journal.c_str(), {{"body", entry.body}, {"tries", hook.tries}, {"error", why}});
	scope.trim(journal.c_str(), most_letters);
	next();
}

/// The head is done with.
void Endpoint::next()
{
	hook.tries = 0;
	hook.due = 0;
	queue.drop_head();
	pump();
}

void Endpoint::save()
{
	saving.stop();
	is_changed = false;
	scope.put(document(hook.id).c_str(), hook.kept());
}

void Endpoint::forget(pb::Scope::Done done)
{
	is_forgotten = true;
	sender.close();
	retry.stop();
	saving.stop();
	queue.clear();
	scope.trim(letters_journal().c_str(), 0);
	scope.remove(document(hook.id).c_str(), std::move(done));
}

} // namespace webhook::outgoing
