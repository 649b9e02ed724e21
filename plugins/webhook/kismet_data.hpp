// GET kismet-data (section 4 of the contract), and the flat /kismet-data of the older pages.
#pragma once
#include "air.hpp"

namespace webhook {

/// Loop thread.
class KismetData final {
public:
	KismetData(pb::Scope &scope, AirSource &air);

private:
	struct Query {
		std::string type, format;
		std::int64_t limit;
		std::optional<pb::UnixTime> since;
		static constexpr auto fields =
			pb::fields(pb::field("type", &Query::type, {.fallback = "\"all\"", .choices = "devices|networks|alerts|all", .help = "what is wanted"}),
				pb::field("limit", &Query::limit, {.fallback = "100", .min = 1, .max = 1000, .help = "entries of each type"}),
				pb::field("since", &Query::since, {.help = "last seen or raised then or later"}),
				pb::field("format", &Query::format, {.fallback = "\"json\"", .choices = "json|csv", .help = "csv: a section a type"}));
	};
	void on_data(const pb::None &, const Query &query, const pb::None &, pb::Request &&request);
	void on_flat(const pb::None &, const pb::None &, const pb::None &, pb::Request &&request);
	[[nodiscard]] pb::Json flat(const AirData &data) const;

	pb::Scope &scope;
	AirSource &air;
	pb::Handler<pb::None, Query> data_route;
	pb::Handler<> flat_route;
};

} // namespace webhook
