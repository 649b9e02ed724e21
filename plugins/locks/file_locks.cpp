#include "file_locks.hpp"
#include "clock.hpp"
#include "contest.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace std::chrono_literals;

namespace locks {

namespace {
const std::string prefix = "file:";
constexpr std::size_t max_files = 256; // each is an open descriptor
constexpr Ms slack = 5'000;            // for the last try, which may begin at the deadline
} // namespace

FileLocks::FileLocks(pb::Scope &scope_, Desk &desk_, FileSettings settings_)
	: scope(scope_), desk(desk_), settings(std::move(settings_)),
	  acquire(scope_, "locks.file.acquire", pb::bind<&FileLocks::on_acquire>(this), {.help = "take PATH.lock, which other programs respect", .deadline = 25h}),
	  release(scope_, "locks.file.release", pb::bind<&FileLocks::on_release>(this), {.help = "remove PATH.lock, where it is ours"}),
	  renew(scope_, "locks.file.renew", pb::bind<&FileLocks::on_renew>(this), {.help = "let the lease of PATH.lock run anew"}),
	  refresh_timer(scope_, pb::bind<&FileLocks::on_refresh>(this))
{
	desk.on_ended = [this](const std::string &name, Token token) { ended(name, token); };
}

FileLocks::~FileLocks() { desk.on_ended = {}; }

void FileLocks::configure(FileSettings settings_)
{
	settings = std::move(settings_);
	arm();
}

void FileLocks::arm()
{
	if (held.empty()) refresh_timer.stop();
	else refresh_timer.every(std::max<milliseconds>(200ms, settings.stale_after / 4));
}

FileLocks::Held *FileLocks::find(const std::string &name, Token token)
{
	const auto i = std::find_if(held.begin(), held.end(), [&](const Held &h) { return h.name == name && h.token == token; });
	return i == held.end() ? nullptr : &*i;
}

/// The path with its links resolved is the lock's name, however it was written.
void FileLocks::with_name(const std::string &path, pb::Reply &&reply, std::function<void(const std::string &name, pb::Reply &&)> then)
{
	const auto kept = std::make_shared<pb::Reply>(std::move(reply)); // shared: a refused job gives it back
	using Found = std::variant<std::string, Fault>;
	const bool is_on_its_way = scope.work(
		[roots = settings.roots, path]() -> Found {
			auto place = find_place(roots, path);
			if (auto *fault = std::get_if<Fault>(&place)) return std::move(*fault);
			return prefix + std::get<Place>(place).path;
		},
		[kept, then = std::move(then)](const Found &found) {
			if (const auto *fault = std::get_if<Fault>(&found)) return kept->fail(fault->status, fault->code, fault->text);
			pb::detail::guarded([&] { then(std::get<std::string>(found), std::move(*kept)); }, [&](const pb_error &e) { kept->fail(e); });
		});
	if (!is_on_its_way) kept->fail(503, "", fmt::format("{}: too much work waits; try again", path));
}

void FileLocks::on_acquire(const FileAcquire &args, pb::Reply &&reply)
{
	if (held.size() >= max_files) throw pb::Error(503, "LOCKS_FULL", fmt::format("{}: {} lock files are held already", args.path, held.size()));
	const Ms deadline = lease_clock() + args.timeout_ms;
	with_name(args.path, std::move(reply), [this, args, deadline](const std::string &name, pb::Reply &&r) {
		const Ms left = std::max<Ms>(0, deadline - lease_clock());
		// Until the file itself is had, the place at the head of our line is what the lease is for.
		desk.ask(std::make_unique<Contest>(*this, std::move(r), name.substr(prefix.size()), deadline, args.ttl_ms),
			{name, args.owner, left, left + args.ttl_ms + slack});
	});
}

void FileLocks::keep(const std::string &name, Token token, HeldFile file)
{
	held.push_back({name, token, std::move(file)});
	if (held.size() == 1) arm();
}

void FileLocks::on_release(const FileToken &args, pb::Reply &&reply)
{
	with_name(args.path, std::move(reply), [this, token = static_cast<Token>(args.token)](const std::string &name, pb::Reply &&r) {
		const auto kept = std::make_shared<pb::Reply>(std::move(r)); // shared: std::function wants what can be copied
		Held *h = find(name, token);
		const Store::Done answer = [kept](const std::optional<pb::Error> &e) {
			if (e) fail_with(*kept, *e);
			else (*kept)({{"released", true}});
		};
		if (!h || h->is_over) return desk.release(name, token, answer); // says whose it is
		h->then = [this, name, token, answer](const std::optional<pb::Error> &gone_before) {
			if (gone_before) answer(gone_before);
			else desk.release(name, token, answer);
		};
		end(*h);
	});
}

void FileLocks::on_renew(const FileToken &args, pb::Reply &&reply)
{
	with_name(args.path, std::move(reply), [this, args](const std::string &name, pb::Reply &&r) {
		const auto kept = std::make_shared<pb::Reply>(std::move(r));
		desk.renew(name, static_cast<Token>(args.token), args.ttl_ms.value_or(0), [kept, path = args.path](const std::variant<Holder, pb::Error> &got) {
			if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*kept, *e);
			const auto &holder = std::get<Holder>(got);
			(*kept)({{"path", path}, {"token", holder.token}, {"ttl_ms", holder.ttl}, {"expires_in_ms", *holder.expires - lease_clock()}});
		});
	});
}

/// The lease is over, or it was released by its name: the file goes.
void FileLocks::ended(const std::string &name, Token token)
{
	if (!name.starts_with(prefix)) return;
	if (Held *h = find(name, token)) end(*h);
}

/// Removes the file and forgets it; where a job has it at the moment, once that has come back.
void FileLocks::end(Held &h)
{
	h.is_over = true;
	if (!h.file) return;
	const auto file = std::make_shared<std::optional<HeldFile>>(std::exchange(h.file, std::nullopt));
	const auto done = [this, name = h.name, token = h.token](bool was_ours) {
		Held *it = find(name, token);
		const Store::Done then = std::move(it->then);
		held.remove_if([it](const Held &x) { return &x == it; });
		arm();
		desk.store.forget_file(name.substr(prefix.size()));
		if (!was_ours) {
			scope.warn(fmt::format("{}.lock was removed or replaced by another program while it was held here", name.substr(prefix.size())));
			desk.tell("lost", name, "", token);
			if (desk.locks().find(name))
				desk.release(
					name, token, [](const auto &) {}, "lost");
		}
		if (then)
			then(was_ours ? std::nullopt
						  : std::optional(pb::Error(409, "NOT_OWNER",
								fmt::format("{}.lock: another program has removed or replaced it while it was held", name.substr(prefix.size())))));
	};
	// A refused job is tried again by the next refresh.
	if (!scope.work([file] { return drop(**file); }, done)) h.file = std::move(*file);
}

void FileLocks::on_refresh() noexcept
{
	for (Held &h : held) {
		if (!h.file) continue;
		if (h.is_over) end(h);
		else refresh_one(h);
	}
}

/// First the record, which then knows the old id and the new one, then the file: a crash between finds either.
void FileLocks::refresh_one(Held &h)
{
	const std::string id = make_id(settings.content, wall_clock());
	const auto file = std::make_shared<std::optional<HeldFile>>(std::exchange(h.file, std::nullopt));
	const std::string path = (*file)->place.path;
	desk.store.record_file(
		{path, (*file)->inode(), {(*file)->id, id}}, [this, file, id, name = h.name, token = h.token](const std::optional<pb::Error> &failed) {
			// Unrecorded is not unheld: the file is made young all the same, only a crash just now would lose it.
			if (failed) scope.warn(failed->what());
			const auto back = [this, file, name, token](bool is_ours_still) {
				Held *it = find(name, token);
				it->file = std::exchange(*file, std::nullopt);
				if (!is_ours_still) lost(*it);
				else if (it->is_over) end(*it);
			};
			if (!scope.work([file, id] { return refresh(**file, id); }, back)) back(true);
		});
}

void FileLocks::lost(Held &h)
{
	const std::string name = h.name;
	const Token token = h.token;
	const Store::Done then = std::move(h.then);
	scope.warn(fmt::format("{}.lock was removed or replaced by another program while it was held here", name.substr(prefix.size())));
	held.remove_if([&h](const Held &x) { return &x == &h; });
	arm();
	desk.store.forget_file(name.substr(prefix.size()));
	desk.release(
		name, token, [](const auto &) {}, "lost");
	if (then)
		then(pb::Error(409, "NOT_OWNER", fmt::format("{}.lock: another program has removed or replaced it while it was held", name.substr(prefix.size()))));
}

void FileLocks::restore(std::vector<Store::FileRecord> records)
{
	for (const Store::FileRecord &r : records) {
		const std::string name = prefix + r.path;
		const Table::Lock *lock = desk.locks().find(name);
		const Token token = lock && lock->holder ? lock->holder->token : 0;
		using Back = std::optional<HeldFile>;
		const bool is_on_its_way = scope.work(
			[roots = settings.roots, r]() -> Back {
				auto place = find_place(roots, r.path);
				if (std::holds_alternative<Fault>(place)) return {};
				return adopt(std::move(std::get<Place>(place)), r.inode, r.ids);
			},
			[this, name, token](Back back) {
				if (back) {
					keep(name, token, std::move(*back));
					Held &h = held.back();
					const Table::Lock *now = desk.locks().find(name);
					if (now && now->holder && now->holder->token == token && token != 0) refresh_one(h);
					else end(h); // its lease ended while we were away
					return;
				}
				desk.store.forget_file(name.substr(prefix.size()));
				if (token == 0) return;
				scope.warn(fmt::format("{}.lock went to another program while the daemon was away", name.substr(prefix.size())));
				desk.release(
					name, token, [](const auto &) {}, "lost");
			});
		if (!is_on_its_way) scope.error(fmt::format("{}.lock: not taken up again: too much work waits", r.path));
	}
	// A lease whose file was never recorded: its acquire was not answered.
	std::vector<std::pair<std::string, Token>> orphans;
	for (const auto &[name, lock] : desk.locks().all())
		if (name.starts_with(prefix) && lock->holder && std::none_of(records.begin(), records.end(), [&](const auto &r) { return prefix + r.path == name; }))
			orphans.emplace_back(name, lock->holder->token);
	for (const auto &[name, token] : orphans)
		desk.release(
			name, token, [](const auto &) {}, "lost");
}

} // namespace locks
