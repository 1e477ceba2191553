#include "src/mi/supervisor_desk.h"

#include <utility>

#include "src/base/text.h"

namespace sipwsd::mi {
namespace {

using namespace std::chrono_literals;

// Longer than the supervisor waits for all processes, shorter than sipwsctl waits for us.
constexpr auto patience = 8s;

// Of a refusal the first line is the reason.
Reply reply_of(const shm::OperatorDesk::Answer& given) {
  Reply reply = given.code == 200 ? Reply::ok() : Reply::error(given.code, {});
  for (const std::string_view line : base::split(given.text, '\n')) {
    if (given.code != 200 && reply.reason.empty())
      reply.reason = line;
    else if (!line.empty())
      reply.line(std::string(line));
  }
  return reply;
}

}  // namespace

SupervisorDesk::SupervisorDesk(shm::OperatorDesk& desk, shm::ProcessSlot self, std::function<void()> ring)
    : desk_(desk), self_(self), ring_(std::move(ring)) {}

void SupervisorDesk::ask(shm::OperatorWish wish, std::uint32_t argument, base::TimePoint now, Answer answer) {
  if (waiting_) return answer(Reply::error(500, "the supervisor is busy with another question"));
  waiting_ = Waiting{desk_.ask(wish, argument, self_), now + patience, std::move(answer)};
  ring_();
}

void SupervisorDesk::look(base::TimePoint now) {
  if (!waiting_) return;
  if (const auto given = desk_.answer_to(waiting_->number))
    finish(reply_of(*given));
  else if (now >= waiting_->deadline)
    finish(Reply::error(500, "the supervisor does not answer"));
}

void SupervisorDesk::finish(Reply reply) {
  const Waiting done = *std::exchange(waiting_, std::nullopt);
  done.answer(std::move(reply));
}

}  // namespace sipwsd::mi
