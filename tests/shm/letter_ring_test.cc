#include "shm/letter_ring.h"

#include "tests/shm/shared_world.h"

#include <cstring>
#include <deque>
#include <random>

namespace sipwsd::shm {
namespace {

class LetterRingTest : public ::testing::Test {
 protected:
  static constexpr std::size_t capacity = 4096;
  alignas(64) LetterRingHead head{};
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(capacity / 8);
  LetterRing end() { return {head, std::as_writable_bytes(std::span{memory})}; }
};

Result<void> put(LetterRing& ring, std::string_view letter) {
  const auto room = ring.reserve(letter.size());
  if (!room) return room.error();
  if (!letter.empty()) std::memcpy(room->data(), letter.data(), letter.size());
  ring.publish();
  return {};
}
std::optional<std::string> take(LetterRing& ring) {
  const auto letter = ring.take();
  if (!letter) return std::nullopt;
  return std::string{as_text(*letter)};
}

TEST_F(LetterRingTest, DeliversInOrderAndThenIsEmpty) {
  LetterRing producer = end(), consumer = end();
  EXPECT_TRUE(consumer.is_empty());
  for (const char* text : {"one", "", "three"}) ASSERT_TRUE(put(producer, text));
  EXPECT_FALSE(consumer.is_empty());
  EXPECT_EQ(take(consumer), "one");
  EXPECT_EQ(take(consumer), "");
  EXPECT_EQ(take(consumer), "three");
  EXPECT_EQ(take(consumer), std::nullopt);
  EXPECT_TRUE(consumer.is_empty());
}

TEST_F(LetterRingTest, ShowsNothingBeforeItIsPublished) {
  LetterRing producer = end(), consumer = end();
  ASSERT_TRUE(producer.reserve(100));
  EXPECT_EQ(take(consumer), std::nullopt);
  ASSERT_TRUE(put(producer, "after a forgotten one"));
  EXPECT_EQ(take(consumer), "after a forgotten one");
}

TEST_F(LetterRingTest, SaysFullAndTakesMoreOnceSomethingIsReleased) {
  LetterRing producer = end(), consumer = end();
  const std::string letter(504, 'x');
  int count = 0;
  while (put(producer, letter)) ++count;
  EXPECT_EQ(count, 8);
  EXPECT_TRUE(put(producer, letter).is(Errc::full));
  ASSERT_TRUE(consumer.take());
  EXPECT_TRUE(put(producer, letter).is(Errc::full)) << "its reader may still look at it";
  consumer.release();
  EXPECT_TRUE(put(producer, letter));
  EXPECT_GE(producer.most_bytes(), 4096u);
}

TEST_F(LetterRingTest, RefusesALetterThatNeverFitsAndTakesTheLargestInAnyPlace) {
  LetterRing producer = end(), consumer = end();
  const std::string largest(producer.largest_letter(), 'L');
  EXPECT_TRUE(put(producer, largest + "x").is(Errc::too_large));
  for (int offset = 0; offset < 600; ++offset) {
    ASSERT_TRUE(put(producer, std::string(static_cast<std::size_t>(offset) % 97, 's')));
    ASSERT_TRUE(take(consumer));
    consumer.release();
    ASSERT_TRUE(put(producer, largest)) << offset;
    ASSERT_EQ(take(consumer), largest);
    consumer.release();
  }
}

TEST_F(LetterRingTest, KeepsLettersContiguousAndInOrderWhateverTheirSizes) {
  LetterRing producer = end(), consumer = end();
  std::minstd_rand random(7);
  std::deque<std::string> sent;
  for (int i = 0; i < 50000; ++i) {
    if (random() % 2 == 0) {
      std::string letter(random() % 700, static_cast<char>('a' + random() % 26));
      const auto posted = put(producer, letter);
      if (posted) sent.push_back(std::move(letter));
    } else {
      const auto got = take(consumer);
      ASSERT_EQ(got.has_value(), !sent.empty());
      if (!got) continue;
      ASSERT_EQ(*got, sent.front());
      sent.pop_front();
    }
  }
}

TEST_F(LetterRingTest, AReplacedConsumerGoesOnBehindTheLetterItsPredecessorDiedWith) {
  LetterRing producer = end(), consumer = end();
  for (const char* text : {"deadly", "next"}) ASSERT_TRUE(put(producer, text));
  ASSERT_EQ(take(consumer), "deadly");

  LetterRing replacement = end();
  replacement.resume();
  EXPECT_EQ(take(replacement), "next");
  EXPECT_EQ(take(replacement), std::nullopt);
}

TEST_F(LetterRingTest, AReplacedProducerGoesOnAtTheTail) {
  LetterRing producer = end(), consumer = end();
  ASSERT_TRUE(put(producer, "first"));
  ASSERT_TRUE(producer.reserve(200));

  LetterRing replacement = end();
  ASSERT_TRUE(put(replacement, "second"));
  EXPECT_EQ(take(consumer), "first");
  EXPECT_EQ(take(consumer), "second");
}

TEST_F(LetterRingTest, GivesUpWhatAWildWriterDamagedAndGoesOn) {
  LetterRing producer = end(), consumer = end();
  ASSERT_TRUE(put(producer, "good"));
  memory[0] = 1'000'000;  // the length of "good"
  EXPECT_EQ(take(consumer), std::nullopt);
  ASSERT_TRUE(put(producer, "again"));
  EXPECT_EQ(take(consumer), "again");
}

// A ring large enough to start again when it is empty.
class LetterRingRestart : public ::testing::Test {
 protected:
  static constexpr std::size_t capacity = 256 * 1024;
  alignas(64) LetterRingHead head{};
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(capacity / 8);
  LetterRing end() { return {head, std::as_writable_bytes(std::span{memory})}; }
  // Letters that were read, until the next one starts at the beginning.
  void use_the_first_pages(LetterRing& producer, LetterRing& consumer) {
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(put(producer, std::string(1016, 'x')));
      ASSERT_TRUE(take(consumer));
    }
    ASSERT_FALSE(take(consumer));
  }
};

TEST_F(LetterRingRestart, LeavesTheWholeRoomToABurst) {
  LetterRing producer = end(), consumer = end();
  use_the_first_pages(producer, consumer);
  std::size_t letters = 0;
  while (put(producer, std::to_string(letters) + std::string(1000, 'y'))) ++letters;
  EXPECT_GE(letters * 1016, capacity - 2048);
  for (std::size_t i = 0; i < letters; ++i) ASSERT_EQ(take(consumer), std::to_string(i) + std::string(1000, 'y'));
  EXPECT_EQ(take(consumer), std::nullopt);
}

TEST_F(LetterRingRestart, IsTakenBackWhenItsProducerDiesOrThinksAgainBeforeItPublishes) {
  LetterRing first = end(), consumer = end();
  use_the_first_pages(first, consumer);
  ASSERT_TRUE(first.reserve(100));
  ASSERT_TRUE(first.reserve(200)) << "the same producer thinks again";
  LetterRing second = end();  // the first died
  ASSERT_TRUE(second.reserve(300));
  for (const char* text : {"a", "b"}) ASSERT_TRUE(put(second, text));
  EXPECT_EQ(take(consumer), "a");
  EXPECT_EQ(take(consumer), "b");
  EXPECT_EQ(take(consumer), std::nullopt);
}

TEST_F(LetterRingRestart, IsFoundByAReplacedConsumer) {
  LetterRing producer = end();
  {
    LetterRing first = end();
    use_the_first_pages(producer, first);
  }
  ASSERT_TRUE(put(producer, "after the restart"));
  LetterRing second = end();
  second.resume();
  EXPECT_EQ(take(second), "after the restart");
}

TEST_F(LetterRingRestart, KeepsTheOrderThroughBurstsAndQuietTimes) {
  LetterRing producer = end(), consumer = end();
  std::minstd_rand random(7);
  std::deque<std::string> expected;
  for (int round = 0; round < 3000; ++round) {
    const std::size_t burst = random() % (round % 10 == 0 ? 400 : 4);
    for (std::size_t i = 0; i < burst; ++i) {
      std::string letter(random() % (random() % 8 == 0 ? 20'000 : 1500), static_cast<char>('a' + round % 26));
      if (put(producer, letter)) expected.push_back(std::move(letter));
    }
    for (std::size_t n = random() % 3 == 0 ? expected.size() : random() % 4; n > 0 && !expected.empty(); --n) {
      ASSERT_EQ(take(consumer), expected.front());
      expected.pop_front();
    }
    if (expected.empty()) {
      ASSERT_EQ(take(consumer), std::nullopt);
    }
  }
}

TEST(LetterRing, StaysInItsFirstPagesWhileItsReaderKeepsUp) {
  LetterRingHead head{};
  std::vector<std::uint64_t> memory((1 << 20) / 8);
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span{memory});
  LetterRing producer{head, bytes}, consumer{head, bytes};
  const std::string letter(1000, 'x');
  const std::byte* furthest = bytes.data();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(put(producer, letter));
    const auto got = consumer.take();
    ASSERT_TRUE(got);
    furthest = std::max(furthest, got->data() + got->size());
    consumer.release();
  }
  EXPECT_LT(furthest - bytes.data(), 36 * 1024);
}

TEST(LetterRing, CarriesAHundredThousandLettersBetweenTwoProcesses) {
  SharedState shared = make_shared_state();
  const pid_t child = start_child([&] {
    LetterRing producer = shared.mailboxes.ring(p1, p0);
    std::minstd_rand random(3);
    for (std::uint32_t i = 0; i < 100000; ++i) {
      std::string letter(4 + random() % 60, static_cast<char>(i));
      std::memcpy(letter.data(), &i, 4);
      while (!put(producer, letter)) ::sched_yield();
    }
  });
  LetterRing consumer = shared.mailboxes.ring(p1, p0);
  std::uint32_t expected = 0;
  while (expected < 100000) {
    const auto letter = consumer.take();
    if (!letter) {
      ::sched_yield();
      continue;
    }
    std::uint32_t number_in = 0;
    std::memcpy(&number_in, letter->data(), 4);
    ASSERT_EQ(number_in, expected);
    for (const std::byte b : letter->subspan(4)) ASSERT_EQ(b, static_cast<std::byte>(expected));
    ++expected;
  }
  EXPECT_TRUE(ended_well(wait_for(child)));
}

}  // namespace
}  // namespace sipwsd::shm
