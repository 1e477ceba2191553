#pragma once
// Flow tokens (RFC 5626 5.2): the two ends of a dialog that runs through us, in the user part of our Record-Route URI, or
// the one end of a registration in that of our Path URI. With a MAC, so that nobody can make us send to a connection or an
// address of his choice. A request that comes back with the token goes to the other end than the one it comes from (5.3).
//
// An end is a connection with its owner, or an address; and the client who is there, so that he is found on another
// connection when this one has ended. `w.`, so that no user's name looks like it, then bytes in base64url without padding:
//
//   day            1, the lowest byte of the number of the key that signed it
//   run            2, of the daemon: connections of one before are gone, whoever has their numbers now
//   kinds          1, of the upstream end (high four bits) and of the downstream end
//   upstream end   connection: id 4, owner 2   address: protocol and socket 1, IPv4 4 or IPv6 16, port 2   client: 8
//   downstream end the same
//   MAC            8, SipHash-2-4
//
// The key changes once in a lifetime (`flow_token_lifetime`): a token is good under the present key and the one before.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/destination.h"
#include "sipwsd/result.h"
#include "src/base/siphash.h"

namespace sipwsd::location {

struct FlowEnd {
  Destination at;
  ClientId client = ClientId::none;
  bool is_of_before = false;  // it was a connection of another run of the daemon
  bool is_known() const noexcept { return at.is_known() || client != ClientId::none || is_of_before; }
  friend bool operator==(const FlowEnd&, const FlowEnd&) = default;
};

struct FlowPair {
  FlowEnd upstream;    // where the request that made the dialog came from
  FlowEnd downstream;  // where it went; unknown in a Path
};

class FlowTokens {
 public:
  // `sockets`: where datagrams leave from, in the same order in every worker.
  // `run`: another one each time the daemon starts.
  FlowTokens(const base::SipHashKey& key, std::int64_t lifetime_seconds, std::vector<Endpoint> sockets = {},
             std::uint16_t run = 0);

  // `now`: unix seconds.
  std::string make(const FlowPair& ends, std::int64_t now) const;
  // not_found: it does not begin as one; refused: we have not made it; gone: it was good once.
  Result<FlowPair> read(std::string_view user, std::int64_t now) const;

 private:
  struct PeriodKey {
    std::int64_t period;
    base::SipHashKey key;
  };
  std::uint8_t socket_of(const Destination& at) const noexcept;
  base::SipHashKey key_of(std::int64_t period) const noexcept;

  base::SipHashKey key_;
  std::int64_t lifetime_;
  std::uint16_t run_;
  std::vector<Endpoint> sockets_;
  mutable std::optional<PeriodKey> last_;  // hardly ever another one
};

}  // namespace sipwsd::location
