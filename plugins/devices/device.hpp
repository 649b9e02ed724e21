// What is known of one device in the air, from whichever source, and the JSON that the contract has for it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace devices {

/// dBm; 0 is unknown.
struct Signal {
	int last = 0, min = 0, max = 0;
	/// One more reading: the last one now, and an extreme perhaps.
	void add(int dbm) noexcept;
	bool operator==(const Signal &) const = default;
};

struct Place {
	double lat = 0, lon = 0;
	std::optional<double> alt, accuracy; // metres
	bool operator==(const Place &) const = default;
};

/// A plain value. Texts are as the source has them; what is empty or 0 is unknown.
struct Device {
	std::string mac;  // upper case, with colons
	std::string key;  // tells devices with one MAC apart (two phys); may be empty
	std::string name; // what people call it: name, SSID or MAC
	std::string ssid; // of a network
	std::string manufacturer;
	std::string type; // as the contract words it: "Access Point"
	std::string channel;
	std::string encryption;                           // of a network
	bool is_network = false;                          // it announces a network: an access point
	std::int64_t first_seen_ms = 0, last_seen_ms = 0; // the source's time of the packets
	std::int64_t frequency_khz = 0;
	std::int64_t packets = 0, data_bytes = 0, clients = 0;
	Signal signal;
	std::optional<Place> place;
	bool operator==(const Device &) const = default;
};

/// The contract's word for a type: "Wi-Fi AP" → "Access Point". What has no other word stays; empty is "Unknown".
[[nodiscard]] std::string_view contract_type(std::string_view type) noexcept;
/// "Open", "WEP", "WPA", "WPA2", "WPA3", "OWE" or "Unknown": what a summary counts by.
[[nodiscard]] std::string_view encryption_class(std::string_view encryption) noexcept;

/// D of the contract. frequency is in kHz, as Kismet and its logs have it.
void append_device(std::string &out, const Device &device);
/// N of the contract. frequency is in MHz.
void append_network(std::string &out, const Device &device);

} // namespace devices
