// Lines of gpsd: unpacked, taken by the receivers, and written as JSON that reads back.
#include <gpsd/fix.hpp>
#include <gpsd/text.hpp>
#include <gpsd/unpack.hpp>
#include <patchbay/json.hpp>

#include <cstdlib>

namespace {

using namespace gpsd;

void must(bool is_so)
{
	if (!is_so) std::abort();
}

struct Take {
	Receivers &receivers;
	Time now;
	void operator()(const Fix &f) const
	{
		must(f.mode >= 0 && f.mode <= 3);
		must(f.mode < 2 || (std::abs(f.lat) <= 90 && std::abs(f.lon) <= 180));
		must(static_cast<bool>(pb::Json::parse(to_text(f))));
		receivers.take(f, now);
	}
	void operator()(const Sky &s) const
	{
		must(s.satellites.size() <= 140);
		must(static_cast<bool>(pb::Json::parse(to_text(s))));
		receivers.take(s, now);
	}
	void operator()(const Devices &d) const
	{
		for (const Device &x : d.list) (*this)(x);
		receivers.set_devices(d.list);
	}
	void operator()(const Device &d) const
	{
		must(static_cast<bool>(pb::Json::parse(open_text(d) + "}")));
		receivers.set_device(d);
	}
	void operator()(const Version &) const {}
	void operator()(const Watching &) const {}
	void operator()(const Complaint &) const {}
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	static Unpacker unpacker; // as in the plugin, it keeps libgps's struct from line to line
	Receivers receivers;
	Time now{std::chrono::hours(1)};
	std::string_view rest(reinterpret_cast<const char *>(data), size);
	while (!rest.empty()) {
		const auto end = std::min(rest.find('\n'), rest.size());
		std::vector<Report> reports;
		const bool is_good = unpacker.unpack(rest.substr(0, end), reports);
		must(is_good || (reports.empty() && !unpacker.why().empty()));
		for (const Report &r : reports) std::visit(Take{receivers, now}, r);
		must(receivers.all().size() <= Receivers::max_receivers);
		receivers.choose(now);
		now += std::chrono::milliseconds(700);
		rest.remove_prefix(std::min(end + 1, rest.size()));
	}
	return 0;
}
