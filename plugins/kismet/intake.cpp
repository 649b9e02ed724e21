#include "kismet/intake.hpp"

#include <event2/buffer.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kismet {
namespace {

/// jansson as everywhere in the daemon, but NUL in a text is Kismet's to send: it is shown as U+FFFD.
pb::Json parse(std::string_view json) { return pb::Json::own(json_loadb(json.data(), json.size(), JSON_ALLOW_NUL, nullptr)); }

template<typename T> void keep(std::optional<T> value, std::vector<T> &to, std::size_t &odd)
{
	if (value) to.push_back(std::move(*value));
	else ++odd;
}

void take(What what, const json_t *object, Taken &out)
{
	switch (what) {
	case What::devices: return keep(read_device(object), out.devices, out.odd);
	case What::alerts: return keep(read_alert(object), out.alerts, out.odd);
	case What::messages: return keep(read_message(object), out.messages, out.odd);
	case What::sources: return keep(read_source(object), out.sources, out.odd);
	}
}

} // namespace

void take_object(What what, std::string_view json, Taken &out)
{
	const pb::Json object = parse(json);
	if (!object) {
		++out.odd;
		return;
	}
	// Some versions wrap these lists into an object.
	const json_t *list = what == What::messages ? pb::at(object.get(), "kismet.messagebus.list")
						 : what == What::alerts ? pb::at(object.get(), "kismet.alert.list")
												: nullptr;
	if (!list) return take(what, object.get(), out);
	for (std::size_t i = 0; i < json_array_size(list); ++i) take(what, json_array_get(list, i), out);
}

void take_event(std::string_view json, Taken &out)
{
	constexpr std::array<std::pair<const char *, What>, 3> topics{{{"NEW_DEVICE", What::devices}, {"ALERT", What::alerts}, {"MESSAGE", What::messages}}};
	const pb::Json event = parse(json);
	for (const auto &[topic, what] : topics)
		if (const json_t *object = pb::at(event.get(), topic)) take(what, object, out);
}

Intake::Intake(pb::Scope &scope_, pb::Bound<Taken &> on_taken_, pb::Bound<const BodyEnd &> on_body_end_)
	: scope(scope_), on_taken(on_taken_), on_body_end(on_body_end_), retry(scope_, pb::bind<&Intake::pump>(this))
{}

void Intake::begin(What what)
{
	body = std::make_shared<Body>();
	body->what = what;
}

void Intake::add(evbuffer *bytes)
{
	if (!body) return;
	// Chunks of single bytes must not become links of single bytes.
	const std::size_t size = evbuffer_get_length(bytes);
	if (size > 8192) {
		evbuffer_add_buffer(body->waiting.get(), bytes);
	} else {
		std::array<char, 8192> copy;
		const int n = evbuffer_remove(bytes, copy.data(), copy.size());
		if (n > 0) evbuffer_add(body->waiting.get(), copy.data(), static_cast<std::size_t>(n));
	}
	if (evbuffer_get_length(body->waiting.get()) >= piece) pump();
}

void Intake::end()
{
	if (!body) return;
	body->has_ended = true;
	pump();
}

void Intake::abandon() noexcept { body.reset(); }

bool Intake::add_event(std::string_view json)
{
	if (events_size + json.size() > most_waiting) return false;
	events.emplace_back(json);
	events_size += json.size();
	pump();
	return true;
}

void Intake::pump() noexcept
{
	if (is_working) return;
	const std::size_t waiting = body ? evbuffer_get_length(body->waiting.get()) : 0;
	const bool has_bytes = body && (waiting >= piece || body->has_ended);
	if (!has_bytes && events.empty()) return;
	auto job = std::make_shared<Job>();
	if (!events.empty()) { // either events or a piece of a body: one may be given up without the other
		job->events = std::exchange(events, {});
		events_size = 0;
	} else {
		job->body = body;
		job->bytes = new_bytes();
		evbuffer_remove_buffer(body->waiting.get(), job->bytes.get(), std::min(waiting, 2 * piece));
	}
	is_working = scope.work([job] { return work(*job); }, [this, job](Taken taken) noexcept { on_done(job->body, std::move(taken)); });
	if (is_working) return;
	// The workers are busy: back with it, and once more a little later.
	if (job->body) evbuffer_prepend_buffer(body->waiting.get(), job->bytes.get());
	else events = std::move(job->events);
	for (const std::string &e : events) events_size += e.size();
	retry.once(std::chrono::milliseconds(100));
}

Taken Intake::work(Job &job)
{
	Taken out;
	out.is_pushed = !job.body;
	for (const std::string &e : job.events) take_event(e, out);
	if (!job.body) return out;
	Splitter &splitter = job.body->splitter;
	std::vector<std::string> objects;
	while (splitter.state() == Splitter::State::running) {
		evbuffer_iovec view{};
		if (evbuffer_peek(job.bytes.get(), -1, nullptr, &view, 1) < 1 || view.iov_len == 0) break;
		const std::size_t size = std::min<std::size_t>(view.iov_len, 64 << 10);
		(void)splitter.feed({static_cast<const char *>(view.iov_base), size}, objects);
		evbuffer_drain(job.bytes.get(), size);
		for (const std::string &o : objects) take_object(job.body->what, o, out);
		objects.clear();
	}
	return out;
}

void Intake::on_done(const std::shared_ptr<Body> &of, Taken taken) noexcept
{
	is_working = false;
	const bool is_present = of && of == body;
	if (!of || is_present) on_taken(taken);
	if (is_present && of == body) {
		body->count += taken.devices.size() + taken.alerts.size() + taken.messages.size() + taken.sources.size();
		const bool is_broken = body->splitter.state() == Splitter::State::broken;
		const bool is_over = body->has_ended && (is_broken || evbuffer_get_length(body->waiting.get()) == 0);
		if (is_over) {
			const BodyEnd end{is_broken ? body->splitter.trouble() : body->splitter.state() == Splitter::State::running ? "the answer stopped half way" : ""};
			body.reset();
			on_body_end(end);
		}
	}
	pump();
}

} // namespace kismet
