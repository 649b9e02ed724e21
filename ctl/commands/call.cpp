// methods, call: what can be called, and a call whose arguments are typed by what the method declares.
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"
#include "typed.hpp"

#include "fields/check.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ctl {

namespace {

constexpr Seconds call_limit{120};

const json_t *find_method(const json_t *list, std::string_view name)
{
	std::vector<std::string_view> names;
	for (const json_t *m : Entries(pb::at(list, "methods"))) {
		if (pb::text_at(m, "name") == name) return m;
		names.push_back(pb::text_at(m, "name"));
	}
	const std::string near = core::fields::nearest(name, names);
	throw Failure(not_done, near.empty() ? fmt::format("no method {}; patchbayctl methods lists them", harmless(name))
										 : fmt::format("no method {}; did you mean {}?", harmless(name), near));
}

std::string_view type_of(const json_t *method, std::string_view key)
{
	std::vector<std::string_view> names;
	for (const json_t *p : Entries(pb::at(method, "parameters"))) {
		if (pb::text_at(p, "name") == key) return pb::text_at(p, "type");
		names.push_back(pb::text_at(p, "name"));
	}
	const std::string near = core::fields::nearest(key, names);
	const std::string_view name = pb::text_at(method, "name");
	if (names.empty()) throw Failure(bad_usage, fmt::format("{} takes no arguments", harmless(name)));
	throw Failure(bad_usage,
		near.empty() ? fmt::format("{} has no parameter {}; it has {}", harmless(name), harmless(key), harmless(fmt::format("{}", fmt::join(names, ", "))))
					 : fmt::format("{} has no parameter {}; did you mean {}?", harmless(name), harmless(key), harmless(near)));
}

/// "key=value" of each word; a key that comes again adds to its list.
pb::Json arguments_of(const json_t *method, const std::vector<std::string> &words)
{
	pb::Json out = pb::Json::object();
	for (std::size_t i = 1; i < words.size(); ++i) {
		const std::size_t equals = words[i].find('=');
		if (equals == std::string::npos || equals == 0) throw Failure(bad_usage, fmt::format("{}: an argument is KEY=VALUE", harmless(words[i])));
		const std::string key = words[i].substr(0, equals);
		pb::Json value = typed(key, type_of(method, key), std::string_view(words[i]).substr(equals + 1));
		json_t *there = json_object_get(out.get(), key.c_str());
		if (json_is_array(there) && json_is_array(value.get())) json_array_extend(there, value.get());
		else if (there) throw Failure(bad_usage, fmt::format("{} is given twice", harmless(key)));
		else out.set(key.c_str(), std::move(value));
	}
	return out;
}

void show_parameters(Output &out, const json_t *method)
{
	out.add(harmless(text_or_dash(method, "name")), Style::bold);
	out.line(fmt::format(
		": {} (plugin {}, role {})", harmless(text_or_dash(method, "help")), harmless(text_or_dash(method, "plugin")), harmless(text_or_dash(method, "role"))));
	Table table({{"  PARAMETER"}, {"TYPE"}, {"DEFAULT"}, {"WHAT"}});
	for (const json_t *p : Entries(pb::at(method, "parameters"))) {
		const json_t *usual = pb::at(p, "default");
		const std::string fallback = pb::bool_at(p, "required") ? "required" : json_is_null(usual) || !usual ? "-" : pb::Json::share(usual).text();
		const std::string choices = joined(pb::at(p, "choices"));
		table.row({fmt::format("  {}", text_or_dash(p, "name")), text_or_dash(p, "type"), fallback,
			fmt::format("{}{}", text_or_dash(p, "help"), choices.empty() ? "" : ": " + choices)});
	}
	if (!table.is_empty()) table.print(out);
}

} // namespace

int methods(Context &context, const Arguments &arguments)
{
	const pb::Json list = get_or_print(context, "methods");
	if (!list) return done;
	for (const std::string &name : arguments.words) show_parameters(context.out, find_method(list.get(), name));
	if (!arguments.words.empty()) return done;
	Table table({{"METHOD"}, {"PARAMETERS"}, {"ROLE"}, {"WHAT"}});
	for (const json_t *m : Entries(pb::at(list.get(), "methods"))) {
		std::string names;
		for (const json_t *p : Entries(pb::at(m, "parameters")))
			names += fmt::format("{}{}{}", names.empty() ? "" : " ", pb::text_at(p, "name"), pb::bool_at(p, "required") ? "" : "?");
		table.row({text_or_dash(m, "name"), names.empty() ? "-" : names, text_or_dash(m, "role"), text_or_dash(m, "help")});
	}
	table.print(context.out);
	return done;
}

int call(Context &context, const Arguments &arguments)
{
	const std::string &name = arguments.words[0];
	const pb::Json list = context.client().json("methods");
	const pb::Json args = arguments_of(find_method(list.get(), name), arguments.words);
	const std::string body = context.client().post("call/" + escaped(name), args, call_limit);
	if (context.wants_json) context.out.json(body);
	else context.out.line(harmless_json(pb::Json::share(pb::at(pb::Json::parse(body).get(), "result")).text(for_people)));
	return done;
}

} // namespace ctl
