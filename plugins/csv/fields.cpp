#include "csv/fields.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace csv {
namespace {

void *grow(void *p, std::size_t size) { return size > FieldParser::most_field + 4096 ? nullptr : std::realloc(p, size); }
int is_never(unsigned char) { return 0; } // blanks belong to the field: SSIDs have them

} // namespace

FieldParser::FieldParser(char delimiter_) : delimiter(delimiter_) { reset(); }

void FieldParser::reset()
{
	csv_free(&parser);
	if (csv_init(&parser, 0) != 0) throw std::bad_alloc();
	csv_set_delim(&parser, static_cast<unsigned char>(delimiter));
	csv_set_space_func(&parser, &is_never);
	csv_set_realloc_func(&parser, &grow);
	csv_set_blk_size(&parser, 4096);
}

void FieldParser::on_field(void *data, std::size_t size, void *self) noexcept
{
	auto *p = static_cast<FieldParser *>(self);
	if (p->count < most_fields) {
		std::memcpy(p->end, data, size);
		p->views[p->count] = {p->end, size};
		p->end += size;
		*p->end++ = p->delimiter;
	}
	++p->count;
}

void FieldParser::on_row(int, void *self) noexcept { static_cast<FieldParser *>(self)->is_whole = true; }

FieldParser::Verdict FieldParser::parse(std::string_view line)
{
	// Kismet never quotes, and libcsv looks at each byte several times: such a line costs a third when it is cut at its commas.
	if (!std::memchr(line.data(), CSV_QUOTE, line.size())) return split(line);
	count = 0;
	is_whole = false;
	if (!text) text.reset(new char[most_line + most_fields]);
	end = text.get();
	const bool is_eaten = csv_parse(&parser, line.data(), line.size(), &FieldParser::on_field, &FieldParser::on_row, this) == line.size();
	if (is_eaten && parser.pstate == 0) { // between rows
		if (count > most_fields) return Verdict::too_many_fields;
		return is_whole ? Verdict::row : Verdict::empty;
	}
	reset();
	count = 0;
	return is_eaten ? Verdict::open_quote : Verdict::field_too_long;
}

FieldParser::Verdict FieldParser::split(std::string_view line) noexcept
{
	count = 0;
	const char *at = line.data(), *stop = at + line.size();
	if (stop > at && stop[-1] == '\n') --stop;
	if (stop > at && stop[-1] == '\r') --stop;
	if (at == stop) return Verdict::empty;
	for (;;) {
		const auto *next = static_cast<const char *>(std::memchr(at, delimiter, static_cast<std::size_t>(stop - at)));
		const auto size = static_cast<std::size_t>((next ? next : stop) - at);
		if (size > most_field) return Verdict::field_too_long;
		if (count == most_fields) return Verdict::too_many_fields;
		views[count++] = {at, size};
		if (!next) return Verdict::row;
		at = next + 1;
	}
}

} // namespace csv
