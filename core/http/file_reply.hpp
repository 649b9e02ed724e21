// From a path to the reply that a folder has for it: status, headers and the file's bytes, or where they lie. May block.
#pragma once
#include "http/encodings.hpp"
#include "http/open_beneath.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace core::http {

/// A folder served under a prefix of the path.
struct Mount {
	std::string prefix; // "/" or "/maps/": a slash at both ends
	std::string folder;
	std::string cache_control;                                // "": no-cache, so that the ETag is asked each time
	std::vector<std::pair<std::string, std::string>> headers; // on every reply
	int role = 1;                                             // pb_role
};

/// What a worker needs of a request: copies, since the request may end before.
struct FileAsk {
	struct Candidate {
		std::shared_ptr<const Mount> mount; // shared: a mount may go meanwhile
		std::string path;                   // below its folder; "" and what ends in '/' mean a folder
	};
	std::vector<Candidate> candidates; // the first that has the file serves
	std::string url;                   // the decoded path, for a folder's redirect
	std::string query;                 // as sent
	Encodings encodings;
	std::string if_none_match, if_modified_since, if_range, range;
	bool is_head = false;
};

/// status 0: no candidate has it.
struct FileReply {
	int status = 0;
	std::vector<std::pair<std::string, std::string>> headers; // without Content-Length
	std::string body;                                         // all of it where `rest` is empty
	OwnedFd rest;                                             // else the body is `size` bytes of it, from `offset`
	std::uint64_t offset = 0, size = 0;                       // size: of the body, also where HEAD leaves it out
};

/// On a worker. Files up to `most_at_once` bytes are read whole.
[[nodiscard]] FileReply reply_with_file(const FileAsk &ask, std::uint64_t most_at_once);

} // namespace core::http
