#pragma once
// A worker's side of the mirror (src/process/mirror.h), which keeps bindings in a database, so that they survive a
// restart. What shared memory has is true at once, for everybody; only the 200 to a REGISTER waits: acknowledged means
// stored. A letter names the address of record, no more; the mirror reads from shared memory what it is to store.

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "sipwsd/result.h"
#include "src/bus/mailbox.h"
#include "src/os/event_loop.h"

namespace sipwsd::location {

class MirrorClient final : private os::TimerHandler {
 public:
  // Once, perhaps before store() returns. Errc::full: the mirror does not keep up; timed_out: it does not answer (it has
  // just died, or its disk is stuck); system: it cannot write.
  using Done = std::function<void(Result<void> stored)>;
  static constexpr std::chrono::milliseconds patience{2000};  // a mirror that died is back by then
  static constexpr std::size_t most_waiting = 20'000;

  // `mirror`: none when there is none. `generation`: of this process, so that answers to its predecessor are not taken
  // for its own.
  MirrorClient(bus::Mailbox& mailbox, os::EventLoop& loop, shm::ProcessSlot mirror, std::uint32_t generation);
  ~MirrorClient();
  MirrorClient(const MirrorClient&) = delete;
  MirrorClient& operator=(const MirrorClient&) = delete;

  [[nodiscard]] bool is_on() const noexcept { return mirror_ != shm::ProcessSlot::none; }
  // The bindings of this address of record have changed; `done` when they are stored.
  void store(std::string_view aor, Done done);
  // The same when nobody waits for it: what is lost here, a restart brings back as a binding that soon expires.
  void changed(std::string_view aor);

  void on_letter(const bus::BindingsStored& letter);

 private:
  struct Waiting {
    base::TimePoint deadline;
    Done done;
  };
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void wait_for_first();

  bus::Mailbox& mailbox_;
  os::EventLoop& loop_;
  shm::ProcessSlot mirror_;
  std::map<std::uint64_t, Waiting> waiting_;  // by ticket, so the first is the oldest
  std::uint64_t next_;
  os::TimerId timer_ = os::TimerId::none;
};

}  // namespace sipwsd::location
