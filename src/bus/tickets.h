#pragma once
// Questions that are out: whoever asks other processes opens a ticket, puts its number in the letters, and is told once,
// when all have answered, when one has died, or when the deadline has passed. Belongs to one process; no shared memory.

#include "src/base/clock.h"

#include "shm/process_slot.h"
#include "src/bus/letters.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sipwsd::bus {

struct Answer {
  shm::ProcessSlot from = shm::ProcessSlot::none;
  std::uint16_t code = 0;
  std::string text;  // parts joined
};
enum class TicketEnd { answered, timed_out, lost };  // lost: one that was asked died

class Tickets {
 public:
  using Done = std::function<void(TicketEnd end, const std::vector<Answer>& answers)>;

  // `first`: so that answers to a predecessor of this process are not taken for ours; derive it from the generation.
  explicit Tickets(std::uint32_t first = 1) noexcept : next_(first == 0 ? 1 : first) {}

  // `asked`: who will answer. `done` runs inside answer(), gone() or expire(), and may open tickets.
  std::uint32_t open(std::vector<shm::ProcessSlot> asked, base::TimePoint deadline, Done done);
  void cancel(std::uint32_t ticket);

  // False: nobody waits for it (any more).
  bool answer(shm::ProcessSlot from, const MiAnswer& answer);
  void gone(shm::ProcessSlot process);
  void expire(base::TimePoint now);

  std::optional<base::TimePoint> next_deadline() const noexcept;
  std::size_t size() const noexcept { return open_.size(); }

 private:
  struct Open {
    std::vector<shm::ProcessSlot> waiting_for;
    std::vector<Answer> answers;
    base::TimePoint deadline;
    Done done;
  };
  void finish(std::uint32_t ticket, TicketEnd end);

  std::map<std::uint32_t, Open> open_;
  std::uint32_t next_;
};

}  // namespace sipwsd::bus
