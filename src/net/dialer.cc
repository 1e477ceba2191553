#include "src/net/dialer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "src/os/socket_address.h"
#include "src/os/tcp_dial.h"
#include "src/tls/contexts.h"
#include "src/tls/session.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
constexpr auto failure_remembered = 1s;

std::size_t hash_of(std::string_view text) noexcept { return std::hash<std::string_view>{}(text); }

}  // namespace

std::size_t Dialer::Hash::operator()(const Endpoint& at) const noexcept {
  const std::string_view address(reinterpret_cast<const char*>(at.address.data()), at.address.size());
  return hash_of(address) ^ (std::size_t{at.port} << 8 | static_cast<std::size_t>(at.protocol));
}

Result<std::unique_ptr<StreamConnection>> Dialer::dial(ConnectionId id, const Endpoint& remote, std::string_view server_name) {
  const auto now = context_.loop.now();
  if (has_just_failed(remote, server_name)) return Error{Errc::gone, remote.to_string() + " could not be reached a moment ago"};
  if (dialled_ >= context_.settings.tcp_max_dialled) return Error{Errc::full, "tcp_max_dialled connections have been made"};
  if (const Endpoint* ours = own_addresses_.listener_at(remote, now); ours != nullptr && is_websocket(ours->protocol))
    return Error{Errc::refused, remote.to_string() + " is ours, for WebSockets"};

  std::optional<tls::Session> session;
  if (remote.protocol == TransportProtocol::tls) {
    if (context_.tls == nullptr) return Error{Errc::unsupported, "there is no TLS profile for a client"};
    auto made = tls::Session::connect(*context_.tls, remote, server_name);
    if (!made) return Error{Errc::unsupported, made.error().why};
    session.emplace(std::move(*made));
  }
  auto socket = os::dial_tcp(remote);
  if (!socket) return socket.error();
  // Where a socket of ours listens, that is what we are called: the other end may want to connect to it.
  auto local = own_addresses_.source_for(remote, now);
  if (!local)
    if (const auto bound = os::local_endpoint(socket->raw(), remote.protocol)) local = *bound;
  auto connection = std::make_unique<StreamConnection>(context_, std::move(*socket), id, remote, local.value_or(Endpoint{}),
                                                       StreamConnection::Dialled{std::string(server_name), std::move(session)});
  if (!connection->begin_dialling()) return Error{Errc::full, "the connection table is full"};
  ++dialled_;
  reach(*connection, remote);
  return connection;
}

void Dialer::failed(const StreamConnection& connection) {
  failures_[next_failure_] = {connection.remote(), hash_of(connection.server_name()), context_.loop.now() + failure_remembered};
  next_failure_ = (next_failure_ + 1) % failures_.size();
}

bool Dialer::has_just_failed(const Endpoint& remote, std::string_view server_name) const {
  const auto now = context_.loop.now();
  return std::any_of(failures_.begin(), failures_.end(), [&](const Failure& failure) {
    return now < failure.until && failure.remote == remote && failure.server_name == hash_of(server_name);
  });
}

void Dialer::reach(const StreamConnection& connection, const Endpoint& at) {
  const auto [known, is_new] = reached_at_.try_emplace(connection.id(), at);
  if (!is_new) unlink(connection.id(), std::exchange(known->second, at));
  by_address_.emplace(at, connection.id());
}

void Dialer::forget(const StreamConnection& connection) {
  if (connection.is_dialled()) --dialled_;
  if (const auto known = reached_at_.extract(connection.id())) unlink(connection.id(), known.mapped());
}

void Dialer::unlink(ConnectionId id, const Endpoint& at) {
  const auto [begin, end] = by_address_.equal_range(at);
  const auto entry = std::find_if(begin, end, [id](const auto& one) { return one.second == id; });
  if (entry != end) by_address_.erase(entry);
}

}  // namespace sipwsd::net
