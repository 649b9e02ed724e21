#include "host/elf.hpp"

#include <patchbay/plugin.h>

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

namespace core::host {

namespace {

constexpr const char *symbol = "patchbay_plugin_v1";
#if __SIZEOF_POINTER__ == 8
using Header = Elf64_Ehdr;
using Section = Elf64_Shdr;
using Segment = Elf64_Phdr;
using Symbol = Elf64_Sym;
constexpr unsigned char own_class = ELFCLASS64;
#else
using Header = Elf32_Ehdr;
using Section = Elf32_Shdr;
using Segment = Elf32_Phdr;
using Symbol = Elf32_Sym;
constexpr unsigned char own_class = ELFCLASS32;
#endif
#if defined(__x86_64__)
constexpr Elf64_Half own_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half own_machine = EM_AARCH64;
#elif defined(__arm__)
constexpr Elf64_Half own_machine = EM_ARM;
#elif defined(__riscv)
constexpr Elf64_Half own_machine = EM_RISCV;
#else
constexpr Elf64_Half own_machine = EM_386;
#endif

/// A T at `offset`, or nothing where the file ends before it. Copies: the file's bytes are not aligned.
template<typename T> std::optional<T> at(std::span<const std::byte> file, std::uint64_t offset)
{
	static_assert(std::is_trivially_copyable_v<T>);
	if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
	T out;
	std::memcpy(&out, file.data() + offset, sizeof out);
	return out;
}

std::string_view text_at(std::span<const std::byte> file, std::uint64_t offset)
{
	if (offset >= file.size()) return {};
	const auto *begin = reinterpret_cast<const char *>(file.data() + offset);
	return {begin, strnlen(begin, file.size() - offset)};
}

Result<Header> read_header(std::span<const std::byte> file)
{
	if (file.empty()) return fail("the file is empty", 422);
	if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return fail("not a shared object (no ELF header)", 422);
	const auto header = at<Header>(file, 0);
	if (!header) return fail("the file is cut short", 422);
	if (header->e_ident[EI_CLASS] != own_class || header->e_machine != own_machine)
		return fail(fmt::format("built for another architecture (ELF machine {}; this is {})", header->e_machine, own_machine), 422);
	if (header->e_type != ET_DYN) return fail("an ELF file, but not a shared object", 422);
	return *header;
}

/// The symbol's address in the object, by the dynamic symbol table.
Result<std::uint64_t> find_symbol(std::span<const std::byte> file, const Header &header)
{
	for (unsigned i = 0; i < header.e_shnum; ++i) {
		const auto section = at<Section>(file, header.e_shoff + std::uint64_t{i} * header.e_shentsize);
		if (!section) return fail("the file is cut short (its section table lies past its end)", 422);
		if (section->sh_type != SHT_DYNSYM) continue;
		const auto strings = at<Section>(file, header.e_shoff + std::uint64_t{section->sh_link} * header.e_shentsize);
		if (!strings || section->sh_offset > file.size()) return fail("the file is cut short", 422);
		const std::uint64_t count = std::min<std::uint64_t>(section->sh_size, file.size() - section->sh_offset) / sizeof(Symbol);
		for (std::uint64_t n = 0; n < count; ++n) {
			const auto s = at<Symbol>(file, section->sh_offset + n * sizeof(Symbol));
			if (!s || s->st_shndx == SHN_UNDEF || text_at(file, strings->sh_offset + s->st_name) != symbol) continue;
			return s->st_value;
		}
	}
	return fail(fmt::format("no {} in it: not a Patchbay plugin (PATCHBAY_PLUGIN is missing, or it is hidden)", symbol), 422);
}

Result<std::uint64_t> to_offset(std::span<const std::byte> file, const Header &header, std::uint64_t address)
{
	for (unsigned i = 0; i < header.e_phnum; ++i) {
		const auto segment = at<Segment>(file, header.e_phoff + std::uint64_t{i} * header.e_phentsize);
		if (!segment) break;
		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	}
	return fail(fmt::format("{} has no bytes in the file: it must be constant data (constinit)", symbol), 422);
}

bool is_plugin_name(std::string_view name)
{
	return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
		   std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

template<std::size_t N> std::string text_of(const char (&array)[N]) { return {array, strnlen(array, N)}; }

} // namespace

Result<Descriptor> read_descriptor(std::span<const std::byte> file)
{
	const auto header = read_header(file);
	if (!header) return tl::unexpected(Error{header.error().text, 422, {}, {}});
	const auto address = find_symbol(file, *header);
	if (!address) return tl::unexpected(Error{address.error().text, 422, {}, {}});
	const auto offset = to_offset(file, *header, *address);
	if (!offset) return tl::unexpected(Error{offset.error().text, 422, {}, {}});

	// Copied whole but never called: only what stands before `settings` is looked at.
	pb_plugin p{};
	constexpr std::size_t head = offsetof(pb_plugin, settings);
	if (*offset > file.size() || file.size() - *offset < head) return fail("the file is cut short (inside its descriptor)", 422);
	std::memcpy(&p, file.data() + *offset, head);
	if (p.abi_major != PB_ABI_MAJOR || p.abi_minor > PB_ABI_MINOR)
		return fail(fmt::format("built for plugin ABI {}.{}; this daemon has {}.{}: build it again with the installed headers", p.abi_major, p.abi_minor,
						PB_ABI_MAJOR, PB_ABI_MINOR),
			422);
	if (p.struct_size < sizeof(pb_plugin))
		return fail(fmt::format("its descriptor is {} bytes, ABI {}.{} has {}", p.struct_size, p.abi_major, p.abi_minor, sizeof(pb_plugin)), 422);
	Descriptor d{text_of(p.name), text_of(p.version), {}, p.flags};
	if (!is_plugin_name(d.name))
		return fail(fmt::format("its name \"{}\" is none: a letter, then letters, digits, _ or -, all lower case", pb::utf8(d.name)), 422);
	const std::string needs = text_of(p.needs);
	for (std::size_t i = 0; i < needs.size();) {
		const std::size_t end = std::min(needs.find(' ', i), needs.size());
		if (end > i) d.needs.push_back(needs.substr(i, end - i));
		i = end + 1;
	}
	return d;
}

} // namespace core::host
