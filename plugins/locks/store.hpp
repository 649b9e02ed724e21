// What survives the daemon: the leases, and a mark that no token given so far lies above.
//
// The mark runs ahead of the tokens, so that one write covers many grants. A grant may be answered only when both its lease
// and a mark at or above its token are committed: after kill -9 the same holder has the same token for the rest of its time,
// and no token comes twice.
#pragma once
#include "table.hpp"

#include <patchbay/patchbay.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace locks {

/// Loop thread. Writes in the order of the calls; those of one turn of the loop share a transaction.
class Store final {
public:
	using Done = std::function<void(const std::optional<pb::Error> &)>; // nothing: committed
	struct FileRecord {
		std::string path;
		std::uint64_t inode = 0;
		std::vector<std::string> ids;
	};
	struct Loaded {
		Token last_token = 0;
		std::vector<std::pair<std::string, Holder>> leases; // also those that have ended by now
		std::vector<FileRecord> files;
	};

	explicit Store(pb::Scope &scope);
	void load(std::function<void(Loaded)> done);
	/// What `name` has been granted: done comes at once where nothing needs to be written.
	void record(const std::string &name, const Holder &holder, Done done);
	void forget(const std::string &name, Done done = {});
	void record_file(const FileRecord &file, Done done);
	void forget_file(const std::string &path);

private:
	void reserve(Token token);
	void when_reserved(Token token, Done done);

	pb::Scope &scope;
	std::string boot; // which run of the machine: its lease clock starts anew with each
	Token reserved = 0, asked = 0;
	std::vector<std::pair<Token, Done>> waiting; // for the mark
};

} // namespace locks
