#include "terminal/table.hpp"
#include "failure.hpp"
#include "terminal/text.hpp"

#include <CppUTest/TestHarness.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <clocale>

using ctl::Column, ctl::Output, ctl::Style, ctl::Table;

namespace {
/// What a function writes to standard output.
template<typename F> std::string written(F function, Output::Colours colours = Output::Colours::never)
{
	std::array<int, 2> ends{};
	CHECK(pipe(ends.data()) == 0);
	const int before = dup(STDOUT_FILENO);
	dup2(ends[1], STDOUT_FILENO);
	{
		Output out(colours);
		function(out);
		out.flush();
	}
	dup2(before, STDOUT_FILENO);
	close(before);
	close(ends[1]);
	std::string text(65536, '\0');
	const ssize_t n = read(ends[0], text.data(), text.size());
	text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
	close(ends[0]);
	return text;
}
} // namespace

TEST_GROUP(table)
{
	void setup() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
	Table two{{{"NAME"}, {"N", Column::Align::right}}};
	std::string text(std::size_t most = 0)
	{
		return written([&](Output &out) { two.print(out, most); });
	}
};

TEST(table, columns_are_as_wide_as_they_must_be)
{
	two.row({"a", "1"});
	two.row({"longer", "123"});
	STRCMP_EQUAL("NAME      N\na         1\nlonger  123\n", text().c_str());
}

TEST(table, wide_and_marked_characters_keep_the_columns)
{
	two.row({"漢字", "1"});
	two.row({"e\u0301", "2"});
	STRCMP_EQUAL("NAME  N\n漢字  1\ne\u0301     2\n", text().c_str());
}

TEST(table, cells_are_made_harmless)
{
	two.row({"\x1b[2Ja\nb", "1"});
	STRCMP_EQUAL("NAME     N\n␛[2Ja␊b  1\n", text().c_str());
}

TEST(table, the_widest_column_gives_way_on_a_narrow_terminal)
{
	two.row({"a rather long name that goes on", "12345"});
	STRCMP_EQUAL("NAME               N\na rather lon…  12345\n", text(20).c_str());
}

TEST(table, nothing_is_wider_than_the_terminal_however_narrow)
{
	two.row({"a rather long name that goes on", "1234567890"});
	for (std::size_t most = 1; most < 40; ++most) {
		std::string all = text(most);
		for (std::size_t end; (end = all.find('\n')) != std::string::npos; all.erase(0, end + 1)) CHECK(ctl::width_of(all.substr(0, end)) <= most);
	}
}

TEST(table, no_line_ends_in_blanks)
{
	Table t{{{"A"}, {"B"}}};
	t.row({"x", ""});
	STRCMP_EQUAL("A  B\nx\n", written([&](Output &out) { t.print(out, 0); }).c_str());
}

TEST(table, colours_do_not_count)
{
	two.row({{"a", Style::bad}, "1"});
	STRCMP_EQUAL(
		"\x1b[2mNAME\x1b[0m  \x1b[2mN\x1b[0m\n\x1b[31ma\x1b[0m     1\n", written([&](Output &out) { two.print(out, 0); }, Output::Colours::always).c_str());
}
