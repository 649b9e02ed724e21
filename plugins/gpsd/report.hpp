// What gpsd has said, one struct a class of its protocol, with its own names and units. A number that is missing or out of
// range is NaN or empty, a text that is missing is "".
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gpsd {

inline constexpr double none = NAN;

struct Version {
	std::string release;
};

/// The answer to ?WATCH: what comes from now on is live.
struct Watching {};

struct Device {
	std::string path, driver, subtype, subtype1, activated, parity;
	double flags = none, native = none, bps = none, stopbits = none, cycle = none, mincycle = none;
	bool is_active = true; // false: gpsd has let it go
};
/// All that there are.
struct Devices {
	std::vector<Device> list;
};

/// A TPV. mode 2 and 3 always have lat and lon; 0 and 1 have no numbers at all.
struct Fix {
	std::string device;
	int mode = 0;
	std::optional<int> status, leapseconds;
	std::optional<std::int64_t> time_ms; // unix; by the receiver's clock
	double lat = none, lon = none, altHAE = none, altMSL = none, geoidSep = none;
	double speed = none, track = none, climb = none, magtrack = none, magvar = none;
	double ept = none, epx = none, epy = none, epv = none, eph = none, epd = none, eps = none, epc = none, sep = none;
};

struct Satellite {
	int PRN = 0;
	double el = none, az = none, ss = none;
	bool used = false;
	std::optional<int> gnssid, svid, sigid, freqid, health;
};
struct Sky {
	std::string device;
	double xdop = none, ydop = none, vdop = none, tdop = none, hdop = none, gdop = none, pdop = none;
	std::optional<int> nSat, uSat;
	std::vector<Satellite> satellites;
	bool has_satellites = false; // gpsd sends none at all while the receiver has named none
};

/// An ERROR: gpsd did not like a command.
struct Complaint {
	std::string message;
};

using Report = std::variant<Version, Watching, Devices, Device, Fix, Sky, Complaint>;

} // namespace gpsd
