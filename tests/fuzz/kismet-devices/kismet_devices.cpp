// Any bytes as an answer of Kismet's and as an event of its bus. However the bytes are cut, the same objects come out; what
// is read of them makes lists that are JSON.
#include <devices/list.hpp>
#include <kismet/event_bus.hpp>
#include <kismet/intake.hpp>
#include <patchbay/json.hpp>

#include <cstdlib>

using namespace kismet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	Splitter whole, bytes;
	std::vector<std::string> a, b;
	(void)whole.feed(text, a);
	for (std::size_t i = 0; i < size; ++i) (void)bytes.feed(text.substr(i, 1), b);
	if (a != b || whole.state() != bytes.state() || whole.odd() != bytes.odd()) std::abort();

	Taken taken;
	for (const What what : {What::devices, What::alerts, What::messages, What::sources})
		for (const std::string &object : a) take_object(what, object, taken);
	take_event(text, taken);
	EventBus::End end;
	(void)EventBus::is_upgrade(text, "dGhlIHNhbXBsZSBub25jZQ==", end);

	devices::Table table(8);
	devices::Alerts alerts(8);
	for (DeviceRecord &d : taken.devices) (void)table.put(d.mac, std::move(d.device), 0);
	for (devices::Alert &alert : taken.alerts) (void)alerts.put(std::move(alert));
	const auto page = devices::list(table, devices::Kind::devices, {});
	const auto networks = devices::list(table, devices::Kind::networks, {});
	if (!page || !networks || !pb::Json::parse("[" + page->items + "]") || !pb::Json::parse("[" + networks->items + "]") || !pb::Json::parse(alerts.newest(8)))
		std::abort();
	return 0;
}
