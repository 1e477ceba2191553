#include "src/process/endpoints.h"

#include "src/os/host_lookup.h"
#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"
#include "src/os/udp_socket.h"

namespace sipwsd::process {
namespace {

std::string as_flag(const config::ListenSpec& spec) {
  const bool needs_brackets = spec.host.find(':') != std::string::npos;
  return std::string(name(spec.protocol)) + ":" + (needs_brackets ? "[" + spec.host + "]" : spec.host) + ":" +
         std::to_string(spec.port);
}

Endpoints::Failure explain(const config::ListenSpec& spec, const Error& error) {
  const std::string flag = "--listen " + as_flag(spec);
  switch (error.code) {
    case Errc::exists:
      return {config::ExitCode::unavailable, "port " + std::to_string(spec.port) + " is in use by another process (" +
                                                 flag + "): " + error.why + "; choose another port with --listen"};
    case Errc::refused:
      return {config::ExitCode::no_permission, flag + ": " + error.why + "; ports below 1024 need root or CAP_NET_BIND_SERVICE"};
    case Errc::not_found: return {config::ExitCode::configuration, flag + ": " + error.why};
    default: return {config::ExitCode::unavailable, flag + ": " + error.why};
  }
}

Result<os::Fd> open_socket(const Endpoint& at, os::ReusePort reuse_port) {
  if (at.protocol == TransportProtocol::udp) return os::bind_udp(at, reuse_port);
  return os::listen_tcp(at, {.reuse_port = reuse_port});
}

}  // namespace

std::variant<Endpoints, Endpoints::Failure> Endpoints::open(const config::Settings& settings, std::uint16_t slots) {
  Endpoints out;
  out.slots_.resize(slots);
  for (const config::ListenSpec& spec : settings.listen) {
    const auto addresses = os::look_up_host(spec.host);
    if (!addresses) return explain(spec, addresses.error());
    std::uint16_t port = spec.port;
    for (Endpoint at : *addresses) {
      at.protocol = spec.protocol;
      at.port = port;
      if (auto opened = out.open_group(spec, at); !opened) return explain(spec, opened.error());
      port = out.bound_.back().port;  // port 0: one number for all addresses of the name
    }
  }
  return out;
}

Result<void> Endpoints::open_group(const config::ListenSpec& spec, Endpoint at) {
  // A port that the system chose is given back when its socket stops listening, one that was asked for is kept: so the
  // first socket only finds a port for the others.
  os::Fd finder;
  if (at.port == 0) {
    auto socket = open_socket(at, os::ReusePort::found_group);
    if (!socket) return socket.error();
    const auto real = os::local_endpoint(socket->raw(), at.protocol);
    if (!real) return real.error();
    at.port = real->port;
    finder = *std::move(socket);
  }
  bound_.push_back(at);
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const bool is_first = slot == 0 && !finder.is_open();
    auto socket = open_socket(at, is_first ? os::ReusePort::found_group : os::ReusePort::join_group);
    if (!socket) return socket.error();
    const bool is_datagram = at.protocol == TransportProtocol::udp;
    (is_datagram ? slots_[slot].datagrams : slots_[slot].listeners).push_back({at, &spec, socket->raw()});
    sockets_.push_back(std::move(*socket));
  }
  return {};
}

std::span<const ListeningSocket> Endpoints::listeners(std::uint16_t slot) const noexcept {
  return slot < slots_.size() ? std::span<const ListeningSocket>{slots_[slot].listeners} : std::span<const ListeningSocket>{};
}

std::span<const ListeningSocket> Endpoints::datagrams(std::uint16_t slot) const noexcept {
  return slot < slots_.size() ? std::span<const ListeningSocket>{slots_[slot].datagrams} : std::span<const ListeningSocket>{};
}

void Endpoints::stop_listening() noexcept {
  for (const Slot& slot : slots_)
    for (const ListeningSocket& listener : slot.listeners) os::stop_listening(listener.fd);
}

Result<void> Endpoints::listen_again() {
  for (const Slot& slot : slots_)
    for (const ListeningSocket& listener : slot.listeners)
      if (auto listening = os::listen_again(listener.fd); !listening)
        return Error{listening.error().code, listener.at.to_string() + ": " + listening.error().why};
  return {};
}

void Endpoints::close() noexcept {
  slots_.clear();
  sockets_.clear();
}

}  // namespace sipwsd::process
