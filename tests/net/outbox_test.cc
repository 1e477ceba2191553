#include "src/net/outbox.h"

#include <gtest/gtest.h>

namespace sipwsd::net {
namespace {

TEST(Outbox, GivesPiecesBackAsOneInTheirOrder) {
  BufferPool pool;
  Outbox outbox;
  EXPECT_TRUE(outbox.is_empty());
  outbox.append(pool, "ab");
  outbox.append(pool, "");
  outbox.append(pool, "cde");
  EXPECT_EQ(outbox.pending(), "abcde");
  EXPECT_EQ(outbox.size(), 5u);
  outbox.written(pool, 2);
  outbox.append(pool, "f");
  EXPECT_EQ(outbox.pending(), "cdef");
  outbox.written(pool, 4);
  EXPECT_TRUE(outbox.is_empty());
  EXPECT_EQ(outbox.size(), 0u);
}

TEST(Outbox, KeepsWhatIsShorterThanAStringsOwnRoomWhenMoreFollows) {
  BufferPool pool;
  pool.give_back(std::string(4096, 'x'));
  Outbox outbox;
  outbox.append(pool, "\x81\x05");
  outbox.append(pool, "hello");
  EXPECT_EQ(outbox.pending(), "\x81\x05hello");
}

TEST(Outbox, GivesItsBufferToThePoolWhenAllIsWritten) {
  BufferPool pool;
  Outbox outbox;
  outbox.append(pool, std::string(10'000, 'x'));
  const char* memory = outbox.pending().data();
  outbox.written(pool, 10'000);
  const std::string again = pool.take();
  EXPECT_GE(again.capacity(), 10'000u);
  EXPECT_EQ(again.data(), memory) << "the very same buffer";
  EXPECT_TRUE(again.empty());
}

TEST(Outbox, GoesOnAfterARelease) {
  BufferPool pool;
  Outbox outbox;
  outbox.append(pool, std::string(100, 'x'));
  outbox.written(pool, 10);
  outbox.release(pool);
  EXPECT_TRUE(outbox.is_empty());
  outbox.append(pool, "new");
  EXPECT_EQ(outbox.pending(), "new");
}

TEST(Outbox, DoesNotPileUpWhatASlowReaderHasTaken) {
  BufferPool pool;
  Outbox outbox;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i % 26));
    outbox.append(pool, piece);
    expected += piece;
    ASSERT_EQ(outbox.pending(), expected);
    if (expected.size() > 5000) {
      outbox.written(pool, 1000);
      expected.erase(0, 1000);
    }
  }
  while (!outbox.is_empty()) outbox.written(pool, outbox.size());
  EXPECT_LT(pool.take().capacity(), 64u * 1024);
}

TEST(BufferPool, KeepsNoLargeBuffersAndNotManyOfAny) {
  BufferPool pool;
  pool.give_back(std::string(1 << 20, 'x'));
  EXPECT_LT(pool.take().capacity(), 1u << 20);
  for (int i = 0; i < 1000; ++i) pool.give_back(std::string(1000, 'x'));
  int kept = 0;
  while (pool.take().capacity() >= 1000) ++kept;
  EXPECT_EQ(kept, 32);
}

}  // namespace
}  // namespace sipwsd::net
