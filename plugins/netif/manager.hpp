// NetworkManager, where it runs: told to let go of an interface and to take it back.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pb {
class Scope;
}

namespace netif {

/// Loop thread. Each call is answered once, at once or later, within ten seconds.
class Manager {
public:
	using Answered = std::function<void(std::optional<bool> is_managed)>; // nothing: it does not run, or knows no such device
	using Done = std::function<void(const std::string &why)>;             // "" done

	virtual ~Manager() = default;
	virtual void ask(const std::string &name, Answered done) = 0;
	/// Where it lets go, done once it has.
	virtual void set_managed(const std::string &name, bool is_managed, Done done) = 0;
};

/// Where there is none.
class NoManager final : public Manager {
public:
	void ask(const std::string &, Answered done) override { done(std::nullopt); }
	void set_managed(const std::string &, bool, Done done) override { done(""); }
};

/// Over the system bus, connected when first asked. Nobody there: answers so.
[[nodiscard]] std::unique_ptr<Manager> make_network_manager(pb::Scope &scope);

} // namespace netif
