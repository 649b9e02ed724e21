// GET /metrics: all figures as Prometheus text.
#pragma once
#include "http/request.hpp"
#include "metrics/metrics.hpp"

namespace core::http {

class Router;

class MetricsRoute final {
public:
	MetricsRoute(Router &router, const Metrics &metrics, Scope &scope);
	MetricsRoute(const MetricsRoute &) = delete;
	MetricsRoute &operator=(const MetricsRoute &) = delete;

private:
	void on_request(Request &request, const json_t *args) noexcept;
	const Metrics &metrics;
};

} // namespace core::http
