// Further addresses for clients that know an older service's port: legacy_listen.
#pragma once
#include <patchbay/patchbay.hpp>

#include <list>
#include <string>
#include <vector>

namespace webhook {

/// Says on webhook/listen, and in the log, which of them do not listen and why. Loop thread.
class Legacy final {
public:
	Legacy(pb::Scope &scope, const std::vector<std::string> &addresses);
	Legacy(const Legacy &) = delete;
	Legacy &operator=(const Legacy &) = delete;

private:
	struct One {
		One(Legacy &owner_, const std::string &address_);
		void on_change(const pb_error *why) noexcept;
		Legacy &owner;
		const std::string address;
		bool is_failing = false;
		pb::Listener listener;
	};
	pb::Scope &scope;
	pb::Json told = pb::Json::object();
	pb::Topic topic;
	std::list<One> all;
};

} // namespace webhook
