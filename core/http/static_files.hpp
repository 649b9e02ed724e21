// Folders served after all routes: [http] docroot, and those that plugins mount.
#pragma once
#include "host/scope.hpp"
#include "http/file_reply.hpp"
#include "http/request.hpp"
#include "reactor/pool.hpp"
#include "reactor/watch.hpp"

#include <memory>
#include <string>
#include <vector>

namespace core::http {

class StaticFiles;

/// A mounted folder. Freed with its scope; transfers under way go on.
class FilesItem final : public pb_item {
public:
	FilesItem(Scope &scope, StaticFiles &files, Mount mount);
	~FilesItem() override;

private:
	friend class StaticFiles;
	StaticFiles &files;
	std::shared_ptr<const Mount> mount; // shared with the workers that read from it
};

/// The longest prefix first, the latest mounted first among equals; docroot is the last of its own. What touches the disk runs
/// on workers of its own, so that neither the loop nor a plugin's jobs are waited for. Loop thread.
class StaticFiles final {
public:
	explicit StaticFiles(Reactor &reactor);
	~StaticFiles();
	StaticFiles(const StaticFiles &) = delete;
	StaticFiles &operator=(const StaticFiles &) = delete;

	/// 400 for a prefix without a slash at both ends, or a folder that is not absolute.
	[[nodiscard]] Result<FilesItem *> add(Scope &scope, Mount mount);
	/// The folder under "/" that the settings name; empty: none.
	void set_docroot(const std::string &folder);

	/// The role that a path needs: that of the folders that might have it, the least of them; PB_VIEWER where none might.
	[[nodiscard]] int role_for(std::string_view path) const noexcept;
	/// True: it will answer, perhaps with 404.
	[[nodiscard]] bool serve(Request &request);

	std::uint64_t served = 0, sent = 0; // replies, bytes

private:
	friend class FilesItem;
	class Transfer;
	void answer(pb_request *handle, const FileAsk &ask, FileReply reply);
	void on_sweep() noexcept;
	std::vector<FilesItem *> mounts; // in the order in which they are asked
	std::shared_ptr<const Mount> docroot;
	std::vector<Transfer *> transfers;
	std::unique_ptr<Pool> pool;
	Timer sweep; // while there are transfers
};

} // namespace core::http
