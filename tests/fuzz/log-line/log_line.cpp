// Lines of a process's log, torn or forged, and patterns over them: each becomes JSON that reads back, with its time and stream.
#include <patchbay/json.hpp>
#include <procs/log_line.hpp>
#include <procs/probe_target.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const std::size_t end = std::min(text.find('\n'), size);
	const std::string_view first = text.substr(0, end), second = text.substr(std::min(end + 1, size));
	const auto line = procs::parse_log_line(first);
	if (line) {
		const pb::Json j = pb::Json::parse(procs::to_json(*line));
		if (pb::text_at(j.get(), "stream") != line->stream || pb::text_at(j.get(), "time").size() < 24 || !pb::at(j.get(), "text")) std::abort();
	}
	// The second line is a pattern; a pattern always matches itself with its wildcards taken as they stand.
	const std::string_view pattern = second.substr(0, 64);
	(void)procs::matches(pattern, first.substr(0, 2000));
	if (!procs::matches(pattern, pattern)) std::abort();
	(void)procs::parse_endpoint(pattern);
	(void)procs::parse_url(pattern);
	return 0;
}
