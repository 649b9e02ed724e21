// Runs a fuzz target where there is no libFuzzer: each file of the corpora given, then mutations of them, PATCHBAY_FUZZ_RUNS
// times (20,000). The same seed each time (PATCHBAY_FUZZ_SEED); an input that ends the program is left in fuzz-crash.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

std::string present; // for on_abort

void on_abort()
{
	if (std::FILE *f = std::fopen("fuzz-crash", "wb")) {
		std::fwrite(present.data(), 1, present.size(), f);
		std::fclose(f);
	}
}

void run(std::string input)
{
	present = std::move(input);
	const std::vector<std::uint8_t> exact(present.begin(), present.end()); // so that a sanitizer sees one byte too far
	LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::string mutate(const std::vector<std::string> &corpus, std::mt19937_64 &random)
{
	const auto pick = [&](std::size_t n) { return n == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
	std::string out = corpus[pick(corpus.size())];
	for (auto n = pick(6) + 1; n > 0; --n) {
		const auto at = pick(out.size() + 1);
		const auto length = std::min(pick(16) + 1, out.size() - at);
		switch (pick(7)) {
		case 0: out.erase(at, length); break;
		case 1: out.insert(at, 1, static_cast<char>(pick(256))); break;
		case 2: out.insert(at, out.substr(at, length)); break;
		case 3:
			if (at < out.size()) out[at] = static_cast<char>(out[at] ^ (1 << pick(8)));
			break;
		case 4:
			if (at < out.size()) out[at] = "\0\r\n\"\\{}[]:,%/.0-9eE+ "[pick(22)];
			break;
		case 5: {
			const std::string &other = corpus[pick(corpus.size())];
			const auto from = pick(other.size() + 1);
			out.insert(at, other.substr(from, pick(64)));
			break;
		}
		default: out.resize(at);
		}
	}
	return out.substr(0, 256 * 1024);
}

std::uint64_t number_from(const char *name, std::uint64_t fallback)
{
	const char *text = std::getenv(name);
	return text ? std::strtoull(text, nullptr, 10) : fallback;
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<std::filesystem::path> files;
	for (int i = 1; i < argc; ++i) {
		if (std::filesystem::is_directory(argv[i])) files.insert(files.end(), std::filesystem::directory_iterator(argv[i]), {});
		else files.emplace_back(argv[i]);
	}
	std::sort(files.begin(), files.end()); // the same runs on every machine
	std::vector<std::string> corpus;
	for (const auto &path : files) {
		std::ifstream file(path, std::ios::binary);
		corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
	}
	if (corpus.empty()) {
		std::fprintf(stderr, "usage: %s CORPUS…\n", argv[0]);
		return 2;
	}
	std::signal(SIGABRT, [](int) { on_abort(); });
	std::signal(SIGSEGV, [](int s) {
		on_abort();
		std::signal(s, SIG_DFL);
		std::raise(s);
	});
	for (const auto &input : corpus) run(input);
	std::mt19937_64 random(number_from("PATCHBAY_FUZZ_SEED", 1));
	const auto runs = number_from("PATCHBAY_FUZZ_RUNS", 20'000);
	for (std::uint64_t i = 0; i < runs; ++i) run(mutate(corpus, random));
	std::printf("OK (%zu tests, %llu mutations)\n", corpus.size(), static_cast<unsigned long long>(runs));
}
