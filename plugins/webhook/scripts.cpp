#include "scripts.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace webhook {

namespace {
using namespace std::chrono_literals;
constexpr pb::milliseconds longest_start = 5min, longest_stop = 15min;

using Shared = std::shared_ptr<pb::Request>; // shared: std::function copies
Shared share(pb::Request &&r) { return std::make_shared<pb::Request>(std::move(r)); }
} // namespace

void fail_with(pb::Request &request, const pb::Error &e)
{
	pb_error out{};
	pb::detail::fill(out, e.status, e.code, e.what(), e.details ? e.details->get() : nullptr);
	request.fail(out);
}

Scripts::Scripts(pb::Scope &scope, Launcher &launcher_)
	: launcher(launcher_), run_route(scope, "POST run-script", pb::bind<&Scripts::on_run>(this),
							   {.help = "start a script; answers once its first process runs", .deadline = longest_start}),
	  stop_route(scope, "POST stop-script", pb::bind<&Scripts::on_stop>(this),
		  {.help = "stop a script; answers once all of its processes are gone", .deadline = longest_stop}),
	  status_route(scope, "GET script-status", pb::bind<&Scripts::on_status>(this), {.help = "how the scripts are", .flags = PB_ROUTE_NO_STORE})
{}

void Scripts::on_run(const pb::None &, const pb::None &, const RunBody &body, pb::Request &&request)
{
	Order order{body.script, {}, {}, {}};
	if (body.options) {
		order.interface = body.options->interface;
		order.config = body.options->config;
	}
	const Shared r = share(std::move(request));
	pb::detail::guarded(
		[&] {
			launcher.run(std::move(order), [r](Launcher::Outcome<Started> &got) {
				if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
				const auto &s = std::get<Started>(got);
				r->json(200, stamped({{"success", true}, {"message", "Script started successfully"}, {"script", s.script}, {"pid", s.pid}}));
			});
		},
		[&](const pb_error &e) { r->fail(e); });
}

void Scripts::on_stop(const pb::None &, const pb::None &, const StopBody &body, pb::Request &&request)
{
	launcher.stop(body.script, body.force, [r = share(std::move(request))](Launcher::Outcome<Stopped> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
		auto &s = std::get<Stopped>(got);
		r->json(200,
			stamped({{"success", true}, {"message", "Script stopped successfully"}, {"script", s.script}, {"pid", std::move(s.pid)}, {"method", s.method}}));
	});
}

void Scripts::on_status(const pb::None &, const StatusQuery &query, const pb::None &, pb::Request &&request)
{
	launcher.status([script = query.script, r = share(std::move(request))](Launcher::Outcome<Sheet> &got) {
		if (const auto *e = std::get_if<pb::Error>(&got)) return fail_with(*r, *e);
		const auto &sheet = std::get<Sheet>(got);
		if (script && !sheet.knows(*script)) return fail_with(*r, invalid("script", fmt::format("must be one of {}", fmt::join(sheet.names(), ", ")), *script));
		r->json(200, stamped({{"success", true}, {"status", script ? sheet.status(*script) : sheet.statuses()}}));
	});
}

} // namespace webhook
