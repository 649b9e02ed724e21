// At most ten newDevice a second; what is over comes once a second as newDevices {devices, omitted}.
#pragma once
#include <patchbay/patchbay.hpp>

namespace webhook {

/// One limit for all clients of the channel, since all of them are told the same. Its timer runs only while there is something over.
class NewDevices final {
public:
	/// on_one: an event newDevice that goes out now; on_many: the data of newDevices, and how many devices it speaks of.
	using OnOne = pb::Bound<const json_t *>;
	using OnMany = pb::Bound<const json_t *, std::size_t>;
	NewDevices(pb::Scope &scope, OnOne on_one_, OnMany on_many_);

	void add(const json_t *device);
	/// Nobody hears any more.
	void clear() noexcept;

private:
	void on_timer() noexcept;

	OnOne on_one;
	OnMany on_many;
	std::chrono::steady_clock::time_point second{}; // that is counted
	std::size_t sent = 0, omitted = 0;
	pb::Json over = pb::Json::array();
	pb::Timer timer;
};

} // namespace webhook
