#include "csv/report.hpp"

#include "devices/text.hpp"

#include <algorithm>

namespace csv {
namespace {

std::string iso(std::int64_t ms)
{
	std::string quoted;
	devices::append_time(quoted, ms);
	return quoted.substr(1, quoted.size() - 2);
}

pb::Json rejected_json(const FileReport &f)
{
	pb::Json out = pb::Json::object();
	for (const auto &[reason, n] : f.rejected.counts) out.set(std::string(reason).c_str(), n);
	return out;
}

pb::Json last_rejects_json(const FileReport &f)
{
	pb::Json out = pb::Json::array();
	for (const Reject &r : f.rejected.last) out.push({{"offset", r.offset}, {"reason", r.reason}, {"text", r.text}});
	return out;
}

/// How long what is not read yet has been there at most.
std::int64_t lag_ms(const FileReport &f, std::int64_t now_ms) { return f.is_at_end ? 0 : std::max<std::int64_t>(0, now_ms - f.modified_ms); }

} // namespace

pb::Json entry_json(const FileReport &f, std::int64_t now_ms)
{
	return {{"path", f.path}, {"format", format_name(f.format) ? pb::Json(format_name(f.format)) : pb::Json(nullptr)}, {"size", f.size}, {"offset", f.offset},
		{"rows", f.rows}, {"rejected", rejected_json(f)}, {"last_rejected", last_rejects_json(f)}, {"lag_ms", lag_ms(f, now_ms)},
		{"modified", iso(f.modified_ms)}, {"newest", f.is_newest}};
}

pb::Json topic_json(const FileReport *f, const std::string &trouble, std::int64_t now_ms)
{
	const pb::Json reason = trouble.empty() ? pb::Json(nullptr) : pb::Json(trouble);
	if (!f)
		return {{"path", nullptr}, {"name", nullptr}, {"format", nullptr},
			{"reason", trouble.empty() ? "no file in the configured folders is a log that we know" : trouble}};
	return {{"path", f->path}, {"name", f->path.substr(f->path.rfind('/') + 1)},
		{"format", format_name(f->format) ? pb::Json(format_name(f->format)) : pb::Json(nullptr)}, {"size", f->size}, {"offset", f->offset}, {"rows", f->rows},
		{"rejected", f->rejected.total()}, {"rejected_by", rejected_json(*f)}, {"lag_ms", lag_ms(*f, now_ms)}, {"modified", iso(f->modified_ms)},
		{"age_ms", std::max<std::int64_t>(0, now_ms - f->modified_ms)}, {"reason", reason.copy()}};
}

} // namespace csv
