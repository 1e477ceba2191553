#include "src/bus/tickets.h"

#include <gtest/gtest.h>

namespace sipwsd::bus {
namespace {

using std::chrono_literals::operator""s;
using shm::ProcessSlot;

constexpr ProcessSlot p0{0}, p1{1}, p2{2};
constexpr base::TimePoint at(std::chrono::seconds s) { return base::TimePoint{s}; }

struct Outcome {
  int calls = 0;
  TicketEnd end{};
  std::vector<Answer> answers;
  Tickets::Done done() {
    return [this](TicketEnd e, const std::vector<Answer>& a) {
      ++calls;
      end = e;
      answers = a;
    };
  }
};
MiAnswer answer(std::uint32_t ticket, std::string_view text, AnswerPart part = AnswerPart::last,
                std::uint16_t code = 200) {
  return {ticket, part, code, text};
}

TEST(Tickets, AreDoneOnceAllHaveAnsweredWithTheirPartsJoined) {
  Tickets tickets;
  Outcome outcome;
  const auto ticket = tickets.open({p0, p1}, at(5s), outcome.done());
  EXPECT_NE(ticket, 0u);
  EXPECT_TRUE(tickets.answer(p1, answer(ticket, "a", AnswerPart::more)));
  EXPECT_TRUE(tickets.answer(p0, answer(ticket, "x", AnswerPart::last, 404)));
  EXPECT_EQ(outcome.calls, 0);
  EXPECT_TRUE(tickets.answer(p1, answer(ticket, "b")));

  ASSERT_EQ(outcome.calls, 1);
  EXPECT_EQ(outcome.end, TicketEnd::answered);
  ASSERT_EQ(outcome.answers.size(), 2u);
  EXPECT_EQ(outcome.answers[0].text, "ab");
  EXPECT_EQ(outcome.answers[1].text, "x");
  EXPECT_EQ(outcome.answers[1].code, 404);
  EXPECT_FALSE(tickets.answer(p1, answer(ticket, "late")));
}

TEST(Tickets, IgnoreAnswersOfThoseWhoWereNotAskedOrHaveAnswered) {
  Tickets tickets;
  Outcome outcome;
  const auto ticket = tickets.open({p0, p1}, at(5s), outcome.done());
  EXPECT_FALSE(tickets.answer(p2, answer(ticket, "?")));
  EXPECT_FALSE(tickets.answer(p0, answer(ticket + 1, "?")));
  EXPECT_TRUE(tickets.answer(p0, answer(ticket, "once")));
  EXPECT_FALSE(tickets.answer(p0, answer(ticket, "twice")));
  EXPECT_EQ(outcome.calls, 0);
}

TEST(Tickets, TimeOutWithWhatCameUntilThen) {
  Tickets tickets;
  Outcome first, second;
  const auto ticket = tickets.open({p0, p1}, at(5s), first.done());
  tickets.open({p0}, at(3s), second.done());
  EXPECT_EQ(tickets.next_deadline(), at(3s));
  tickets.answer(p0, answer(ticket, "here"));
  tickets.expire(at(4s));
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(first.calls, 0);
  EXPECT_EQ(tickets.next_deadline(), at(5s));
  tickets.expire(at(5s));
  EXPECT_EQ(first.end, TicketEnd::timed_out);
  ASSERT_EQ(first.answers.size(), 1u);
  EXPECT_EQ(tickets.next_deadline(), std::nullopt);
  EXPECT_EQ(tickets.size(), 0u);
}

TEST(Tickets, EndWhenOneThatWasAskedDies) {
  Tickets tickets;
  Outcome asked, other;
  tickets.open({p0, p1}, at(5s), asked.done());
  tickets.open({p2}, at(5s), other.done());
  tickets.gone(p1);
  EXPECT_EQ(asked.end, TicketEnd::lost);
  EXPECT_EQ(asked.calls, 1);
  EXPECT_EQ(other.calls, 0);
}

TEST(Tickets, MayBeOpenedAndCancelledByTheOneThatEnds) {
  Tickets tickets;
  Outcome cancelled;
  std::uint32_t second = 0, third = 0;
  tickets.open({p0}, at(1s), [&](TicketEnd, const std::vector<Answer>&) {
    tickets.cancel(second);
    third = tickets.open({p0}, at(9s), [](TicketEnd, const std::vector<Answer>&) {});
  });
  second = tickets.open({p0}, at(1s), cancelled.done());
  tickets.expire(at(2s));
  EXPECT_EQ(cancelled.calls, 0);
  EXPECT_EQ(tickets.size(), 1u);
  EXPECT_NE(third, second);
}

TEST(Tickets, NeverHaveTheNumberZeroOrOneThatIsOpen) {
  Tickets tickets{0xffffffff};
  const auto ignore = [](TicketEnd, const std::vector<Answer>&) {};
  EXPECT_EQ(tickets.open({p0}, at(1s), ignore), 0xffffffffu);
  EXPECT_EQ(tickets.open({p0}, at(1s), ignore), 1u);
  EXPECT_NE(Tickets{0}.open({p0}, at(1s), ignore), 0u);
}

}  // namespace
}  // namespace sipwsd::bus
