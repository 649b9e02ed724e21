// recovery: incidents are classified by rules and healed, one attempt a class at a time, with back-off and a limit.
#include "engine.hpp"

#include <fmt/format.h>

namespace {

/// [plugins.recovery] in patchbay.toml.
struct Settings {
	std::vector<recovery::Rule> rules;
	bool defaults;
	static constexpr auto fields =
		pb::fields(pb::field("rule", &Settings::rules,
					   {.fallback = "[]", .max = 256, .help = "rules, before the defaults; the defaults of a class that one of them names fall away"}),
			pb::field("defaults", &Settings::defaults, {.fallback = "true", .help = "use the rules that come with the plugin"}));
};

struct RunArgs {
	std::optional<std::string> name;
	std::optional<std::int64_t> id;
	static constexpr auto fields = pb::fields(pb::field("class", &RunArgs::name, {.min = 1, .max = 64, .help = "what to heal; or id"}),
		pb::field("id", &RunArgs::id, {.min = 1, .max = 9e15, .help = "the incident"}));
};
struct AcknowledgeArgs {
	std::int64_t id;
	static constexpr auto fields = pb::fields(pb::field("id", &AcknowledgeArgs::id, {.min = 1, .max = 9e15, .help = "the incident"}));
};

class Recovery final {
public:
	using Settings = ::Settings;
	Recovery(pb::Scope &scope, Settings settings)
		: engine(scope, checked(std::move(settings.rules)), settings.defaults),
		  route(scope, "GET recovery", engine.topic(), {.help = "incidents: those that last, then those that are over"}),
		  run(scope, "recovery.run", pb::bind<&Recovery::on_run>(this),
			  {.help = "try to heal a class now; answers with the incident, before the attempt is over"}),
		  acknowledge(scope, "recovery.acknowledge", pb::bind<&Recovery::on_acknowledge>(this),
			  {.help = "a person has seen it: an incident that waits for one is over with it"})
	{
		engine.begin();
	}

private:
	static std::vector<recovery::Rule> checked(std::vector<recovery::Rule> rules)
	{
		for (const recovery::Rule &r : rules)
			if (r.call && !r.steps.empty()) throw pb::Error(400, "", fmt::format("rule of class {}: it has call and steps; write one of them", r.name));
		return rules;
	}
	void on_run(const RunArgs &args, pb::Reply &&reply)
	{
		if (args.name.has_value() == args.id.has_value()) throw pb::Error(400, "", "recovery.run: needs a class or an id, and not both");
		reply(recovery::to_json(engine.run(args.name.value_or(""), args.id.value_or(0), reply.caller().name)));
	}
	void on_acknowledge(const AcknowledgeArgs &args, pb::Reply &&reply) { reply(recovery::to_json(engine.acknowledge(args.id, reply.caller().name))); }

	recovery::Engine engine;
	pb::Route route;
	pb::Method<RunArgs> run;
	pb::Method<AcknowledgeArgs> acknowledge;
};

} // namespace

PATCHBAY_PLUGIN_WITH(Recovery, "recovery", "1.0.0", "", PB_EXCLUSIVE)
