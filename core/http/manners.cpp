#include "http/manners.hpp"

namespace core::http {

Manners::Manners(Needs needs_) : needs(needs_) {}
Manners::~Manners() = default;

void Manners::configure(const config::Core &) {}

std::optional<Unwelcome> Manners::on_head(Request &request, int)
{
	request.set_caller(request.peer().address, {}, PB_ADMIN);
	return {};
}

void Manners::add_lines(const Request &, std::string &) const {}
bool Manners::serve(Request &) { return false; }

} // namespace core::http
