#include "look.hpp"

#include <algorithm>
#include <array>

namespace ctl {

pb::Json get_or_print(Context &context, const std::string &path)
{
	if (!context.wants_json) return context.client().json(path);
	context.out.json(context.client().get(path));
	return {};
}

std::string_view text_or_dash(const json_t *object, const char *key) { return pb::text_at(object, key, "-"); }

std::string joined(const json_t *list, std::string_view between)
{
	std::string out;
	for (const json_t *v : Entries(list)) (out += out.empty() ? "" : between) += pb::text_of(v);
	return out;
}

Style style_of(std::string_view state)
{
	constexpr std::array<std::string_view, 7> good{"running", "ready", "up", "ok", "recovered", "held", "done"};
	constexpr std::array<std::string_view, 9> odd{
		"starting", "stopping", "waiting", "connecting", "silent", "recovering", "acquiring", "switching", "releasing"};
	constexpr std::array<std::string_view, 8> bad{"failed", "down", "conflict", "open", "given up", "unauthorized", "unhealthy", "stuck"};
	if (std::ranges::find(good, state) != good.end()) return Style::good;
	if (std::ranges::find(odd, state) != odd.end()) return Style::odd;
	if (std::ranges::find(bad, state) != bad.end()) return Style::bad;
	return Style::faint;
}

} // namespace ctl
