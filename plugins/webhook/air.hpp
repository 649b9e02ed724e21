// What is in the air, from Kismet or else from its CSV log: the one place that knows of both.
#pragma once
#include "known.hpp"

#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace webhook {

/// What a caller wants to see.
struct AirArgs {
	std::string type = "all"; // devices, networks, alerts, all
	std::int64_t limit = 100;
	std::optional<pb::UnixTime> since;
};

/// The contract's `data` as text, and who served it.
struct AirData {
	std::string text;
	const char *source; // kismet, csv
	std::string error;  // of Kismet, where the log serves in its place
};

/// Loop thread.
class AirSource final {
public:
	using Done = std::function<void(std::variant<AirData, pb::Error> &)>;
	AirSource(pb::Scope &scope_, const Known &known_) : scope(scope_), known(known_) {}

	/// Kismet first, then a log that is young enough, else 503 KISMET_UNAVAILABLE that says how each failed. Later, once.
	void ask(const AirArgs &args, Done done);

private:
	[[nodiscard]] pb::Json failure(const char *source, const pb_error &e) const;
	void ask_log(pb::Json args, pb::Json kismet, Done done);

	pb::Scope &scope;
	const Known &known;
};

} // namespace webhook
