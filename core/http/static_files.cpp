#include "http/static_files.hpp"

#include "http/stream.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace core::http {

namespace {
constexpr std::uint64_t most_at_once = 64 * 1024; // larger files go out in pieces of that size
constexpr std::size_t low_water = 8 * 1024;       // the next piece is read when so much still waits
constexpr std::chrono::seconds sweep_interval{30};
constexpr unsigned most_stuck = 2; // looks at a client that takes nothing

std::vector<pb_header> view_of(const std::vector<std::pair<std::string, std::string>> &headers)
{
	std::vector<pb_header> out;
	for (const auto &[name, value] : headers) out.push_back({name.c_str(), value.c_str()});
	return out;
}

/// No dotfiles: what is hidden in the folder stays so. No control characters, and no slash that was sent as %2f.
bool is_part(std::string_view part) noexcept
{
	return !part.starts_with('.') &&
		   std::ranges::none_of(part, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_servable(const Request &r) noexcept
{
	if (!r.parts.empty()) return std::ranges::all_of(r.parts, [&r](const Part &p) { return is_part(std::string_view(r.path).substr(p.at, p.size)); });
	std::string_view rest = r.path; // a plain path has no parts made
	while (!rest.empty()) {
		rest.remove_prefix(1);
		const std::string_view part = rest.substr(0, rest.find('/'));
		rest.remove_prefix(part.size());
		if (!is_part(part) || (part.empty() && !rest.empty())) return false;
	}
	return true;
}
} // namespace

/// One file on its way to one client, a piece at a time: read by a worker when the one before has nearly gone out.
class StaticFiles::Transfer final {
public:
	Transfer(StaticFiles &files_, FileReply reply) : files(files_), fd(std::move(reply.rest)), at(reply.offset), left(reply.size)
	{
		if (files.transfers.empty()) files.sweep.every(sweep_interval);
		files.transfers.push_back(this);
	}
	~Transfer()
	{
		std::erase(files.transfers, this);
		if (files.transfers.empty()) files.sweep.stop();
	}
	Transfer(const Transfer &) = delete;
	Transfer &operator=(const Transfer &) = delete;

	void open(Request &r, int status, std::span<const pb_header> headers)
	{
		pb_stream_events e{};
		e.struct_size = sizeof e;
		e.max_buffer = 4 * most_at_once;
		e.low_buffer = low_water;
		e.on_drain = [](void *self) { static_cast<Transfer *>(self)->read(); };
		e.on_close = [](void *self) { static_cast<Transfer *>(self)->on_close(); };
		stream = r.stream(status, headers, e, this);
		if (!stream) delete this;
		else read();
	}
	void on_close() noexcept
	{
		stream = nullptr;
		if (!is_reading) delete this; // else the worker's answer does
	}
	/// Ends it where the client has taken nothing for two looks. May delete this.
	void look()
	{
		const std::uint64_t now = at - (stream ? stream->buffered() : 0);
		stuck = now == taken ? stuck + 1 : 0;
		taken = now;
		if (stuck >= most_stuck && stream && !is_reading) finish();
	}

private:
	struct Piece {
		std::string bytes;
	};
	void read()
	{
		if (is_reading || !stream) return;
		if (left == 0) return finish();
		auto piece = std::make_shared<Piece>(); // shared: std::function copies
		const auto size = static_cast<std::size_t>(std::min(left, most_at_once));
		is_reading = files.pool->submit(
			[piece, size, from = fd.get(), offset = at] { piece->bytes = read_piece(from, offset, size); }, [this, piece] { on_read(piece->bytes); });
		if (!is_reading) finish(); // more wait than the queue takes: cut off, and seen by the client as such
	}
	static std::string read_piece(int from, std::uint64_t offset, std::size_t size)
	{
		std::string out(size, '\0');
		ssize_t n = 0;
		do n = pread(from, out.data(), size, static_cast<off_t>(offset));
		while (n < 0 && errno == EINTR);
		out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
		return out;
	}
	void on_read(const std::string &bytes)
	{
		is_reading = false;
		if (!stream) {
			delete this;
			return;
		}
		if (bytes.empty()) return finish(); // the file has shrunk: the stream ends short of its length, and the connection with it
		at += bytes.size();
		left -= bytes.size();
		files.sent += bytes.size();
		if (stream->write(bytes) <= low_water) read();
	}
	void finish()
	{
		std::exchange(stream, nullptr)->end();
		delete this;
	}

	StaticFiles &files;
	OwnedFd fd;
	std::uint64_t at, left;
	Stream *stream = nullptr;
	std::uint64_t taken = 0; // at the last look
	unsigned stuck = 0;
	bool is_reading = false;
};

FilesItem::FilesItem(Scope &scope_, StaticFiles &files_, Mount mount_)
	: pb_item(scope_, Kind::route), files(files_), mount(std::make_shared<const Mount>(std::move(mount_)))
{
	const auto at = std::ranges::find_if(files.mounts, [this](const FilesItem *other) { return other->mount->prefix.size() <= mount->prefix.size(); });
	files.mounts.insert(at, this);
}

FilesItem::~FilesItem() { std::erase(files.mounts, this); }

StaticFiles::StaticFiles(Reactor &reactor) : pool(std::make_unique<Pool>(reactor, 1024)), sweep(reactor, bind<&StaticFiles::on_sweep>(this)) {}

StaticFiles::~StaticFiles()
{
	pool.reset(); // no worker reads from what goes now
	while (!transfers.empty()) delete transfers.back();
}

void StaticFiles::on_sweep() noexcept
{
	for (Transfer *t : std::vector(transfers)) t->look();
}

Result<FilesItem *> StaticFiles::add(Scope &scope, Mount mount)
{
	if (!mount.prefix.starts_with('/') || !mount.prefix.ends_with('/'))
		return fail(fmt::format("files under \"{}\": a prefix has a slash at both ends", pb::utf8(mount.prefix)), 400);
	if (!mount.folder.starts_with('/'))
		return fail(fmt::format("files under {}: the folder \"{}\" is not absolute", pb::utf8(mount.prefix), pb::utf8(mount.folder)), 400);
	return new FilesItem(scope, *this, std::move(mount)); // freed by its scope
}

void StaticFiles::set_docroot(const std::string &folder)
{
	if (folder.empty()) docroot.reset();
	else if (!docroot || docroot->folder != folder) docroot = std::make_shared<const Mount>(Mount{"/", folder, {}, {}, PB_VIEWER});
}

int StaticFiles::role_for(std::string_view path) const noexcept
{
	int role = docroot ? docroot->role : int{PB_VIEWER};
	for (const FilesItem *m : mounts) {
		if (!path.starts_with(m->mount->prefix)) continue;
		if (m->mount->role == PB_PUBLIC) return PB_PUBLIC;
		role = std::min(role, m->mount->role);
	}
	return role;
}

bool StaticFiles::serve(Request &r)
{
	if (!is_servable(r)) return false;
	FileAsk ask;
	const auto consider = [&](const std::shared_ptr<const Mount> &m) {
		const bool is_allowed = m->role == PB_PUBLIC || r.caller().role >= m->role;
		if (is_allowed && r.path.starts_with(m->prefix)) ask.candidates.push_back({m, r.path.substr(m->prefix.size())});
	};
	for (const FilesItem *m : mounts) consider(m->mount);
	if (docroot) consider(docroot);
	if (ask.candidates.empty()) return false;
	ask.url = r.path;
	ask.query = r.head.query;
	ask.encodings = Encodings::parse(r.head.get("Accept-Encoding"));
	ask.if_none_match = r.head.get("If-None-Match");
	ask.if_modified_since = r.head.get("If-Modified-Since");
	ask.if_range = r.head.get("If-Range");
	ask.range = r.head.get("Range");
	ask.is_head = r.is_head();
	struct Work {
		FileAsk ask;
		FileReply reply;
	};
	const auto work = std::make_shared<Work>(Work{std::move(ask), {}}); // shared: std::function copies
	pb_request *handle = r.handle();
	const bool is_taken = pool->submit(
		[work] { work->reply = reply_with_file(work->ask, most_at_once); }, [this, work, handle] { answer(handle, work->ask, std::move(work->reply)); });
	if (!is_taken) r.fail({"more files are asked for than can be read; try again", 503, {}, {}}, "Retry-After: 1\r\n");
	return true;
}

void StaticFiles::answer(pb_request *handle, const FileAsk &ask, FileReply reply)
{
	Request *r = Request::find(handle);
	if (!r) return;
	++served;
	if (reply.status == 0) return r->fail({fmt::format("nothing is served at {}", pb::utf8(ask.url)), 404, {}, {}});
	if (reply.status == 416) {
		std::string lines;
		for (const auto &[name, value] : reply.headers)
			if (name == "Content-Range") lines = fmt::format("{}: {}\r\n", name, value);
		return r->fail({"the file has no such bytes", 416, "RANGE_NOT_SATISFIABLE", {}}, lines);
	}
	std::string length;
	if (reply.rest || (ask.is_head && reply.size != 0)) {
		length = fmt::format("{}", reply.size);
		reply.headers.emplace_back("Content-Length", length);
	}
	const int status = reply.status;
	const auto owned = std::move(reply.headers);
	const auto headers = view_of(owned);
	if (ask.is_head && !length.empty()) {
		pb_stream_events none{};
		none.struct_size = sizeof none;
		if (Stream *s = r->stream(status, headers, none, nullptr)) s->end();
		return;
	}
	if (!reply.rest) {
		sent += reply.body.size();
		return r->respond(status, headers, reply.body);
	}
	(new Transfer(*this, std::move(reply)))->open(*r, status, headers); // deletes itself
}

} // namespace core::http
