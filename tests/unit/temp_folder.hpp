// A folder of a test's own, gone with it.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace test {

class TempFolder {
public:
	TempFolder()
	{
		const char *base = std::getenv("TMPDIR");
		path = std::string(base && *base ? base : "/tmp") + "/patchbay-unit-XXXXXX";
		if (!mkdtemp(path.data())) std::abort();
	}
	~TempFolder()
	{
		std::error_code ignored;
		std::filesystem::remove_all(path, ignored);
	}
	TempFolder(const TempFolder &) = delete;
	TempFolder &operator=(const TempFolder &) = delete;

	[[nodiscard]] std::string operator/(std::string_view name) const { return path + "/" + std::string(name); }
	/// Writes a file, with the folders above it; its path.
	std::string write(std::string_view name, std::string_view text) const
	{
		const std::string file = *this / name;
		std::filesystem::create_directories(std::filesystem::path(file).parent_path());
		std::ofstream(file, std::ios::binary) << text;
		return file;
	}
	[[nodiscard]] static std::string read(const std::string &file)
	{
		std::ifstream in(file, std::ios::binary);
		return {std::istreambuf_iterator<char>(in), {}};
	}

	std::string path;
};

} // namespace test
