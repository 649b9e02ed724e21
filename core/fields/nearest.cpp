// The known word that a mistyped one was meant to be.
#include "fields/check.hpp"

#include <algorithm>
#include <array>

namespace core::fields {

namespace {
constexpr std::size_t longest = 64; // what is longer is no typing error

char folded(char c) noexcept
{
	if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

/// Insertions, deletions, replacements and swapped neighbours between two words of at most `longest` bytes.
std::size_t distance(std::string_view a, std::string_view b) noexcept
{
	std::array<std::size_t, longest + 1> before{}, last{}, now{};
	for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
	for (std::size_t i = 1; i <= a.size(); ++i) {
		now[0] = i;
		for (std::size_t j = 1; j <= b.size(); ++j) {
			const char x = folded(a[i - 1]), y = folded(b[j - 1]);
			now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (x == y ? 0 : 1)});
			if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y) now[j] = std::min(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
	}
	return last[b.size()];
}
} // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view> &candidates)
{
	if (word.empty() || word.size() > longest) return {};
	std::string_view best;
	std::size_t least = std::clamp<std::size_t>(word.size() / 3, 1, 4) + 1; // near enough: a third of the letters
	for (const std::string_view candidate : candidates) {
		if (candidate.size() > longest) continue;
		const std::size_t difference = word.size() > candidate.size() ? word.size() - candidate.size() : candidate.size() - word.size();
		if (difference >= least) continue;
		const std::size_t d = distance(word, candidate);
		if (d < least && d < std::max(word.size(), candidate.size())) { // something is left of it
			least = d;
			best = candidate;
		}
	}
	return std::string(best);
}

} // namespace core::fields
