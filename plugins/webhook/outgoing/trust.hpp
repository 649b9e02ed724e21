// Whose certificates are believed when a delivery goes by https.
#pragma once
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace webhook::outgoing {

/// Loaded on a worker when first needed (it reads files), used on the loop.
class Trust final {
public:
	/// ca_file: PEM; empty: the system's authorities.
	explicit Trust(std::string ca_file_) : ca_file(std::move(ca_file_)) {}
	/// Any thread; reads files where it has not yet. "", or why there is none.
	[[nodiscard]] std::string load();
	[[nodiscard]] bool is_loaded() const;
	/// A client's session that accepts `host` (a name or an address) alone. Null before load(), or without memory. The caller owns it.
	[[nodiscard]] ssl_st *session_for(const std::string &host) const;
	/// What is wrong with the certificate that a session has seen; "": nothing.
	[[nodiscard]] static std::string complaint(const ssl_st *session);

private:
	struct Free {
		void operator()(ssl_ctx_st *c) const noexcept;
	};
	const std::string ca_file;
	mutable std::mutex guard; // of context
	std::unique_ptr<ssl_ctx_st, Free> context;
};

} // namespace webhook::outgoing
