#include "air.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace webhook {

/// `{"source","message",…}`: one line of the 503's details.
pb::Json AirSource::failure(const char *source, const pb_error &e) const
{
	pb::Json out{{"source", source}, {"message", known.runs(source) ? std::string(e.text) : known.why_not(source)}};
	if (known.runs(source) && json_is_object(e.details)) json_object_update_missing(out.get(), const_cast<json_t *>(e.details));
	return out;
}

void AirSource::ask(const AirArgs &args, Done done)
{
	pb::Json asked{{"type", args.type}, {"limit", args.limit}};
	if (args.since) asked.set("since", iso_time(std::llround(args.since->seconds * 1000)));
	auto again = std::make_shared<pb::Json>(asked.copy()); // shared: std::function copies
	scope.call(
		"kismet.data", std::move(asked),
		[this, again, done = std::move(done)](const pb::Result &r) {
			if (!r.ok()) return ask_log(std::move(*again), failure("kismet", *r.error()), done);
			std::variant<AirData, pb::Error> out(AirData{std::string(r.text()), "kismet", {}});
			done(out);
		},
		{}, PB_AS_TEXT);
}

void AirSource::ask_log(pb::Json args, pb::Json kismet, Done done)
{
	auto first = std::make_shared<pb::Json>(std::move(kismet)); // shared: std::function copies
	scope.call(
		"csv.data", std::move(args),
		[this, first, done = std::move(done)](const pb::Result &r) {
			const std::string why(pb::text_at(first->get(), "message"));
			if (r.ok()) {
				std::variant<AirData, pb::Error> out(AirData{std::string(r.text()), "csv", why});
				return done(out);
			}
			pb::Json details = pb::Json::array(), csv = failure("csv", *r.error());
			const std::string text = fmt::format("neither Kismet nor its CSV log can be had: {}; {}", why, pb::text_at(csv.get(), "message"));
			details.push(std::move(*first)).push(std::move(csv));
			std::variant<AirData, pb::Error> out(pb::Error(503, "KISMET_UNAVAILABLE", text, std::move(details)));
			done(out);
		},
		{}, PB_AS_TEXT);
}

} // namespace webhook
