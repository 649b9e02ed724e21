// Outgoing webhooks: which there are, and the routes by which they are configured. Section 5 of the contract.
#pragma once
#include "../known.hpp"
#include "endpoint.hpp"
#include "news.hpp"
#include "resolver.hpp"
#include "settings.hpp"

#include <patchbay/patchbay.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace webhook::outgoing {

/// Loop thread.
class Outgoing final {
public:
	static constexpr int most_hooks = 32;

	Outgoing(pb::Scope &scope, Known &known, Settings settings);
	Outgoing(const Outgoing &) = delete;
	Outgoing &operator=(const Outgoing &) = delete;

private:
	struct ConfigureBody {
		std::string url;
		std::vector<std::string> events;
		bool is_enabled;
		std::map<std::string, std::string> headers;
		std::optional<std::string> secret;
		static constexpr auto fields =
			pb::fields(pb::field("url", &ConfigureBody::url, {.min = 1, .max = 2048, .help = "where events are posted: http or https"}),
				pb::field("events", &ConfigureBody::events, {.fallback = "[\"all\"]", .min = 1, .max = 6, .choices = event_choices, .help = "which ones"}),
				pb::field("enabled", &ConfigureBody::is_enabled, {.fallback = "true", .help = "whether events are taken for it"}),
				pb::field("headers", &ConfigureBody::headers, {.fallback = "{}", .max = 32, .help = "sent along with each delivery"}),
				pb::field("secret", &ConfigureBody::secret,
					{.min = 1, .max = 512, .flags = PB_SECRET, .help = "deliveries are signed with it (HMAC-SHA-256); never shown again"}));
	};
	struct ListQuery {
		std::optional<bool> is_enabled;
		std::optional<std::string> event;
		static constexpr auto fields = pb::fields(pb::field("enabled", &ListQuery::is_enabled, {.help = "these alone"}),
			pb::field("event", &ListQuery::event, {.choices = event_choices, .help = "those that get it"}));
	};
	struct ById {
		std::string id;
		static constexpr auto fields = pb::fields(pb::field("id", &ById::id, {.min = 1, .max = 64, .help = "what follows wh_ in its id"}));
	};
	struct TestBody {
		std::optional<pb::Json> data;
		static constexpr auto fields = pb::fields(pb::field("data", &TestBody::data, {.help = "what the event carries"}));
	};
	void on_configure(const pb::None &, const pb::None &, const ConfigureBody &body, pb::Request &&request);
	void on_list(const pb::None &, const ListQuery &query, const pb::None &, pb::Request &&request);
	void on_delete(const ById &path, const pb::None &, const pb::None &, pb::Request &&request);
	void on_dead(const ById &path, const pb::None &, const pb::None &, pb::Request &&request);
	void on_test(const ById &path, const pb::None &, const TestBody &body, pb::Request &&request);
	void load();
	void add(Hook hook);
	void follow();
	void take_ports();
	void tell(const char *event, pb::Json data);
	/// `then` with the endpoint, once there are any; 404 where it is none.
	void with_endpoint(const ById &path, pb::Request request, std::function<void(Endpoint &, std::shared_ptr<pb::Request>)> then);
	[[nodiscard]] int free_slot() const;
	void check_url(const std::string &text, Url &out) const;
	/// Runs it once what is kept has been read: at once, or in a moment.
	void when_loaded(std::function<void()> then);

	pb::Scope &scope;
	const Known &known;
	const Settings settings;
	Rules rules;
	std::shared_ptr<Trust> trust; // shared with jobs on workers
	Resolver resolver;
	std::map<std::string, std::unique_ptr<Endpoint>, std::less<>> endpoints;
	std::vector<int> leaving; // slots whose journals are being emptied
	News news;
	bool is_loaded = false;
	std::vector<std::function<void()>> waiting;
	pb::Handler<pb::None, pb::None, ConfigureBody> configure_route;
	pb::Handler<pb::None, ListQuery> list_route, list_route_too;
	pb::Handler<ById> delete_route, dead_route;
	pb::Handler<ById, pb::None, TestBody> test_route;
};

} // namespace webhook::outgoing
