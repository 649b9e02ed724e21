// What the doctor finds: one line each, with the command that mends it.
#pragma once
#include <string>
#include <vector>

namespace ctl {

enum class Grade { good, odd, bad };

struct Finding {
	const char *about; // "gpsd", "clock", …
	Grade grade;
	std::string text, mend; // as they came: not harmless yet; mend is empty where nothing has to be done
};

using Findings = std::vector<Finding>;

} // namespace ctl
