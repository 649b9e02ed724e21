// What listeners show for TLS: a certificate chain with its private key.
#pragma once
#include "result.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace core::http {

/// Files that have been read and fit together. Made on any thread, since disks can be slow; used on the loop's.
class TlsIdentity final {
public:
	/// PEM files. An error's code is the setting that is to blame: "http.certificate" or "http.key".
	[[nodiscard]] static Result<std::shared_ptr<const TlsIdentity>> load(const std::string &certificate, const std::string &key);

	/// It was over when it was read: clients will refuse it. No reason not to serve.
	bool has_expired = false;
	[[nodiscard]] ssl_ctx_st *context() const noexcept { return own.get(); }

private:
	struct Free {
		void operator()(ssl_ctx_st *c) const noexcept;
	};
	explicit TlsIdentity(ssl_ctx_st *context_) noexcept : own(context_) {}
	std::unique_ptr<ssl_ctx_st, Free> own;
};

} // namespace core::http
