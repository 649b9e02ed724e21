#include "legacy.hpp"

#include <utility>

namespace webhook {

Legacy::Legacy(pb::Scope &scope_, const std::vector<std::string> &addresses)
	: scope(scope_), topic(scope, "webhook/listen", "the addresses of legacy_listen: null where it listens, else why not")
{
	topic.publish(told.copy());
	for (const std::string &address : addresses) all.emplace_back(*this, address);
}

Legacy::One::One(Legacy &owner_, const std::string &address_)
	: owner(owner_), address(address_), listener(owner.scope, address.c_str(), pb::bind<&One::on_change>(this))
{}

void Legacy::One::on_change(const pb_error *why) noexcept
{
	owner.told.set(address.c_str(), why ? pb::Json(why->text) : pb::Json(nullptr));
	owner.topic.publish(owner.told.copy());
	if (why) owner.scope.warn("legacy_listen: no listener", {{"address", address}, {"reason", why->text}});
	else if (is_failing) owner.scope.info("legacy_listen: it listens now", {{"address", address}});
	is_failing = why != nullptr;
}

} // namespace webhook
