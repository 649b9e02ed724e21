#include "owner.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace ctl {

std::string usual_owner()
{
	std::array<char, 256> host{};
	(void)gethostname(host.data(), host.size() - 1);
	passwd entry{}, *found = nullptr;
	std::array<char, 4096> text{};
	const bool is_known = getpwuid_r(getuid(), &entry, text.data(), text.size(), &found) == 0 && found;
	return fmt::format("{}@{}", is_known ? entry.pw_name : std::to_string(getuid()), host[0] ? host.data() : "localhost");
}

} // namespace ctl
