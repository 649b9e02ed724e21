// patchbay/patchbay.hpp: the C++ face of plugin.h and http.h. Header only; nothing of it crosses the border.
//
// A plugin is a class with a constructor (pb::Scope &, const Settings &), members that are its registrations, and
// PATCHBAY_PLUGIN under it. All on the loop thread. See docs/plugin-guide.md.
#pragma once
#include <patchbay/bind.hpp>
#include <patchbay/error.hpp>
#include <patchbay/fields.hpp>
#include <patchbay/http.hpp>
#include <patchbay/items.hpp>
#include <patchbay/json.hpp>
#include <patchbay/method.hpp>
#include <patchbay/plugin.h>
#include <patchbay/scope.hpp>

#include <memory>
#include <stdexcept>

namespace pb {

namespace detail {
template<typename P> struct Instance {
	Scope scope;
	P plugin;
	Instance(const pb_host *h, pb_scope *s, typename P::Settings &&v) : scope(h, s), plugin(scope, std::move(v)) {}
};
template<typename P> int start(const pb_host *h, pb_scope *s, const json_t *settings, void **self, pb_error *err) noexcept
{
	int status = 0;
	guarded(
		[&] {
			auto it = std::make_unique<Instance<P>>(h, s, read_fields<typename P::Settings>(settings));
			if (!it->scope.errors.empty()) throw std::runtime_error(it->scope.errors);
			*self = it.release();
		},
		[&](const pb_error &e) {
			*err = e;
			err->details = nullptr;
			status = -1;
		});
	return status;
}
template<typename P> int configure(void *self, const json_t *settings, pb_error *err) noexcept
{
	int status = 0;
	guarded([&] { static_cast<Instance<P> *>(self)->plugin.configure(read_fields<typename P::Settings>(settings)); },
		[&](const pb_error &e) {
			*err = e;
			err->details = nullptr;
			status = -1;
		});
	return status;
}
template<typename P> void drain(void *self, int is_shutdown, pb_tick_fn *done, void *ctx) noexcept
{
	static_cast<Instance<P> *>(self)->plugin.drain(is_shutdown != 0, Bound<>{ctx, reinterpret_cast<void (*)(void *) noexcept>(done)});
}
template<typename P> void stop(void *self) noexcept { delete static_cast<Instance<P> *>(self); }

template<typename P> constexpr auto configure_of() noexcept -> int (*)(void *, const json_t *, pb_error *)
{
	if constexpr (requires(P & p, const typename P::Settings &s) { p.configure(s); }) return &configure<P>;
	else return nullptr; // no configure(): stopped and started with new settings
}
template<typename P> constexpr auto drain_of() noexcept -> void (*)(void *, int, pb_tick_fn *, void *)
{
	if constexpr (requires(P & p, Bound<> d) { p.drain(true, d); }) return &drain<P>;
	else return nullptr;
}
} // namespace detail
} // namespace pb

/// Class: Settings (with `fields`), a constructor (pb::Scope &, const Settings &); optional: configure(const Settings &) to
/// take new ones while running, drain(bool is_shutdown, pb::Bound<> done) noexcept to come to rest first. With flags: pb_plugin_flags.
#define PATCHBAY_PLUGIN(Class, plugin_name, plugin_version, plugin_needs) PATCHBAY_PLUGIN_WITH(Class, plugin_name, plugin_version, plugin_needs, 0)
#define PATCHBAY_PLUGIN_WITH(Class, plugin_name, plugin_version, plugin_needs, flags)                                                                          \
	extern "C" [[gnu::visibility("default")]] constinit const pb_plugin patchbay_plugin_v1 = {sizeof(pb_plugin), PB_ABI_MAJOR, PB_ABI_MINOR, plugin_name,      \
		plugin_version, plugin_needs, flags, pb::field_table<Class::Settings>, pb::detail::start<Class>, pb::detail::configure_of<Class>(),                    \
		pb::detail::drain_of<Class>(), pb::detail::stop<Class>};
