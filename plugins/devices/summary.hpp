// What the table holds in numbers.
#pragma once
#include "devices/table.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace devices {

/// A plain value; of one walk over the table.
struct Summary {
	std::size_t devices = 0, networks = 0;
	std::int64_t first_ms = 0, last_ms = 0; // earliest firstSeen and latest lastSeen; 0 in an empty table
	std::map<std::string, std::size_t, std::less<>> by_type, by_encryption;
};

/// At most 32 words are counted each; what is over goes under "other": strangers cannot grow it.
[[nodiscard]] Summary summarise(const Table &table);
/// `{"totalDevices","totalNetworks","activeAlerts","dataRange":{"start","end"}}` of the contract.
void append_contract_summary(std::string &out, const Summary &summary, std::size_t alerts);
/// `{"word":n,…}`
void append_counts(std::string &out, const std::map<std::string, std::size_t, std::less<>> &counts);

} // namespace devices
