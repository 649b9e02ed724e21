// Starts, stops and asks after scripts, through procs: the one way for routes and sockets.
#pragma once
#include "known.hpp"
#include "machine.hpp"
#include "sheet.hpp"

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace webhook {

/// What a run-script asks for.
struct Order {
	std::string script;
	std::optional<std::string> interface, config;
	std::vector<std::string> arguments;
};
struct Started {
	std::string script;
	std::int64_t pid = 0;
};
struct Stopped {
	std::string script;
	pb::Json pid, processes; // processes: [{"name","pid"}]
	std::string method;      // graceful, force
};

/// 400 VALIDATION_ERROR that names one field.
[[nodiscard]] pb::Error invalid(std::string_view field, std::string_view message, pb::Json value = {});
/// The error of a call, as it can be thrown and kept.
[[nodiscard]] pb::Error error_of(const pb_error &e);

/// Each asks and calls back once, later. Loop thread.
class Launcher final {
public:
	template<typename T> using Outcome = std::variant<T, pb::Error>;
	template<typename T> using Done = std::function<void(Outcome<T> &)>;

	Launcher(pb::Scope &scope, const Known &known, Machine &machine, std::string config_dir);

	void status(Done<Sheet> done);
	/// Answers once the first process runs and has not failed within 500 ms.
	void run(Order order, Done<Started> done);
	/// Answers once all of the tree is gone.
	void stop(std::string script, bool force, Done<Stopped> done);

private:
	void check_interface(const std::string &name) const;
	void run_resolved(Order order, Done<Started> done);
	void start(const Order &order, const Sheet &sheet, Done<Started> done);
	void on_started(const std::string &script, const json_t *result, const Done<Started> &done);

	pb::Scope &scope;
	const Known &known;
	Machine &machine;
	const std::string config_dir;
};

} // namespace webhook
