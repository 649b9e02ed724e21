#include "contest.hpp"
#include "clients.hpp"
#include "clock.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace std::chrono_literals;

namespace locks {

namespace {
// A program that found the old file stale a moment before we took it over removes it within this time (the seed's way is to
// read, compare and unlink): whoever took over looks again after it.
constexpr milliseconds settling = 200ms;
constexpr milliseconds longest_pause = 250ms;
} // namespace

FileLocks::Contest::Contest(FileLocks &files_, pb::Reply &&reply_, std::string path_, Ms deadline_, Ms ttl_)
	: files(files_), reply(std::move(reply_)), path(std::move(path_)), deadline(deadline_), ttl(ttl_), self(std::make_shared<Contest *>(this)),
	  timer(files_.scope, pb::bind<&Contest::on_timer>(this))
{
	reply.on_cancel(pb::bind<&Contest::on_left>(this));
}

bool FileLocks::Contest::on_granted(const std::string &name_, const Holder &holder) noexcept
{
	name = name_;
	token = holder.token;
	try_once();
	return false;
}

void FileLocks::Contest::on_refused(const pb::Error &e) noexcept
{
	fail_with(reply, e);
	if (fresh) put_back(files.scope, std::move(*fresh));
}

void FileLocks::Contest::on_left() noexcept
{
	has_left = true;
	if (fresh) put_back(files.scope, std::exchange(fresh, std::nullopt).value());
	if (ticket != 0) files.desk.gone(ticket); // deletes this
}

void FileLocks::Contest::on_timer() noexcept
{
	if (fresh) look_again();
	else try_once();
}

void FileLocks::Contest::try_once()
{
	using Got = std::variant<HeldFile, Busy, Fault>;
	const bool is_on_its_way = files.scope.work(
		[roots = files.settings.roots, path_ = path, content = files.settings.content, stale_after = files.settings.stale_after]() -> Got {
			auto place = find_place(roots, path_);
			if (auto *fault = std::get_if<Fault>(&place)) return std::move(*fault);
			return take(std::move(std::get<Place>(place)), content, stale_after, wall_clock());
		},
		[weak = std::weak_ptr(self), &scope = files.scope](Got got) {
			if (const auto c = weak.lock()) (*c)->on_tried(std::move(got));
			else if (auto *file = std::get_if<HeldFile>(&got)) put_back(scope, std::move(*file));
		});
	if (!is_on_its_way) timer.once(longest_pause);
}

void FileLocks::Contest::on_tried(std::variant<HeldFile, Busy, Fault> got)
{
	if (auto *fault = std::get_if<Fault>(&got)) return give_up({fault->status, fault->code, fault->text});
	if (auto *file = std::get_if<HeldFile>(&got)) {
		if (!file->was_stale) return have(std::move(*file));
		fresh = std::move(*file);
		return timer.once(settling);
	}
	const Verdict &v = std::get<Busy>(got).verdict;
	const Ms left = deadline - lease_clock();
	if (left <= 0)
		return give_up({408, "LOCK_TIMEOUT", fmt::format("{}.lock: not free in time; held by {}, {} ms old", path, v.holder, v.age.count()),
			{{"holder", v.holder}, {"age_ms", v.age.count()}}});
	timer.once(std::min(pause, milliseconds(std::max<Ms>(1, left))));
	pause = std::min(pause * 2, longest_pause);
}

void FileLocks::Contest::look_again()
{
	struct Seen {
		std::optional<HeldFile> file;
		bool is_ours;
	};
	const auto file = std::make_shared<std::optional<HeldFile>>(std::exchange(fresh, std::nullopt)); // shared: a refused job gives it back
	const bool is_on_its_way = files.scope.work(
		[file] {
			const bool is_it = is_ours(**file);
			return Seen{std::exchange(*file, std::nullopt), is_it};
		},
		[weak = std::weak_ptr(self), &scope = files.scope](Seen seen) {
			const auto c = weak.lock();
			if (!c && seen.is_ours) put_back(scope, std::move(*seen.file));
			else if (c && seen.is_ours) (*c)->have(std::move(*seen.file));
			else if (c) (*c)->try_once();
		});
	if (is_on_its_way) return;
	fresh = std::move(*file);
	timer.once(longest_pause);
}

/// The file is ours: now its lease begins, and both are recorded before it is said.
void FileLocks::Contest::have(HeldFile file)
{
	const Store::FileRecord record{path, file.inode(), {file.id}};
	files.keep(name, token, std::move(file));
	files.desk.store.record_file(record, [weak = std::weak_ptr(self)](const std::optional<pb::Error> &failed) {
		const auto c = weak.lock();
		if (!c) return;
		if (failed) return (*c)->give_up(*failed);
		Contest &me = **c;
		me.files.desk.renew(me.name, me.token, me.ttl, [weak](const std::variant<Holder, pb::Error> &renewed) {
			const auto still = weak.lock();
			if (!still) return;
			if (const auto *why = std::get_if<pb::Error>(&renewed)) return (*still)->give_up(*why);
			pb::Json out = granted_json((*still)->name, std::get<Holder>(renewed));
			out.set("path", (*still)->path);
			(*still)->reply(std::move(out));
			(*still)->files.desk.answered((*still)->ticket); // deletes it; the lease goes on
		});
	});
}

void FileLocks::Contest::give_up(const pb::Error &why)
{
	fail_with(reply, why);
	files.desk.gone(ticket); // deletes this; the next in line tries
}

void FileLocks::Contest::put_back(pb::Scope &scope, HeldFile file)
{
	scope.work([f = std::make_shared<HeldFile>(std::move(file))] { drop(*f); }, [] {});
}

} // namespace locks
