#pragma once
// mi's side of the operator's desk (shm/operator_desk.h): asks the supervisor, and hears the answer at the end of one of
// the next turns; the supervisor wakes the loop. One question at a time, as the FIFO carries out one command at a time.

#include <cstdint>
#include <functional>
#include <optional>

#include "shm/operator_desk.h"
#include "src/base/clock.h"
#include "src/mi/reply.h"

namespace sipwsd::mi {

class SupervisorDesk {
 public:
  using Answer = std::function<void(Reply)>;
  // `ring`: wakes the supervisor.
  SupervisorDesk(shm::OperatorDesk& desk, shm::ProcessSlot self, std::function<void()> ring);

  void ask(shm::OperatorWish wish, std::uint32_t argument, base::TimePoint now, Answer answer);
  // Once a turn.
  void look(base::TimePoint now);
  [[nodiscard]] bool is_waiting() const noexcept { return waiting_.has_value(); }

 private:
  struct Waiting {
    std::uint32_t number;
    base::TimePoint deadline;
    Answer answer;
  };
  void finish(Reply reply);

  shm::OperatorDesk& desk_;
  shm::ProcessSlot self_;
  std::function<void()> ring_;
  std::optional<Waiting> waiting_;
};

}  // namespace sipwsd::mi
