#pragma once
// A worker's side of a death: the reaper left the dead worker's records in state lost, with this worker as adopter. They
// are taken out of the table one by one, each before its closed event runs: the event fires once for each, and not
// again if it kills this process too; what was not taken yet stays lost for the next adopter.

#include <cstddef>
#include <functional>

#include "shm/connection_table.h"

namespace sipwsd::process {

class Adoption {
 public:
  using Closed = std::function<void(const shm::ConnectionRecord&)>;
  Adoption(shm::ConnectionTable& connections, WorkerSlot self, Closed closed);

  // Somebody's records are lost, not necessarily ours. It looks at a word of every stripe: for the start and for a timer
  // of a few times a second, not for every turn.
  [[nodiscard]] bool is_wanted() const noexcept { return connections_.has_lost(); }
  // At most `budget` records, so that other connections have their turn. How many; `budget` means there may be more.
  std::size_t adopt(std::size_t budget);

 private:
  shm::ConnectionTable& connections_;
  WorkerSlot self_;
  Closed closed_;
};

}  // namespace sipwsd::process
