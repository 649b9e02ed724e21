#include "resolver.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <resolv.h>

#include <cstring>

namespace webhook::outgoing {

namespace {
constexpr std::size_t most_places = 8;
}

void Resolver::ask(const std::string &host, std::uint16_t port, bool needs_trust, Done done)
{
	questions.push_back({host, port, needs_trust, std::move(done)});
	if (questions.size() == 1) next();
}

void Resolver::next()
{
	const Question &first = questions.front();
	const bool is_taken = scope.work([q = Question{first.host, first.port, first.needs_trust, {}}, t = trust] { return look_up(q, *t); },
		[weak = std::weak_ptr(alive)](const Answer &answer) {
			const auto self = weak.lock();
			if (!self) return;
			Resolver &r = **self;
			const Done done = std::move(r.questions.front().done);
			r.questions.pop_front();
			if (!r.questions.empty()) r.next();
			done(answer);
		});
	if (is_taken) return;
	const Done done = std::move(questions.front().done);
	questions.pop_front();
	done({{}, "the worker pool is busy"});
	if (!questions.empty()) next();
}

Resolver::Answer Resolver::look_up(const Question &q, Trust &trust)
{
	Answer out;
	if (q.needs_trust) {
		out.flaw = trust.load();
		if (!out.flaw.empty()) return out;
	}
	// The deadline of a delivery is 10 s, and whoever stops the plugin waits for this: a silent server is not asked for long.
	// These are this thread's own.
	res_init(); // each time: the name servers change with the network
	_res.retrans = 2;
	_res.retry = 2;
	addrinfo hints{};
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICSERV;
	addrinfo *found = nullptr;
	const int problem = getaddrinfo(q.host.c_str(), fmt::format("{}", q.port).c_str(), &hints, &found);
	const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
	if (problem != 0) {
		out.flaw = fmt::format("the name {} cannot be resolved: {}", q.host, problem == EAI_SYSTEM ? "the system does not tell why" : gai_strerror(problem));
		return out;
	}
	for (const addrinfo *a = found; a && out.places.size() < most_places; a = a->ai_next) {
		if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
		Place &p = out.places.emplace_back();
		std::memcpy(&p.address, a->ai_addr, a->ai_addrlen);
		p.size = a->ai_addrlen;
	}
	if (out.places.empty()) out.flaw = fmt::format("the name {} has no address", q.host);
	return out;
}

} // namespace webhook::outgoing
