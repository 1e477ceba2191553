#pragma once
// Where an address of record is reached. A store never waits (decision 7 of the design): the one stages ask is shared
// memory, whatever else mirrors it.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/binding_table.h"
#include "sipwsd/exchange.h"

namespace sipwsd::location {

class Store {
 public:
  virtual ~Store() = default;

  // Targets for a request, highest q first, of equal q the newest first (RFC 3261 16.5).
  virtual std::vector<Target> lookup(std::string_view aor) = 0;

  // For the registrar: all bindings with their version, then all changes or none.
  virtual void snapshot(std::string_view aor, shm::BindingSnapshot& out) = 0;
  virtual Result<void> commit(std::string_view aor, std::uint64_t version, std::span<const shm::BindingChange> changes) = 0;

  // The connection has ended; these addresses of record were registered over it. How many bindings went.
  virtual std::size_t drop_flow(Flow flow, std::span<const std::string> aors) = 0;
  // Up to `limit` addresses of record that can be reached now, in no order.
  virtual std::vector<std::string> reachable(std::size_t limit) = 0;
};

}  // namespace sipwsd::location
