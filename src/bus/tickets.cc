#include "src/bus/tickets.h"

#include <algorithm>

namespace sipwsd::bus {

std::uint32_t Tickets::open(std::vector<shm::ProcessSlot> asked, base::TimePoint deadline, Done done) {
  while (next_ == 0 || open_.contains(next_)) ++next_;  // 0 in a letter means: no answer wanted
  const std::uint32_t ticket = next_++;
  open_.emplace(ticket, Open{std::move(asked), {}, deadline, std::move(done)});
  return ticket;
}

void Tickets::cancel(std::uint32_t ticket) { open_.erase(ticket); }

bool Tickets::answer(shm::ProcessSlot from, const MiAnswer& answer) {
  const auto found = open_.find(answer.ticket);
  if (found == open_.end()) return false;
  Open& open = found->second;
  if (std::find(open.waiting_for.begin(), open.waiting_for.end(), from) == open.waiting_for.end()) return false;
  const auto is_his = [from](const Answer& a) { return a.from == from; };
  auto so_far = std::find_if(open.answers.begin(), open.answers.end(), is_his);
  if (so_far == open.answers.end()) so_far = open.answers.insert(open.answers.end(), Answer{from, 0, {}});
  so_far->code = answer.code;
  so_far->text += answer.text;
  if (answer.part == AnswerPart::more) return true;
  std::erase(open.waiting_for, from);
  if (open.waiting_for.empty()) finish(answer.ticket, TicketEnd::answered);
  return true;
}

void Tickets::gone(shm::ProcessSlot process) {
  std::vector<std::uint32_t> ended;
  for (const auto& [ticket, open] : open_)
    if (std::find(open.waiting_for.begin(), open.waiting_for.end(), process) != open.waiting_for.end())
      ended.push_back(ticket);
  for (const std::uint32_t ticket : ended) finish(ticket, TicketEnd::lost);
}

void Tickets::expire(base::TimePoint now) {
  std::vector<std::uint32_t> ended;
  for (const auto& [ticket, open] : open_)
    if (open.deadline <= now) ended.push_back(ticket);
  for (const std::uint32_t ticket : ended) finish(ticket, TicketEnd::timed_out);
}

std::optional<base::TimePoint> Tickets::next_deadline() const noexcept {
  std::optional<base::TimePoint> earliest;
  for (const auto& [ticket, open] : open_)
    if (!earliest || open.deadline < *earliest) earliest = open.deadline;
  return earliest;
}

void Tickets::finish(std::uint32_t ticket, TicketEnd end) {
  const auto node = open_.extract(ticket);  // first out of the table: `done` may open others
  if (node.empty()) return;                 // a `done` before this one cancelled it
  node.mapped().done(end, node.mapped().answers);
}

}  // namespace sipwsd::bus
