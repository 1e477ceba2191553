#pragma once
// Where a message goes. Along a live connection, when the flow names one. Else by address: a datagram to `remote` from our
// socket `local`, or over a connection to `remote` that this worker has or makes. Trivially copyable.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"

namespace sipwsd {

struct Destination {
  Flow flow;        // connection none: by address
  Endpoint remote;  // with a flow: its other end, as far as it is known
  Endpoint local;   // udp: the socket it leaves from; family none: any that fits

  bool is_flow() const noexcept { return flow.connection != ConnectionId::none; }
  bool is_address() const noexcept { return !is_flow() && remote.family != AddressFamily::none; }
  bool is_known() const noexcept { return is_flow() || is_address(); }
  bool is_datagram() const noexcept { return !is_flow() && remote.protocol == TransportProtocol::udp; }
  friend bool operator==(const Destination&, const Destination&) = default;
};

}  // namespace sipwsd
