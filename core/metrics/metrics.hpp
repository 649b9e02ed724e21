// Prometheus text: counters and gauges that are read when somebody asks.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace core {

/// Writes one exposition. Label values are escaped.
class Exposition final {
public:
	struct Label {
		std::string_view name, value;
	};
	/// Starts a family; its samples follow. type: "counter" or "gauge".
	void family(std::string_view name, std::string_view type, std::string_view help);
	void sample(double value, std::initializer_list<Label> labels = {});
	[[nodiscard]] std::string take() { return std::move(out); }

private:
	std::string out, current;
};

/// Whoever has figures registers a source once; GET /metrics asks all of them. Loop thread.
class Metrics final {
public:
	using Source = std::function<void(Exposition &)>;
	void add(Source source) { sources.push_back(std::move(source)); }
	[[nodiscard]] std::string text() const;

private:
	std::vector<Source> sources;
};

} // namespace core
