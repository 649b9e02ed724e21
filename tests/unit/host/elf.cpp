#include "host/elf.hpp"

#include <patchbay/plugin.h>

#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using core::host::read_descriptor;

namespace {

std::vector<std::byte> read_file(const char *path)
{
	std::ifstream f(path, std::ios::binary);
	const std::vector<char> chars((std::istreambuf_iterator<char>(f)), {});
	std::vector<std::byte> out(chars.size());
	std::memcpy(out.data(), chars.data(), chars.size());
	return out;
}

bool says(const core::Result<core::host::Descriptor> &r, const char *part) { return !r && r.error().text.find(part) != std::string::npos; }

/// Where the descriptor lies in the file.
std::size_t descriptor_at(const std::vector<std::byte> &file)
{
	const char name[] = "guest\0";
	const auto *begin = reinterpret_cast<const char *>(file.data());
	const auto *found = std::search(begin, begin + file.size(), name, name + 6);
	return static_cast<std::size_t>(found - begin) - offsetof(pb_plugin, name);
}

} // namespace

TEST_GROUP(Elf)
{
	void setup() override { CHECK_TEXT(!file.empty(), GUEST_PLUGIN " is not built"); }
	std::vector<std::byte> file = read_file(GUEST_PLUGIN);
};

TEST(Elf, reads_name_version_and_needs_of_a_real_plugin)
{
	const auto d = read_descriptor(file);
	CHECK(d.has_value());
	STRCMP_EQUAL("guest", d->name.c_str());
	STRCMP_EQUAL("1.2", d->version.c_str());
	CHECK_EQUAL(2, d->needs.size());
	STRCMP_EQUAL("b", d->needs.at(1).c_str());
}

TEST(Elf, what_is_no_plugin_is_named)
{
	CHECK(says(read_descriptor({}), "empty"));
	std::vector<std::byte> text(100, std::byte{'x'});
	CHECK(says(read_descriptor(text), "not a shared object"));
	auto other = file;
	other[EI_CLASS] = std::byte{ELFCLASS32};
	CHECK(says(read_descriptor(other), "architecture"));
	other = file;
	other[18] = std::byte{0xf3}; // e_machine
	CHECK(says(read_descriptor(other), "architecture"));
	CHECK(says(read_descriptor(read_file("/proc/self/exe")), ""));
}

TEST(Elf, another_abi_is_named)
{
	auto other = file;
	const std::size_t at = descriptor_at(other) + offsetof(pb_plugin, abi_major);
	other[at] = std::byte{9};
	CHECK(says(read_descriptor(other), ("ABI 9." + std::to_string(PB_ABI_MINOR)).c_str()));
	other = file;
	other[at + 2] = std::byte{200}; // minor: newer than the host
	CHECK(says(read_descriptor(other), "ABI 1.200"));
}

TEST(Elf, a_bad_name_is_refused)
{
	auto other = file;
	const std::size_t at = descriptor_at(other) + offsetof(pb_plugin, name);
	other[at] = std::byte{'.'};
	CHECK(says(read_descriptor(other), "name"));
	other[at] = std::byte{0};
	CHECK(says(read_descriptor(other), "name"));
}

TEST(Elf, every_cut_is_survived)
{
	for (std::size_t n = 0; n < file.size(); n += 1 + n / 64) CHECK(!read_descriptor(std::span(file).first(n)) || n > descriptor_at(file));
}

TEST(Elf, mutations_are_survived)
{
	std::mt19937 random(1);
	for (int i = 0; i < 20000; ++i) {
		auto other = file;
		for (int k = 0; k < 4; ++k) other[random() % (k < 2 ? 64 : other.size())] = static_cast<std::byte>(random());
		(void)read_descriptor(other).has_value();
	}
}
