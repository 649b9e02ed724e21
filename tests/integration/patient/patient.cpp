// A plugin that is ill on request, for the tests of recovery: any topic with any value, and the methods that should heal it.
#include <patchbay/patchbay.hpp>

#include <map>
#include <memory>

namespace {

using std::chrono::milliseconds;

struct Settings {
	static constexpr auto fields = pb::fields();
};
struct SetArgs {
	std::string topic;
	pb::Json value;
	static constexpr auto fields = pb::fields(pb::field("topic", &SetArgs::topic, {.help = "which; made where it is not there"}),
		pb::field("value", &SetArgs::value, {.help = "what it says from now on"}));
};
struct BehaveArgs {
	std::string topic;
	std::optional<pb::Json> value;
	milliseconds delay, answer_after;
	std::int64_t status;
	static constexpr auto fields = pb::fields(pb::field("topic", &BehaveArgs::topic, {.fallback = "\"patient/link\"", .help = "what a treatment changes"}),
		pb::field("value", &BehaveArgs::value, {.help = "to what; left out: nothing helps"}),
		pb::field("delay", &BehaveArgs::delay, {.fallback = "0s", .help = "how long after the answer"}),
		pb::field("answer_after", &BehaveArgs::answer_after, {.fallback = "0s", .help = "how long a call takes"}),
		pb::field("status", &BehaveArgs::status, {.fallback = "200", .help = "what a call answers"}));
};
struct TreatArgs {
	std::string name;
	static constexpr auto fields = pb::fields(pb::field("name", &TreatArgs::name, {.fallback = "\"\"", .help = "whom"}));
};

class Patient final {
public:
	using Settings = ::Settings;
	Patient(pb::Scope &scope_, const Settings &)
		: scope(scope_), set(scope_, "patient.set", pb::bind<&Patient::on_set>(this)), behave(scope_, "patient.behave", pb::bind<&Patient::on_behave>(this)),
		  treat(scope_, "patient.treat", pb::bind<&Patient::on_treat>(this)), start(scope_, "procs.start", pb::bind<&Patient::on_treat>(this)),
		  calls(scope_, "patient.calls", pb::bind<&Patient::on_calls>(this)), answer(scope_, pb::bind<&Patient::on_answer>(this)),
		  heal(scope_, pb::bind<&Patient::on_heal>(this))
	{
		how.topic = "patient/link";
		how.status = 200;
	}

private:
	void say(const std::string &topic, pb::Json value)
	{
		auto &t = topics[topic];
		if (!t) t = std::make_unique<pb::Topic>(scope, topic.c_str(), "for a test", topic.ends_with("/incident") ? PB_TRANSIENT : 0);
		t->publish(std::move(value));
	}
	void on_set(const SetArgs &args, pb::Reply reply)
	{
		say(args.topic, pb::Json::share(args.value.get()));
		reply(true);
	}
	void on_behave(const BehaveArgs &args, pb::Reply reply)
	{
		how.topic = args.topic;
		how.value = args.value ? pb::Json::share(args.value->get()) : pb::Json();
		how.delay = args.delay;
		how.answer_after = args.answer_after;
		how.status = args.status;
		reply(true);
	}
	void on_treat(const TreatArgs &args, pb::Reply &&reply)
	{
		treated.push({{"name", args.name}, {"at", pb::unix_ms()}});
		pending.push_back(std::move(reply));
		answer.once(how.answer_after);
	}
	void on_answer() noexcept
	{
		for (pb::Reply &r : std::exchange(pending, {})) {
			if (how.status == 200) r({{"treated", true}});
			else r.fail(static_cast<int>(how.status), "", "the treatment did not take");
		}
		if (how.value) heal.once(how.delay);
	}
	void on_heal() noexcept { say(how.topic, pb::Json::share(how.value.get())); }
	void on_calls(const pb::None &, pb::Reply reply) { reply(treated.copy()); }

	struct How {
		std::string topic;
		pb::Json value;
		milliseconds delay{}, answer_after{};
		std::int64_t status;
	};
	pb::Scope &scope;
	How how;
	pb::Json treated = pb::Json::array();
	std::vector<pb::Reply> pending;
	std::map<std::string, std::unique_ptr<pb::Topic>> topics;
	pb::Method<SetArgs> set;
	pb::Method<BehaveArgs> behave;
	pb::Method<TreatArgs> treat, start;
	pb::Method<pb::None> calls;
	pb::Timer answer, heal;
};

} // namespace

PATCHBAY_PLUGIN(Patient, "patient", "1.0.0", "")
