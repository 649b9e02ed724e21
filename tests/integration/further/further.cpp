// A plugin that opens further listeners, for the tests of these.
#include <patchbay/patchbay.hpp>

#include <list>

namespace {

struct Settings {
	std::vector<std::string> listen;
	static constexpr auto fields = pb::fields(pb::field("listen", &Settings::listen, {.fallback = "[]", .max = 8, .help = "where to listen as well"}));
};

class Further final {
public:
	using Settings = ::Settings;
	Further(pb::Scope &scope_, const Settings &settings)
		: scope(scope_), state(scope, "further/listen", "each address, and why it does not listen"),
		  whence(scope, "GET /whence", pb::bind<&Further::on_whence>(this)), drop(scope, "further.drop", pb::bind<&Further::on_drop>(this))
	{
		state.publish(pb::Json::object());
		for (const std::string &address : settings.listen) all.emplace_back(*this, address);
	}

private:
	struct One {
		One(Further &owner_, const std::string &address_)
			: owner(owner_), address(address_), listener(owner.scope, address.c_str(), pb::bind<&One::on_change>(this))
		{}
		void on_change(const pb_error *why) noexcept
		{
			owner.told.set(address.c_str(), why ? pb::Json(why->text) : pb::Json(nullptr));
			owner.state.publish(owner.told.copy());
		}
		Further &owner;
		const std::string address;
		pb::Listener listener;
	};
	void on_whence(const pb::None &, const pb::None &, const pb::None &, pb::Request r)
	{
		pb::Json by = r.listener();
		r.json(200, {{"by", std::move(by)}});
	}
	void on_drop(const pb::None &, pb::Reply reply)
	{
		all.clear();
		reply(nullptr);
	}

	pb::Scope &scope;
	pb::Json told = pb::Json::object();
	pb::Topic state;
	pb::Handler<> whence;
	pb::Method<pb::None> drop;
	std::list<One> all;
};

} // namespace

PATCHBAY_PLUGIN(Further, "further", "1.0", "")
