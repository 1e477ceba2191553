#include "src/bus/mailbox.h"

#include "tests/shm/shared_world.h"

#include <cstring>

namespace sipwsd::bus {
namespace {

using shm::Counter;
using shm::p0;
using shm::p1;
using shm::p2;
using shm::ProcessSlot;

class MailboxTest : public ::testing::Test {
 protected:
  shm::SharedState shared = shm::make_shared_state();
  shm::EventFds fds{shared.mailboxes};

  Mailbox mailbox(ProcessSlot self) { return Mailbox{shared.mailboxes, self, shared.counters.row(self)}; }
};

struct Seen {
  ProcessSlot from;
  std::uint32_t connection;
  bool operator==(const Seen&) const = default;
};
std::vector<Seen> drain(Mailbox& mailbox, std::size_t budget) {
  std::vector<Seen> seen;
  mailbox.drain(budget, [&](ProcessSlot from, const Letter& letter) {
    seen.push_back({from, number(std::get<Drop>(letter).connection)});
  });
  return seen;
}
Drop drop(std::uint32_t connection) { return {ConnectionId{connection}, 0, DropReason::operator_said}; }

TEST_F(MailboxTest, BringsLettersInOrderToTheRightProcess) {
  Mailbox zero = mailbox(p0), one = mailbox(p1), two = mailbox(p2);
  ASSERT_TRUE(one.post(p0, Ping{ConnectionId{5}, 0, "hello"}));
  ASSERT_TRUE(one.post(p0, ConnectionClosed{ConnectionId{1}}));
  ASSERT_TRUE(one.post(p2, drop(9)));

  std::vector<std::string> seen;
  const std::size_t taken = zero.drain(100, [&](ProcessSlot from, const Letter& letter) {
    EXPECT_EQ(from, p1);
    if (const auto* ping = std::get_if<Ping>(&letter)) seen.emplace_back(ping->payload);
    if (std::holds_alternative<ConnectionClosed>(letter)) seen.emplace_back("closed");
  });
  EXPECT_EQ(taken, 2u);
  EXPECT_EQ(seen, (std::vector<std::string>{"hello", "closed"}));
  EXPECT_EQ(drain(two, 100), (std::vector<Seen>{{p1, 9}}));
  EXPECT_EQ(zero.drain(100, [](ProcessSlot, const Letter&) { FAIL(); }), 0u);
}

TEST_F(MailboxTest, TakesNoMoreThanItsBudgetATurn) {
  Mailbox zero = mailbox(p0), one = mailbox(p1);
  for (std::uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(one.post(p0, drop(i)));
  EXPECT_EQ(drain(zero, 4).size(), 4u);
  EXPECT_TRUE(zero.has_letters());
  EXPECT_EQ(drain(zero, 100).front(), (Seen{p1, 4}));
  EXPECT_FALSE(zero.has_letters());
}

TEST_F(MailboxTest, LetsEverySenderHaveItsTurn) {
  Mailbox zero = mailbox(p0), one = mailbox(p1), two = mailbox(p2);
  for (std::uint32_t i = 0; i < 100; ++i) ASSERT_TRUE(one.post(p0, drop(i)));
  ASSERT_TRUE(two.post(p0, drop(1000)));
  const auto seen = drain(zero, 40);
  EXPECT_NE(std::find(seen.begin(), seen.end(), Seen{p2, 1000}), seen.end());
}

TEST_F(MailboxTest, CarriesALetterToItselfAndWhatTheHandlerPosts) {
  Mailbox zero = mailbox(p0);
  ASSERT_TRUE(zero.post(p0, drop(1)));
  int handled = 0;
  zero.drain(1, [&](ProcessSlot, const Letter&) {
    ++handled;
    EXPECT_TRUE(zero.post(p0, drop(2)));
  });
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(drain(zero, 10), (std::vector<Seen>{{p0, 2}}));
}

TEST_F(MailboxTest, SaysFullTooLargeAndNobody) {
  Mailbox zero = mailbox(p0), one = mailbox(p1);
  const std::string large(one.largest_letter(), 'x');
  EXPECT_TRUE(one.post(p0, SendMessage{ConnectionId{1}, {}, {}, large}).is(Errc::too_large));
  EXPECT_TRUE(one.post(ProcessSlot{99}, drop(1)).is(Errc::not_found));
  std::uint32_t posted = 0;
  while (one.post(p0, drop(posted))) ++posted;
  EXPECT_TRUE(one.post(p0, drop(posted)).is(Errc::full));
  EXPECT_EQ(drain(zero, 10000).size(), posted);
  EXPECT_TRUE(one.post(p0, drop(1)));
  EXPECT_EQ(shared.value(Counter::letters_posted), posted + 1);
  EXPECT_EQ(shared.value(Counter::letters_refused), 3u);
  EXPECT_EQ(shared.value(Counter::letters_handled), posted);
}

TEST_F(MailboxTest, TheDefaultRingTakesTheLargestMessageThatConnectionsTake) {
  shm::Limits limits;
  limits.workers = 2;
  shm::SharedState large = shm::make_shared_state(limits);
  shm::EventFds large_fds{large.mailboxes};
  Mailbox zero{large.mailboxes, p0}, one{large.mailboxes, p1};
  const std::string message(256 * 1024, 'm');
  ASSERT_TRUE(one.post(p0, SendMessage{ConnectionId{1}, {}, "z9hG4bK", message}));
  ASSERT_TRUE(one.post(p0, SendMessage{ConnectionId{2}, {}, "z9hG4bK", message}));
  EXPECT_EQ(zero.drain(10, [&](ProcessSlot, const Letter& letter) {
    EXPECT_EQ(std::get<SendMessage>(letter).bytes, message);
  }), 2u);
}

TEST_F(MailboxTest, SkipsALetterItCannotReadAndCountsIt) {
  Mailbox zero = mailbox(p0), one = mailbox(p1);
  shm::LetterRing raw = shared.mailboxes.ring(p2, p0);
  ASSERT_TRUE(raw.reserve(3));
  raw.publish();
  ASSERT_TRUE(one.post(p0, drop(1)));
  EXPECT_EQ(drain(zero, 10), (std::vector<Seen>{{p1, 1}}));
  EXPECT_EQ(shared.value(Counter::letters_malformed), 1u);
}

TEST_F(MailboxTest, WakesASleeperOnceAndSleepsOnlyWhenThereIsNothing) {
  Mailbox zero = mailbox(p0), one = mailbox(p1);
  shm::Bell bell(zero.event_fd());
  ASSERT_TRUE(one.post(p0, drop(1)));
  EXPECT_FALSE(zero.fall_asleep());
  drain(zero, 10);
  ASSERT_TRUE(zero.fall_asleep());
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(one.post(p0, drop(i)));
    one.wake_receivers();
  }
  EXPECT_EQ(shared.value(Counter::wake_ups), 1u);
  EXPECT_TRUE(bell.rings());
  zero.wake_up();
  EXPECT_FALSE(bell.rings());
}

TEST_F(MailboxTest, WakesThoseItWroteToAtTheEndOfItsTurnAndNobodyElse) {
  Mailbox zero = mailbox(p0), one = mailbox(p1), two = mailbox(p2);
  shm::Bell of_zero(zero.event_fd()), of_two(two.event_fd());
  ASSERT_TRUE(zero.fall_asleep());
  ASSERT_TRUE(two.fall_asleep());
  ASSERT_TRUE(one.post(p0, drop(1)));
  ASSERT_TRUE(one.post(p0, drop(2)));
  EXPECT_FALSE(of_zero.rings());

  one.wake_receivers();

  EXPECT_TRUE(of_zero.rings());
  EXPECT_FALSE(of_two.rings());
  zero.wake_up();
  EXPECT_EQ(drain(zero, 10).size(), 2u);
  ASSERT_TRUE(zero.fall_asleep());
  one.wake_receivers();
  EXPECT_FALSE(of_zero.rings()) << "nothing was written since";
}

TEST_F(MailboxTest, WhoLeavesInTheMiddleOfATurnStillWakesItsReceivers) {
  Mailbox zero = mailbox(p0);
  shm::Bell bell(zero.event_fd());
  ASSERT_TRUE(zero.fall_asleep());
  {
    Mailbox one = mailbox(p1);
    ASSERT_TRUE(one.post(p0, drop(1)));
  }
  EXPECT_TRUE(bell.rings());
}

TEST_F(MailboxTest, ALetterThatKillsItsReaderDoesNotKillTheNextOne) {
  Mailbox one = mailbox(p1);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(one.post(p0, drop(i)));
  const int status = shm::in_child([&] {
    Mailbox zero = mailbox(p0);
    zero.drain(10, [](ProcessSlot, const Letter& letter) {
      if (std::get<Drop>(letter).connection == ConnectionId{1}) ::raise(SIGKILL);
    });
  });
  ASSERT_TRUE(shm::was_killed(status));
  Mailbox replacement = mailbox(p0);
  EXPECT_EQ(drain(replacement, 10), (std::vector<Seen>{{p1, 2}}));
}

TEST_F(MailboxTest, KeepsTheOrderOfOneSenderThroughAFullRingBetweenProcesses) {
  constexpr std::uint32_t count = 20000;
  const pid_t child = shm::start_child([&] {
    Mailbox one = mailbox(p1);
    for (std::uint32_t i = 0; i < count;) {
      if (one.post(p0, drop(i)))
        ++i;
      else
        ::sched_yield();
      if (i % 16 == 0) one.wake_receivers();
    }
  });
  Mailbox zero = mailbox(p0);
  shm::Bell bell(zero.event_fd());
  for (std::uint32_t expected = 0; expected < count;) {
    zero.drain(64, [&](ProcessSlot, const Letter& letter) {
      ASSERT_EQ(number(std::get<Drop>(letter).connection), expected);
      ++expected;
    });
    ASSERT_FALSE(HasFatalFailure());
    bool in_time = true;
    if (zero.fall_asleep()) in_time = expected == count || bell.rings(5000);
    zero.wake_up();
    ASSERT_TRUE(in_time) << expected;
  }
  EXPECT_TRUE(shm::ended_well(shm::wait_for(child)));
}

}  // namespace
}  // namespace sipwsd::bus
