// csv: follows Kismet's CSV logs: the newest file, only new bytes, whole lines, over rotations, truncations and restarts.
#include "csv/apply.hpp"
#include "csv/follower.hpp"
#include "csv/report.hpp"
#include "devices/replies.hpp"

#include <patchbay/patchbay.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace csv {
namespace {

/// [plugins.csv] in patchbay.toml.
struct Settings {
	std::vector<std::string> directories, patterns;
	std::chrono::milliseconds max_age;
	std::int64_t max_devices;
	static constexpr auto fields = pb::fields(
		pb::field("directories", &Settings::directories,
			{.fallback = "[\"/home/pi/kismet_ops\"]", .max = 32, .help = "folders that logs are looked for in; one that does not exist yet is waited for"}),
		pb::field("patterns", &Settings::patterns,
			{.fallback = "[\"*.wiglecsv\", \"*.csv\"]", .min = 1, .max = 16, .help = "shell patterns; a log's name matches one of them"}),
		pb::field(
			"max_age", &Settings::max_age, {.fallback = "1h", .min = 1s, .max = 8760h, .help = "csv.data serves no log that was last written longer ago"}),
		pb::field("max_devices", &Settings::max_devices,
			{.fallback = "20000", .min = 1, .max = 1'000'000, .help = "devices kept; past it the oldest seen go first"}));
};

class Csv final {
public:
	using Settings = csv::Settings;
	Csv(pb::Scope &scope_, const Settings &s)
		: scope(scope_), settings(s), patterns(s.patterns), table(static_cast<std::size_t>(s.max_devices)), replies("csv", table, nullptr),
		  file(scope_, "csv/file", "the log that is followed: its name, format, size and how far it has been read", 0),
		  changes(scope_, "csv/changes", "devices that came, changed and went since: {added, changed, removed, omitted}; at most 2 a second", 0),
		  files_route(scope_, "GET csv", pb::bind<&Csv::on_files>(this), {.help = "the logs that are followed"}),
		  devices_route(scope_, "GET csv/devices", pb::bind<&Csv::on_devices>(this), {.help = "devices of the logs: filtered, sorted, in pages"}),
		  device_route(scope_, "GET csv/devices/{mac}", pb::bind<&Csv::on_device>(this), {.help = "one device with the history of its signal"}),
		  devices_method(
			  scope_, "csv.devices", pb::bind<&Csv::on_devices_call>(this), {.help = "devices of the logs, as GET csv/devices gives them", .role = PB_VIEWER}),
		  networks_method(scope_, "csv.networks", pb::bind<&Csv::on_networks_call>(this), {.help = "the networks among them", .role = PB_VIEWER}),
		  data_method(scope_, "csv.data", pb::bind<&Csv::on_data_call>(this),
			  {.help = "`data` of the contract's kismet-data; 503 without a log younger than max_age", .role = PB_VIEWER}),
		  look_timer(scope_, pb::bind<&Csv::on_look>(this)), safety_timer(scope_, pb::bind<&Csv::on_safety>(this)),
		  news_timer(scope_, pb::bind<&Csv::on_news>(this))
	{
		if (inotify.fd() >= 0) inotify_fd.emplace(scope, inotify.fd(), pb::bind<&Csv::on_inotify>(this));
		else scope.warn("inotify is not to be had (fs.inotify.max_user_instances?), so the folders are looked at once a second");
		scope.get("files", [this](const pb::Result &r) { begin(r); });
	}

private:
	void begin(const pb::Result &stored)
	{
		std::vector<Mark> marks;
		if (!stored.ok()) scope.warn(std::string("how far the logs had been read is not known, so they count as new: ") + stored.error()->text);
		for (std::size_t i = 0; stored.ok() && i < json_array_size(stored.json()); ++i)
			if (auto m = Mark::from(json_array_get(stored.json(), i))) marks.push_back(std::move(*m));
		follower = std::make_unique<Follower>(settings.directories, patterns, inotify.fd(), std::move(marks));
		is_scan_due = true;
		on_look();
	}

	// ---- looking: one job on a worker at a time -----------------------------------------------------------------------

	void on_inotify(int, uint32_t) noexcept
	{
		const Inotify::Events e = inotify.read(patterns);
		const auto is_followed = [&](const std::string &name) {
			return std::any_of(files.begin(), files.end(), [&](const FileReport &f) { return std::string_view(f.path).ends_with("/" + name); });
		};
		if (e.is_scan_due || !std::all_of(e.modified.begin(), e.modified.end(), is_followed)) is_scan_due = true;
		if (is_scan_due || !e.modified.empty()) look_soon();
	}

	void on_safety() noexcept
	{
		is_scan_due = true;
		look_soon();
	}

	/// A writer of single bytes must not have us look at each of them.
	void look_soon() noexcept
	{
		if (!follower) is_look_due = true;
		else if (!std::exchange(is_look_planned, true)) look_timer.once(20ms);
	}

	void on_look() noexcept
	{
		is_look_planned = false;
		if (!follower || is_looking) {
			is_look_due = true;
			return;
		}
		is_look_due = false;
		// The follower is the job's alone until done has been called, which stop() waits for.
		is_looking =
			scope.work([f = follower.get(), scan = is_scan_due] { return f->step(scan); }, [this](Follower::Step step) noexcept { take(std::move(step)); });
		if (is_looking) is_scan_due = false;
		else safety_timer.once(1s); // the workers are busy
	}

	void take(Follower::Step step) noexcept
	{
		is_looking = false;
		files = std::move(step.files);
		trouble = std::move(step.trouble);
		if (step.has_more || is_look_due) on_look(); // the next piece is read while this one is put in
		else safety_timer.once(step.are_folders_watched ? 30s : 1s);
		apply(step.batch, table, pb::unix_ms());
		if (step.is_known) table.forget_news();
		try {
			save();
			show(step.has_more);
		} catch (const std::exception &e) {
			scope.error(std::string("a look at the logs could not be finished: ") + e.what());
		}
		tell_soon();
	}

	// ---- what survives ------------------------------------------------------------------------------------------------

	void save()
	{
		// What is being read again is told of already: a mark in the midst of it would make the rest new.
		if (is_saving || std::any_of(files.begin(), files.end(), [](const FileReport &f) { return f.is_known; })) return;
		pb::Json marks = pb::Json::array();
		for (auto f = files.rbegin(); f != files.rend(); ++f) marks.push(f->mark.json());
		std::string text = marks.text();
		if (text == saved) return;
		is_saving = true;
		scope.put("files", std::move(marks), [this, text = std::move(text)](const pb::Result &r) {
			is_saving = false;
			saved = text; // on an error too: the next change tries again
			if (r.ok()) save();
			else scope.warn(std::string("how far the logs have been read could not be kept: ") + r.error()->text);
			tell_soon();
		});
	}

	// ---- telling ------------------------------------------------------------------------------------------------------

	void show(bool is_reading)
	{
		const std::int64_t now = pb::unix_ms();
		if (is_reading && now >= shown_ms && now - shown_ms < 500) return;
		const FileReport *f = files.empty() ? nullptr : &files.front();
		std::string what = trouble + (f ? fmt::format("\n{} {} {} {} {}", f->path, f->size, f->offset, f->rows, f->modified_ms) : std::string());
		if (what == shown) return;
		shown = std::move(what);
		shown_ms = now;
		file.publish(topic_json(f, trouble, now));
	}

	/// What has been read is told once it is kept that it has been, so that nothing is told twice.
	void tell_soon() noexcept
	{
		if (is_saving || is_news_planned || !table.has_news()) return;
		is_news_planned = true;
		const auto since = std::chrono::steady_clock::now() - told_at;
		news_timer.once(since > 500ms ? 0ms : std::chrono::ceil<std::chrono::milliseconds>(500ms - since));
	}

	void on_news() noexcept
	{
		is_news_planned = false;
		if (is_saving || !table.has_news()) return;
		told_at = std::chrono::steady_clock::now();
		bool has_more = false;
		changes.publish_text(table.take_news(500, has_more));
		if (has_more) tell_soon();
		if (const std::int64_t now = pb::unix_ms(); now - expired_ms > 60'000 || now < expired_ms) {
			table.expire_histories(now);
			expired_ms = now;
		}
	}

	// ---- routes and methods -------------------------------------------------------------------------------------------

	void on_files(const pb::None &, const pb::None &, const pb::None &, pb::Request &&r)
	{
		pb::Json list = pb::Json::array();
		const std::int64_t now = pb::unix_ms();
		for (const FileReport &f : files) list.push(entry_json(f, now));
		pb::Json out{{"files", std::move(list)}, {"devices", table.size()}, {"evicted", table.evicted()}};
		if (!trouble.empty()) out.set("reason", trouble);
		r.json(200, std::move(out));
	}
	void on_devices(const pb::None &, const devices::ListArgs &args, const pb::None &, pb::Request &&r)
	{
		r.respond(200, "application/json", replies.devices(args.query()));
	}
	void on_device(const devices::MacPath &path, const pb::None &, const pb::None &, pb::Request &&r)
	{
		r.respond(200, "application/json", replies.device(path.mac));
	}
	void on_devices_call(const devices::ListArgs &args, pb::Reply &&reply) { reply.text(replies.devices(args.query())); }
	void on_networks_call(const devices::ListArgs &args, pb::Reply &&reply) { reply.text(replies.networks(args.query())); }
	void on_data_call(const devices::DataArgs &args, pb::Reply &&reply)
	{
		if (files.empty())
			throw pb::Error(503, "KISMET_UNAVAILABLE",
				trouble.empty() ? "no log of Kismet's is in the folders of [plugins.csv]" : "no log of Kismet's can be read: " + trouble);
		const std::int64_t age = std::max<std::int64_t>(0, pb::unix_ms() - files.front().modified_ms);
		if (age > settings.max_age.count())
			throw pb::Error(503, "KISMET_UNAVAILABLE",
				fmt::format("{} was last written {} s ago; [plugins.csv] max_age is {} s", files.front().path, age / 1000, settings.max_age.count() / 1000));
		reply.text(replies.data(args));
	}

	pb::Scope &scope;
	const Settings settings;
	const Patterns patterns;
	const Inotify inotify;
	std::unique_ptr<Follower> follower; // none until the state has been read
	devices::Table table;
	devices::Replies replies;
	std::vector<FileReport> files; // the newest first
	std::string trouble, saved, shown;
	std::int64_t shown_ms = 0, expired_ms = 0;
	std::chrono::steady_clock::time_point told_at{};
	bool is_looking = false, is_look_due = false, is_look_planned = false, is_scan_due = false, is_saving = false, is_news_planned = false;

	pb::Topic file, changes;
	pb::Handler<> files_route;
	pb::Handler<pb::None, devices::ListArgs> devices_route;
	pb::Handler<devices::MacPath> device_route;
	pb::Method<devices::ListArgs> devices_method, networks_method;
	pb::Method<devices::DataArgs> data_method;
	pb::Timer look_timer, safety_timer, news_timer;
	std::optional<pb::Fd> inotify_fd;
};

} // namespace
} // namespace csv

PATCHBAY_PLUGIN(csv::Csv, "csv", "1.0.0", "")
