// GET /list_wigle_files: the logs that WigleToTAK can be given.
#pragma once
#include <patchbay/patchbay.hpp>

#include <optional>
#include <string>
#include <vector>

namespace webhook {

/// Lists folders of the settings alone, on a worker. Loop thread.
class WigleFiles final {
public:
	WigleFiles(pb::Scope &scope, std::vector<std::string> directories);

private:
	struct Query {
		std::optional<std::string> directory;
		static constexpr auto fields =
			pb::fields(pb::field("directory", &Query::directory, {.max = 4096, .help = "one of the settings' folders; the first where it is left out"}));
	};
	void on_list(const pb::None &, const Query &query, const pb::None &, pb::Request &&request);

	pb::Scope &scope;
	const std::vector<std::string> directories;
	pb::Handler<pb::None, Query> route;
};

} // namespace webhook
