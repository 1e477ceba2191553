#pragma once
// The store in shared memory: every worker reads and writes the same binding table.

#include "src/base/clock.h"
#include "src/location/store.h"

namespace sipwsd::location {

class ShmStore final : public Store {
 public:
  ShmStore(shm::BindingTable& table, const base::Clock& clock, shm::ProcessSlot self)
      : table_(table), clock_(clock), self_(self), gruus_(table.derived_key("gruu")) {}

  std::vector<Target> lookup(std::string_view aor) override;
  Result<std::vector<Target>> lookup(const sip::Uri& request_uri) override;
  std::optional<Whereabouts> find(ClientId client) override;
  void snapshot(std::string_view aor, shm::BindingSnapshot& out) override;
  Result<void> commit(std::string_view aor, std::uint64_t version, std::span<const shm::BindingChange> changes) override;
  const Gruus& gruus() const noexcept override { return gruus_; }
  std::size_t drop_flow(Flow flow, std::span<const std::string> aors, shm::FlowLoss loss) override;
  std::vector<std::string> reachable(std::size_t limit) override;

 private:
  shm::BindingTable& table_;
  const base::Clock& clock_;
  shm::ProcessSlot self_;
  Gruus gruus_;
  shm::BindingSnapshot scratch_;  // its memory stays, so a lookup copies into warm buffers
};

}  // namespace sipwsd::location
