#include "host/instance.hpp"

#include "http/server.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>

namespace core::host {

namespace {
constexpr std::chrono::milliseconds look_again{20}; // while it comes to rest

std::string load_error(const char *path)
{
	const char *e = dlerror();
	std::string text = e ? e : "unknown";
	// The private copy's path says nothing to people; what follows it does.
	if (text.starts_with(path)) text.erase(0, std::min(text.size(), std::string_view(path).size() + 2));
	return text;
}
} // namespace

Instance::Instance(Services &services_, Account &account_, PluginFile file_)
	: services(services_), account(account_), file(std::move(file_)), own_scope(std::make_unique<HostScope>(file.descriptor.name, account, services)),
	  look(services.reactor, bind<&Instance::on_look>(this))
{}

Instance::~Instance()
{
	stop();
	own_scope.reset();
	if (handle) dlclose(handle);
}

Result<void> Instance::load()
{
	const char *path = file.copy.path().c_str();
	const Charge charge(services.reactor, account);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) return fail("cannot be loaded: " + load_error(path), 422);
	plugin = static_cast<const pb_plugin *>(dlsym(handle, "patchbay_plugin_v1"));
	if (!plugin || plugin->abi_major != PB_ABI_MAJOR || !plugin->start || !plugin->stop)
		return fail("its descriptor changed while it was loaded, or has no start and stop", 422);
	link_map *map = nullptr;
	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map) {
		struct Search {
			std::uintptr_t base;
			Range found;
		} search{map->l_addr, {}};
		dl_iterate_phdr(
			[](dl_phdr_info *info, std::size_t, void *arg) {
				auto *s = static_cast<Search *>(arg);
				if (info->dlpi_addr != s->base) return 0;
				for (int i = 0; i < info->dlpi_phnum; ++i) {
					if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
					const std::uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
					s->found.begin = s->found.begin ? std::min(s->found.begin, begin) : begin;
					s->found.end = std::max(s->found.end, begin + info->dlpi_phdr[i].p_memsz);
				}
				return 1;
			},
			&search);
		range = search.found;
	}
	return {};
}

Result<void> Instance::start(const json_t *settings)
{
	if (!own_scope->alive) own_scope = std::make_unique<HostScope>(file.descriptor.name, account, services); // it was stopped before
	pb_error e{};
	e.struct_size = sizeof e;
	const Charge charge(services.reactor, account);
	if (plugin->start(&services.table, own_scope.get(), settings, &self, &e) != 0) {
		own_scope->end(); // "nothing kept" is a promise; this makes it so
		return fail(e.text[0] ? std::string(e.text) : "start failed without a reason", 500);
	}
	runs = true;
	return {};
}

Result<void> Instance::configure(const json_t *settings)
{
	pb_error e{};
	e.struct_size = sizeof e;
	const Charge charge(services.reactor, account);
	if (plugin->configure(self, settings, &e) != 0) return fail(e.text[0] ? std::string(e.text) : "refused without a reason", 422);
	return {};
}

void Instance::stop() noexcept
{
	look.stop();
	if (runs) {
		runs = false;
		own_scope->is_ending = true;
		const Charge charge(services.reactor, account);
		plugin->stop(self);
		self = nullptr;
	}
	own_scope->end();
}

void Instance::rest(bool is_shutdown, bool wait_for_requests, std::chrono::milliseconds limit, Bound<> on_rest_)
{
	on_rest = on_rest_;
	waits_for_requests = wait_for_requests;
	rest_until = std::chrono::steady_clock::now() + limit;
	is_drained = !runs || !plugin->drain;
	if (!is_drained) {
		const Charge charge(services.reactor, account);
		plugin->drain(self, is_shutdown ? 1 : 0, &Instance::on_drained, this);
	}
	look.once(std::chrono::milliseconds(0));
}

void Instance::hurry() noexcept
{
	if (!look.is_set()) return;
	rest_until = {};
	look.once(std::chrono::milliseconds(0));
}

void Instance::on_drained(void *self) { static_cast<Instance *>(self)->is_drained = true; }

void Instance::on_look() noexcept
{
	const bool is_busy = !is_drained || (waits_for_requests && services.methods.in_flight(*own_scope) + services.http.in_flight(*own_scope) > 0);
	const bool is_late = std::chrono::steady_clock::now() >= rest_until;
	if (own_scope->jobs > 0 || (is_busy && !is_late)) return look.once(look_again);
	if (is_busy) services.log.warn("plugin did not come to rest in time; it is stopped as it is", {{"name", descriptor().name}, {"drained", is_drained}});
	on_rest();
}

} // namespace core::host
