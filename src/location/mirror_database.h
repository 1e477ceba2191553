#pragma once
// The database in which bindings outlive the daemon (usrloc.db_url): one row a binding, times in Unix seconds, addresses
// as text. Written by the mirror process; read once, before there are any workers.
//
// What is stored of an address of record is what shared memory says of it at that moment, so storing it twice, late or
// in another order does no harm. After a restart no connection is left: a binding that led along one comes back
// suspended, for its client to return; one that leads to an address is as good as before.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shm/binding_table.h"
#include "sipwsd/result.h"
#include "src/base/clock.h"
#include "src/db/sqlite.h"

namespace sipwsd::location {

// The clock of bindings and the calendar, at the same moment.
struct Moment {
  std::int64_t monotonic = 0;  // seconds
  std::int64_t unix_seconds = 0;
};
[[nodiscard]] Moment moment_of(const base::Clock& clock) noexcept;

class MirrorDatabase {
 public:
  // Makes the file when there is none. malformed: it is damaged, or somebody else's; timed_out: another process has it.
  static Result<MirrorDatabase> open(const std::string& path);

  // --- the mirror
  // All bindings of these addresses of record as they are now, in one transaction that is on the disk when this returns.
  // Each is written as of this `round`.
  Result<void> store(std::span<const std::string> aors, const shm::BindingTable& bindings, Moment now, std::int64_t round);
  // All rows of earlier rounds: their addresses of record have no bindings any more.
  Result<void> forget_earlier_rounds(std::int64_t round);
  Result<void> forget_expired(Moment now);
  [[nodiscard]] Result<std::int64_t> last_round();

  // --- the restart
  struct Restored {
    std::size_t active = 0, suspended = 0;
    std::size_t lost = 0;  // no room, or rows that make no sense
  };
  // Into an empty table. `suspended_until`: see FlowLoss; removes() leaves out what led along connections. `ours`: the
  // addresses of our sockets; a binding over one that is no more leaves by any that fits.
  Result<Restored> restore(shm::BindingTable& bindings, shm::ProcessSlot self, Moment now, shm::FlowLoss lost_flows,
                           std::span<const Endpoint> ours);

 private:
  explicit MirrorDatabase(db::Sqlite db) : db_(std::move(db)) {}
  Result<void> prepare();
  Result<void> insert(const shm::Binding& binding, Moment now, std::int64_t round);

  db::Sqlite db_;
  // Behind the file they belong to: they go first.
  std::optional<db::Statement> delete_, insert_;
  shm::BindingSnapshot scratch_;
};

}  // namespace sipwsd::location
