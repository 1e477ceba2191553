#include "shm/mailbox_set.h"

#include "tests/shm/shared_world.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>

namespace sipwsd::shm {
namespace {

void post(MailboxSet& set, LetterRing& ring, ProcessSlot to, std::uint32_t number) {
  for (;;) {
    const auto room = ring.reserve(sizeof number);
    if (!room) {
      ::sched_yield();
      continue;
    }
    std::memcpy(room->data(), &number, sizeof number);
    ring.publish();
    set.wake_if_asleep(to);
    return;
  }
}

// As a worker's loop does it; false when it slept for five seconds although something was sent.
bool wait_for_letter(MailboxSet& set, ProcessSlot self, Bell& bell) {
  bool in_time = true;
  if (set.fall_asleep(self)) in_time = bell.rings(5000);
  set.wake_up(self);
  return in_time;
}

class MailboxSetTest : public ::testing::Test {
 protected:
  SharedState shared = make_shared_state();
  MailboxSet& set = shared.mailboxes;
  EventFds fds{set};
};

TEST_F(MailboxSetTest, EachPairHasItsOwnRing) {
  for (std::uint16_t from = 0; from < 5; ++from)
    for (std::uint16_t to = 0; to < 5; ++to) {
      LetterRing ring = set.ring(ProcessSlot{from}, ProcessSlot{to});
      const auto room = ring.reserve(2);
      ASSERT_TRUE(room);
      (*room)[0] = std::byte(from);
      (*room)[1] = std::byte(to);
      ring.publish();
    }
  for (std::uint16_t from = 0; from < 5; ++from)
    for (std::uint16_t to = 0; to < 5; ++to) {
      LetterRing ring = set.ring(ProcessSlot{from}, ProcessSlot{to});
      const auto letter = ring.take();
      ASSERT_TRUE(letter);
      EXPECT_EQ((*letter)[0], std::byte(from));
      EXPECT_EQ((*letter)[1], std::byte(to));
      EXPECT_FALSE(ring.take());
    }
}

TEST_F(MailboxSetTest, WritesTheEventFdOnlyForASleeper) {
  LetterRing ring = set.ring(p1, p0);
  Bell bell(set.event_fd(p0));
  post(set, ring, p0, 1);
  EXPECT_FALSE(bell.rings());
  EXPECT_FALSE(set.fall_asleep(p0)) << "there is a letter";
  EXPECT_FALSE(set.is_asleep(p0));

  LetterRing mine = set.ring(p1, p0);
  while (mine.take()) {
  }
  ASSERT_TRUE(set.fall_asleep(p0));
  EXPECT_TRUE(set.is_asleep(p0));
  post(set, ring, p0, 2);
  EXPECT_TRUE(bell.rings());
  EXPECT_FALSE(set.is_asleep(p0));
  EXPECT_FALSE(set.wake_if_asleep(p0)) << "one write is enough";
  set.wake_up(p0);
  EXPECT_FALSE(bell.rings()) << "the next wait must not end at once";

  while (mine.take()) {
  }
  ASSERT_TRUE(set.fall_asleep(p0));
  post(set, ring, p0, 3);
  EXPECT_TRUE(bell.rings()) << "although nobody has read what was written first";
}

char scheduling_state(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(stat, line);
  return line[line.rfind(')') + 2];
}

TEST_F(MailboxSetTest, ALateProducerCannotTakeBackTheNextAnnouncement) {
  // A full, blocking eventfd holds the producer between its look at the announcement and its answer to it.
  const int fd = set.event_fd(p0);
  ASSERT_EQ(::fcntl(fd, F_SETFL, 0), 0);
  const std::uint64_t fullest = ~std::uint64_t{0} - 1;
  ASSERT_EQ(::write(fd, &fullest, sizeof fullest), 8);
  ASSERT_TRUE(set.fall_asleep(p0));
  const pid_t producer = start_child([&] { set.wake_if_asleep(p0); });
  while (scheduling_state(producer) != 'S') ::sched_yield();

  set.wake_up(p0);
  ASSERT_TRUE(set.fall_asleep(p0));
  std::uint64_t count = 0;
  ASSERT_EQ(::read(fd, &count, sizeof count), 8);
  EXPECT_TRUE(ended_well(wait_for(producer)));
  EXPECT_TRUE(set.is_asleep(p0));
}

TEST_F(MailboxSetTest, AConsumerThatDiedAsleepLeavesNoAnnouncementOfItsSuccessorUndone) {
  ASSERT_TRUE(ended_well(in_child([&] { ASSERT_TRUE(set.fall_asleep(p0)); })));
  EXPECT_TRUE(set.is_asleep(p0));
  ASSERT_TRUE(set.fall_asleep(p0));
  EXPECT_TRUE(set.is_asleep(p0));
  Bell bell(set.event_fd(p0));
  EXPECT_TRUE(set.wake_if_asleep(p0));
  EXPECT_TRUE(bell.rings());
  set.wake_up(p0);
  EXPECT_FALSE(set.is_asleep(p0));
}

TEST_F(MailboxSetTest, WakeAllReachesSleepersAndOthers) {
  ASSERT_TRUE(set.fall_asleep(p0));
  std::deque<Bell> bells;
  for (std::uint16_t slot = 0; slot < 5; ++slot) bells.emplace_back(set.event_fd(ProcessSlot{slot}));
  set.wake_all();
  for (Bell& bell : bells) EXPECT_TRUE(bell.rings());
}

// The two below run for as long as a busy machine gives them in this time, and end with this letter.
constexpr auto playtime = std::chrono::milliseconds{400};
constexpr std::uint32_t the_end = 0xffffffff;

std::optional<std::uint32_t> take(LetterRing& ring) {
  const auto letter = ring.take();
  if (!letter) return std::nullopt;
  std::uint32_t number = 0;
  std::memcpy(&number, letter->data(), sizeof number);
  return number;
}

TEST_F(MailboxSetTest, NoWakeUpIsLostBetweenTwoProcessesThatAnswerEachOther) {
  const pid_t child = start_child([&] {
    LetterRing in = set.ring(p0, p1), out = set.ring(p1, p0);
    Bell bell(set.event_fd(p1));
    for (std::optional<std::uint32_t> asked; asked != the_end;) {
      asked = take(in);
      if (asked)
        post(set, out, p0, *asked);
      else
        ASSERT_TRUE(wait_for_letter(set, p1, bell));
    }
  });
  LetterRing in = set.ring(p1, p0), out = set.ring(p0, p1);
  Bell bell(set.event_fd(p0));
  const auto until = std::chrono::steady_clock::now() + playtime;
  for (std::uint32_t round = 0; round != the_end;) {
    round = std::chrono::steady_clock::now() < until ? round + 1 : the_end;
    post(set, out, p1, round);
    std::optional<std::uint32_t> answer;
    while (!(answer = take(in))) ASSERT_TRUE(wait_for_letter(set, p0, bell)) << round;
    ASSERT_EQ(*answer, round);
  }
  EXPECT_TRUE(ended_well(wait_for(child)));
}

TEST_F(MailboxSetTest, NoWakeUpIsLostWhenTwoProducersAndASleeperMeetAtAnyMoment) {
  const auto until = std::chrono::steady_clock::now() + playtime;
  std::vector<pid_t> children;
  for (const ProcessSlot self : {p1, p2})
    children.push_back(start_child([&, self] {
      LetterRing out = set.ring(self, p0);
      std::minstd_rand random(number(self));
      for (std::uint32_t i = 0; std::chrono::steady_clock::now() < until; ++i) {
        post(set, out, p0, i);
        for (auto spins = random() % 256; spins > 0; --spins) __asm__ volatile("");
        if (random() % 64 == 0) ::sched_yield();
      }
      post(set, out, p0, the_end);
    }));
  Bell bell(set.event_fd(p0));
  LetterRing rings[] = {set.ring(p1, p0), set.ring(p2, p0)};
  for (int ended = 0; ended < 2;) {
    bool any = false;
    for (LetterRing& ring : rings) {
      const auto number = take(ring);
      any = any || number.has_value();
      if (number == the_end) ++ended;
    }
    if (any || ended == 2) continue;
    ASSERT_TRUE(wait_for_letter(set, p0, bell));
  }
  for (const pid_t child : children) EXPECT_TRUE(ended_well(wait_for(child)));
}

}  // namespace
}  // namespace sipwsd::shm
