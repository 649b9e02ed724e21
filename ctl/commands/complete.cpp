// __complete -- WORD…: what the last word can become, a line each, "word<tab>what it is". For the shells' completions.
// Lines that begin with a colon are for the shell to do: ":files", and ":command N" (a command of its own begins at word N).
#include "access.hpp"
#include "commands/commands.hpp"
#include "failure.hpp"
#include "look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace ctl {

namespace {

constexpr Seconds patience{1};

/// Shells expand what they are given: nothing that could be more than a name.
bool is_plain(std::string_view word) noexcept
{
	return !word.empty() && word[0] != ':' && std::ranges::all_of(word, [](char c) {
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("._/:@=-*", c) != nullptr;
	}) && word.find('\0') == std::string_view::npos;
}

/// Reads the words before the last as the command line would, but forgives everything.
struct Typed {
	const Command *command = nullptr;
	std::vector<std::string> operands;
	Arguments options;
	const Option *open = nullptr; // wants the last word as its value
	bool is_others = false;       // behind lock NAME --: another program's words
	std::size_t others_at = 0;
};

const Option *find_option(const Command *command, std::string_view word)
{
	const auto is_it = [&](const Option &o) { return word == fmt::format("--{}", o.name) || (o.letter != 0 && word == fmt::format("-{}", o.letter)); };
	if (command)
		for (const Option &o : command->options)
			if (is_it(o)) return &o;
	for (const Option &o : common_options())
		if (is_it(o)) return &o;
	return nullptr;
}

Typed read(const std::vector<std::string> &words)
{
	Typed t;
	for (std::size_t i = 0; i + 1 < words.size(); ++i) {
		const std::string &word = words[i];
		if (t.open) {
			t.options.options[t.open->name] = word;
			t.open = nullptr;
		} else if (word == "--") {
			t.is_others = t.command && t.command->ends_options;
			t.others_at = i + 1;
			if (t.is_others) return t;
		} else if (const std::size_t equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
			if (const Option *o = find_option(t.command, word.substr(0, equals))) t.options.options[o->name] = word.substr(equals + 1);
		} else if (word.starts_with('-')) {
			if (const Option *o = find_option(t.command, word); o && o->value) t.open = o;
		} else if (!t.command) {
			t.command = find_command(word);
			if (!t.command) return t;
		} else if (t.command->ends_options && !t.operands.empty()) {
			t.is_others = true;
			t.others_at = i;
			return t;
		} else t.operands.push_back(word);
	}
	return t;
}

class Completion final {
public:
	Completion(Output &out_, const std::vector<std::string> &words) : out(out_), last(words.back()), count(words.size()), typed(read(words)) {}

	void run()
	{
		if (typed.is_others) return out.line(fmt::format(":command {}", typed.others_at + 1));
		if (typed.open) return value_of(*typed.open, last, "");
		const std::size_t equals = last.find('=');
		if (last.starts_with("--") && equals != std::string::npos) {
			const Option *o = find_option(typed.command, last.substr(0, equals));
			if (o && o->value) value_of(*o, last.substr(equals + 1), last.substr(0, equals + 1));
			return;
		}
		if (last.starts_with('-')) return options();
		if (!typed.command) return commands();
		if (typed.operands.size() >= typed.command->most) return;
		operands(typed.command->words);
	}

private:
	/// One more candidate, if it begins as the last word does.
	void say(std::string_view word, std::string_view what = {}, std::string_view before = {})
	{
		const std::string whole = fmt::format("{}{}", before, word);
		if (!is_plain(word) || !whole.starts_with(last)) return;
		std::string text(what);
		std::ranges::replace_if(
			text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
		out.line(text.empty() ? whole : fmt::format("{}\t{}", whole, text));
	}
	void commands()
	{
		for (const Command &c : all_commands())
			if (c.name[0] != '_') say(c.name, c.help);
	}
	void options()
	{
		if (typed.command)
			for (const Option &o : typed.command->options) say(fmt::format("--{}", o.name), o.help);
		for (const Option &o : common_options()) say(fmt::format("--{}", o.name), o.help);
	}
	void value_of(const Option &o, std::string_view, const std::string &before)
	{
		std::string_view choices = o.value;
		if (choices.find('|') == std::string_view::npos) return from(o.words);
		for (std::size_t bar; !choices.empty(); choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 1)) {
			bar = choices.find('|');
			say(choices.substr(0, bar), "", before);
		}
	}
	void operands(Words words)
	{
		if (words == Words::config) return config_words();
		if (words == Words::methods && typed.command->name == std::string_view("call") && !typed.operands.empty()) return parameters(typed.operands[0]);
		if (words == Words::locks && !typed.operands.empty()) return out.line(fmt::format(":command {}", count));
		from(words);
	}
	void config_words()
	{
		if (typed.operands.empty()) return say("check", "as the daemon would"), say("show", "what is in force"), say("diff", "what is not the default");
		if (typed.operands[0] == "check") out.line(":files");
	}
	void from(Words words)
	{
		switch (words) {
		case Words::files: return out.line(":files");
		case Words::commands: return commands();
		case Words::plugins: return names("plugins", "plugins", "state");
		case Words::topics: return names("topics", "topics", "help");
		case Words::methods: return names("methods", "methods", "help");
		case Words::interfaces: return names("interfaces", "interfaces", "kind");
		case Words::locks: return names("locks", "locks", "owner");
		case Words::logs: return names("procs", "processes", "state");
		case Words::processes: return processes();
		default: return;
		}
	}
	pb::Json ask(const char *path)
	{
		try {
			Access access = access_of(typed.options);
			access.timeout = patience;
			return Client(access).json(path);
		} catch (const Failure &) {
			return {}; // a shell that completes is no place for complaints
		}
	}
	void names(const char *path, const char *list, const char *what)
	{
		const pb::Json answer = ask(path);
		for (const json_t *e : Entries(pb::at(answer.get(), list))) say(pb::text_at(e, "name"), pb::text_at(e, what));
	}
	void processes()
	{
		const pb::Json answer = ask("procs");
		for (const json_t *e : Entries(pb::at(answer.get(), "processes"))) say(pb::text_at(e, "name"), pb::text_at(e, "state"));
		const char *group;
		json_t *members;
		json_object_foreach(const_cast<json_t *>(pb::at(answer.get(), "groups")), group, members) say(group, "group: " + joined(members));
	}
	void parameters(const std::string &method)
	{
		const pb::Json answer = ask("methods");
		for (const json_t *m : Entries(pb::at(answer.get(), "methods"))) {
			if (pb::text_at(m, "name") != method) continue;
			for (const json_t *p : Entries(pb::at(m, "parameters"))) say(fmt::format("{}=", pb::text_at(p, "name")), pb::text_at(p, "help"));
		}
	}

	Output &out;
	const std::string last;
	const std::size_t count; // of words: with the tool's own name, the last one's place
	const Typed typed;
};

} // namespace

int complete(Context &context, const Arguments &arguments)
{
	if (!arguments.words.empty()) Completion(context.out, arguments.words).run();
	return done;
}

} // namespace ctl
