#include "new_devices.hpp"

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr std::size_t most_a_second = 10, most_listed = 100;
} // namespace

NewDevices::NewDevices(pb::Scope &scope, OnOne on_one_, OnMany on_many_)
	: on_one(on_one_), on_many(on_many_), timer(scope, pb::bind<&NewDevices::on_timer>(this))
{}

void NewDevices::add(const json_t *device)
{
	const auto now = std::chrono::steady_clock::now();
	if (now - second >= 1s) {
		second = now;
		sent = 0;
	}
	if (sent < most_a_second) {
		++sent;
		return on_one(device);
	}
	if (json_array_size(over.get()) == 0) timer.once(1s);
	if (json_array_size(over.get()) < most_listed) over.push(pb::Json::share(device));
	else ++omitted;
}

void NewDevices::clear() noexcept
{
	timer.stop();
	over = pb::Json::array();
	omitted = 0;
}

void NewDevices::on_timer() noexcept
{
	const std::size_t count = json_array_size(over.get()) + omitted;
	const pb::Json data{{"devices", std::move(over)}, {"omitted", std::exchange(omitted, 0)}};
	over = pb::Json::array();
	on_many(data.get(), count);
}

} // namespace webhook
