#include "kismet/splitter.hpp"

#include <utility>

namespace kismet {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string shown(std::string_view bytes)
{
	std::string out;
	for (const char c : bytes.substr(0, 24)) out += c >= ' ' && c < 0x7f ? c : '?';
	return out;
}

} // namespace

Splitter::State Splitter::fail(std::string text)
{
	why = std::move(text);
	element = {};
	return now = State::broken;
}

Splitter::State Splitter::feed(std::string_view bytes, std::vector<std::string> &out)
{
	for (std::size_t at = 0; at < bytes.size() && now == State::running;) {
		if (in_element) inside(bytes, at, out);
		else outside(bytes, at);
	}
	return now;
}

void Splitter::outside(std::string_view bytes, std::size_t &at)
{
	const char c = bytes[at];
	if (is_blank(c) || (is_array && c == ',')) {
		in_scalar = false;
		++at;
	} else if (!has_begun && c == '[') {
		has_begun = is_array = true;
		++at;
	} else if (is_array && c == ']') {
		now = State::done;
		++at;
	} else if ((is_array || !has_begun) && c == '{') {
		has_begun = in_element = true;
		depth = 0;
		element.clear();
	} else if (is_array && c != '[' && c != '"' && c != '}' && c != '<') { // 0, null: there is a number where an object should be
		if (!std::exchange(in_scalar, true)) ++odd_ones;
		++at;
	} else {
		fail("\"" + shown(bytes.substr(at)) + "\" is not what Kismet answers");
	}
}

void Splitter::inside(std::string_view bytes, std::size_t &at, std::vector<std::string> &out)
{
	const std::size_t from = at;
	bool is_whole = false;
	for (; at < bytes.size() && !is_whole; ++at) {
		const char c = bytes[at];
		if (in_string) {
			if (is_escaped) is_escaped = false;
			else if (c == '\\') is_escaped = true;
			else if (c == '"') in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			++depth;
		} else if (c == '}' || c == ']') {
			is_whole = --depth == 0;
		}
	}
	if (element.size() + (at - from) > most_element) {
		fail("an object of more than 1 MiB");
		return;
	}
	element.append(bytes, from, at - from);
	if (!is_whole) return;
	in_element = false;
	out.push_back(std::move(element));
	element.clear();
	if (!is_array) now = State::done;
}

} // namespace kismet
