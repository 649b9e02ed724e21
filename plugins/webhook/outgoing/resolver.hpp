// Names into addresses, off the loop.
#pragma once
#include "place.hpp"
#include "trust.hpp"

#include <patchbay/patchbay.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace webhook::outgoing {

/// One at a time, so that a name server that is silent holds one worker alone. Loop thread; its job on a worker.
class Resolver final {
public:
	struct Answer {
		std::vector<Place> places;
		std::string flaw; // why there are none
	};
	using Done = std::function<void(const Answer &)>; // later, always, unless we go first

	Resolver(pb::Scope &scope_, std::shared_ptr<Trust> trust_) : scope(scope_), trust(std::move(trust_)) {}
	/// needs_trust: the authorities are loaded as well.
	void ask(const std::string &host, std::uint16_t port, bool needs_trust, Done done);

private:
	struct Question {
		std::string host;
		std::uint16_t port;
		bool needs_trust;
		Done done;
	};
	void next();
	static Answer look_up(const Question &q, Trust &trust);

	pb::Scope &scope;
	std::shared_ptr<Trust> trust;                                           // shared with jobs
	std::deque<Question> questions;                                         // the first is being asked
	std::shared_ptr<Resolver *> alive = std::make_shared<Resolver *>(this); // shared with jobs
};

} // namespace webhook::outgoing
