// One GET of somebody else's page, with a deadline.
#pragma once
#include <string>

namespace ctl {

struct PlainAnswer {
	long status = 0; // 0: none came
	std::string failure;
};

/// The body is thrown away.
[[nodiscard]] PlainAnswer plain_get(const std::string &url);

} // namespace ctl
