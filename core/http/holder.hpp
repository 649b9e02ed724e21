// Who has an address that we wanted. At the start only: it reads /proc, which may take a while.
#pragma once
#include <sys/socket.h>

#include <string>

namespace core::http {

/// "pid 812 (nginx: master process)", or "" where the kernel does not tell us.
[[nodiscard]] std::string holder_of(const sockaddr *address);

} // namespace core::http
