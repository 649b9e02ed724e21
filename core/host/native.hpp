// The daemon's own routes, methods and topics: plugins, topics, methods, call, metrics of the host and the loop.
#pragma once
#include "host/host.hpp"

#include <deque>
#include <memory>

namespace core::host {

/// What the core tells of itself. Registers itself through the host table, as a plugin would.
class Native final {
public:
	Native(Services &services, Host &host);
	~Native();
	/// For GET plugins: which file is in force, and what is wrong with it. error empty: nothing.
	void set_config(const std::string &file, const std::string &error);

private:
	struct Face;
	std::unique_ptr<HostScope> own_scope;
	std::unique_ptr<Face> face;
};

} // namespace core::host
