#pragma once
// Where an address of record is reached. A store never waits (decision 7 of the design): the one stages ask is shared
// memory, whatever else mirrors it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/binding_table.h"
#include "sipwsd/exchange.h"
#include "src/location/gruu.h"
#include "src/sip/uri.h"

namespace sipwsd::location {

// Where one client is (RFC 5626: who is at the end of a flow, whichever flow it is now).
struct Whereabouts {
  std::string request_uri;         // its contact at present: a page that was loaded anew has another one
  Destination to;                  // not known: it lost its connection, or its URI has to be resolved
  std::vector<std::string> route;  // Path, topmost first
  std::int64_t expected_until = 0;  // monotonic seconds; not 0: it lost its connection and may be back until then
  [[nodiscard]] bool is_expected() const noexcept { return expected_until != 0; }
};

class Store {
 public:
  virtual ~Store() = default;

  // Targets for a request, highest q first, of equal q the newest first (RFC 3261 16.5). Of a client with several flows
  // only the newest (RFC 5626 5.3: not more than one flow of an instance at a time; `client` finds the others). A client
  // that lost its connection and is expected back is a target without `to` and `next_hop`.
  virtual std::vector<Target> lookup(std::string_view aor) = 0;
  // The same for a Request-URI of a domain of ours, which may be a GRUU: then only that instance (RFC 5627 6.1).
  // Errc::not_found: a GRUU of nobody: 404. No targets: nobody is there: 480.
  virtual Result<std::vector<Target>> lookup(const sip::Uri& request_uri) = 0;
  // Empty: it has no binding (any more).
  virtual std::optional<Whereabouts> find(ClientId client) = 0;

  // For the registrar: all bindings with their version, then all changes or none.
  virtual void snapshot(std::string_view aor, shm::BindingSnapshot& out) = 0;
  virtual Result<void> commit(std::string_view aor, std::uint64_t version, std::span<const shm::BindingChange> changes) = 0;
  virtual const Gruus& gruus() const noexcept = 0;

  // The connection has ended; these addresses of record were registered over it. How many bindings went.
  virtual std::size_t drop_flow(Flow flow, std::span<const std::string> aors, shm::FlowLoss loss) = 0;
  // Up to `limit` addresses of record that can be reached now, in no order.
  virtual std::vector<std::string> reachable(std::size_t limit) = 0;
};

}  // namespace sipwsd::location
