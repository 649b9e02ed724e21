// Any bytes as a log: lines are read, put into a table and listed. Whatever comes, the lists are JSON and the bounds hold.
#include <csv/apply.hpp>
#include <csv/log_reader.hpp>
#include <devices/list.hpp>
#include <patchbay/json.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string_view text(reinterpret_cast<const char *>(data), size);
	csv::LogReader reader;
	csv::Batch batch;
	std::uint64_t offset = 0;
	for (std::size_t n = text.find('\n'); n != std::string_view::npos; n = text.find('\n')) {
		if (n < csv::FieldParser::most_line) reader.line(text.substr(0, n + 1), offset, batch);
		offset += n + 1;
		text.remove_prefix(n + 1);
	}
	devices::Table table(8);
	csv::apply(batch, table, 0);
	if (table.size() > 8 || reader.rows() != batch.sightings.size()) std::abort();
	for (const devices::Kind kind : {devices::Kind::devices, devices::Kind::networks}) {
		const auto page = devices::list(table, kind, {});
		if (!page || !pb::Json::parse("[" + page->items + "]")) std::abort();
	}
	return 0;
}
