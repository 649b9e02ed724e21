// patchbay/bind.hpp: callbacks of two words, an object and a member function of it.
#pragma once

#include <utility>

namespace pb {

/// Two words: an object and a function. Does not own the object. Must not throw: nothing may escape into the loop.
template<typename... Args> struct Bound {
	void *self = nullptr;
	void (*call)(void *, Args...) noexcept = nullptr;
	void operator()(Args... args) const noexcept
	{
		if (call) call(self, std::forward<Args>(args)...);
	}
};
/// The same where the caller answers an exception with an error reply.
template<typename... Args> struct Throwing {
	void *self = nullptr;
	void (*call)(void *, Args...) = nullptr;
};

namespace detail {
template<auto F, typename C> struct Binder {
	C *self;
	template<typename... A> operator Bound<A...>() const noexcept
	{
		static_assert(noexcept((self->*F)(std::declval<A>()...)), "this callback must be noexcept: nothing may be thrown into the loop");
		return {self, [](void *s, A... a) noexcept { (static_cast<C *>(s)->*F)(std::forward<A>(a)...); }};
	}
	template<typename... A> operator Throwing<A...>() const noexcept
	{
		return {self, [](void *s, A... a) { (static_cast<C *>(s)->*F)(std::forward<A>(a)...); }};
	}
};
} // namespace detail

/// pb::bind<&X::on_timer>(this)
template<auto F, typename C> auto bind(C *self) noexcept { return detail::Binder<F, C>{self}; }

} // namespace pb
