#include "devices/replies.hpp"

#include "devices/summary.hpp"
#include "devices/text.hpp"

#include <patchbay/patchbay.hpp>

#include <cmath>

namespace devices {
namespace {

std::optional<std::int64_t> to_ms(const std::optional<pb::UnixTime> &time)
{
	if (!time) return {};
	return std::llround(time->seconds * 1000);
}

template<typename Args> Query query_of(const Args &a) { return {to_ms(a.since), static_cast<std::size_t>(a.limit), a.cursor, a.type, a.q, a.sort}; }

[[noreturn]] void refuse_cursor(const Query &query)
{
	pb::Json details = pb::Json::array();
	details.push({{"field", "cursor"}, {"message", "is not the `next` of a page of this sort"}, {"value", query.cursor}});
	throw pb::Error(400, "VALIDATION_ERROR", "Invalid request parameters: cursor is not the `next` of a page of this sort", std::move(details));
}

std::string describe(Kind kind, const Query &q)
{
	std::string out(1, kind == Kind::devices ? 'd' : 'n');
	for (const std::string_view part : {std::string_view(q.cursor), std::string_view(q.type), std::string_view(q.q), std::string_view(q.sort)})
		append_quoted(out, part);
	append_integer(out, static_cast<std::int64_t>(q.limit));
	out += q.since_ms ? ' ' : '-';
	append_integer(out, q.since_ms.value_or(0));
	return out;
}

} // namespace

Query ListArgs::query() const { return query_of(*this); }
Query AlertArgs::query() const { return query_of(*this); }

Replies::Kept &Replies::kept(std::string what)
{
	for (Kept &k : cache) {
		if (k.what != what) continue;
		if (k.generation != generation()) k.text.clear();
		k.generation = generation();
		return k;
	}
	Kept &k = cache[oldest++ % cache.size()];
	k = {std::move(what), {}, generation()};
	return k;
}

const std::string &Replies::list_of(Kind kind, const Query &query)
{
	Kept &k = kept(describe(kind, query));
	if (!k.text.empty()) return k.text;
	const std::optional<Page> page = list(table, kind, query);
	if (!page) refuse_cursor(query);
	k.text = kind == Kind::devices ? "{\"devices\":[" : "{\"networks\":[";
	k.text += page->items;
	k.text += "],";
	append_paging(k.text, *page);
	k.text += ",\"source\":";
	append_quoted(k.text, source);
	k.text += '}';
	return k.text;
}

std::string Replies::alert_list(const Query &query) const
{
	const std::optional<Page> page = alerts ? alerts->list(query) : Page{};
	if (!page) refuse_cursor(query);
	std::string out = "{\"alerts\":[" + page->items + "],";
	append_paging(out, *page);
	return out += '}';
}

const std::string &Replies::data(const DataArgs &args)
{
	Query query;
	query.since_ms = to_ms(args.since);
	query.limit = static_cast<std::size_t>(args.limit);
	Kept &k = kept("data " + args.type + describe(Kind::devices, query));
	if (!k.text.empty()) return k.text;
	const auto wants = [&](std::string_view type) { return args.type == "all" || args.type == type; };
	k.text = '{';
	if (wants("devices")) k.text += "\"devices\":[" + list(table, Kind::devices, query)->items + "],";
	if (wants("networks")) k.text += "\"networks\":[" + list(table, Kind::networks, query)->items + "],";
	if (wants("alerts")) {
		query.sort = "-timestamp";
		k.text += "\"alerts\":[" + (alerts ? alerts->list(query)->items : std::string()) + "],";
	}
	k.text += "\"summary\":";
	append_contract_summary(k.text, summarise(table), alerts ? alerts->size() : 0);
	k.text += '}';
	return k.text;
}

std::string Replies::device(std::string_view mac)
{
	const std::optional<std::uint64_t> number = parse_mac(mac);
	const std::vector<Entry *> found = number ? table.find_all(*number) : std::vector<Entry *>();
	if (found.empty())
		throw pb::Error(
			404, "NOT_FOUND", std::string(source) + " knows no device " + std::string(mac) + (number ? "" : ": that is no MAC (AA:BB:CC:DD:EE:FF)"));
	std::string out = found.front()->text();
	out.pop_back();
	out += ",\"history\":";
	append_history(out, found.front()->history);
	if (found.size() > 1) {
		out += ",\"others\":[";
		for (std::size_t i = 1; i < found.size(); ++i) {
			if (i > 1) out += ',';
			out += found[i]->text();
		}
		out += ']';
	}
	return out += '}';
}

} // namespace devices
