#include "http/metrics_route.hpp"

#include "http/router.hpp"

namespace core::http {

MetricsRoute::MetricsRoute(Router &router, const Metrics &metrics_, Scope &scope) : metrics(metrics_)
{
	CoreRoute route{"GET /metrics", "figures of the daemon and its plugins, as Prometheus text", bind<&MetricsRoute::on_request>(this)};
	route.produces = "text/plain";
	(void)router.add(scope, route); // a good pattern, before any plugin's
}

void MetricsRoute::on_request(Request &request, const json_t *) noexcept
{
	constexpr pb_header headers[]{{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}};
	request.respond(200, headers, metrics.text());
}

} // namespace core::http
