// What the receive side allocates, counted at malloc (S12, and the hot path's promise). The sanitizers bring their own
// malloc; there these tests have nothing to count and are left out.

#include "src/ws/permessage_deflate.h"
#include "src/ws/receiver.h"
#include "tests/ws/wire.h"

#include <gtest/gtest.h>

#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SIPWSD_SANITIZER_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIPWSD_SANITIZER_MALLOC
#endif

#ifndef SIPWSD_SANITIZER_MALLOC

namespace {
std::size_t calls = 0, bytes_asked = 0;
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* malloc(std::size_t size) noexcept {
  ++calls;
  bytes_asked += size;
  return __libc_malloc(size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  ++calls;
  bytes_asked += size;
  return __libc_realloc(memory, size);
}
}

namespace sipwsd::ws {
namespace {

using wire::binary, wire::continuation, wire::fin, wire::frame, wire::header, wire::key, wire::ping, wire::text;

struct Spent {
  std::size_t calls, bytes;
  int events;
};

Spent spent_by(std::string bytes, std::size_t piece_size, const ReceiveLimits& limits = {}) {
  Receiver receiver;
  int events = 0;
  const auto calls_before = calls, bytes_before = bytes_asked;
  MutableBytes all{reinterpret_cast<std::byte*>(bytes.data()), bytes.size()};
  while (!all.empty()) {
    auto unread = all.first(std::min(piece_size, all.size()));
    all = all.subspan(unread.size());
    while (receiver.next(unread, limits)) ++events;
  }
  return {calls - calls_before, bytes_asked - bytes_before, events};
}

TEST(Memory, IsNotAskedForByWholeFrames) {
  std::string wire;
  for (int i = 0; i < 100; ++i) wire += frame(fin | text, std::string(700, 'x')) + frame(fin | ping, "p");
  const auto spent = spent_by(wire, wire.size());
  EXPECT_EQ(spent.events, 200);
  EXPECT_EQ(spent.calls, 0u);
}

// Without context takeover the worker has all it needs after the first message of its kind.
TEST(Memory, IsNotAskedForByCompressedMessagesAfterTheFirst) {
  const DeflateAgreement agreement{.server_no_context_takeover = true, .client_no_context_takeover = true};
  SharedDeflate shared{{.level = 1, .min_size = 1}};
  PerMessageDeflate deflate{agreement, shared};
  const std::string message(5000, 'x');
  const auto wire = frame(fin | wire::rsv1 | text, std::string{as_text(deflate.outgoing(as_bytes(message)).payload)});
  Receiver receiver;
  std::size_t after_the_first = 0;
  for (int i = 0; i < 10; ++i) {
    auto bytes = wire;
    const auto before = calls;
    PerMessageDeflate another{agreement, shared};
    MutableBytes unread{reinterpret_cast<std::byte*>(bytes.data()), bytes.size()};
    int events = 0;
    while (receiver.next(unread, {}, &another)) ++events;
    const bool compressed = another.outgoing(as_bytes(message)).compressed;
    if (i > 0) after_the_first += calls - before;
    EXPECT_EQ(events, 1);
    EXPECT_TRUE(compressed);
  }
  EXPECT_EQ(after_the_first, 0u);
}

TEST(Memory, IsNotAskedForByAHeaderCutIntoBytes) {
  const auto spent = spent_by(header(fin | binary, 200000) + key, 1);
  EXPECT_EQ(spent.calls, 0u);
}

// S12: 2^63, 2^64-1, 2^64-4, 2^32 and one over the limit.
TEST(Memory, IsNotAskedForByARefusedLength) {
  for (const std::uint64_t length : {1ULL << 63, ~0ULL, ~0ULL - 3, 1ULL << 32, 256ULL * 1024 + 1}) {
    const auto spent = spent_by(header(fin | binary, length) + key + std::string(100, 'x'), 5);
    EXPECT_EQ(spent.events, 1) << length;
    EXPECT_EQ(spent.calls, 0u) << length;
  }
}

TEST(Memory, FollowsWhatHasComeAndNotWhatIsAnnounced) {
  const auto spent = spent_by(header(fin | binary, 200000) + key + std::string(100, 'x'), 50);
  EXPECT_LE(spent.bytes, 2048u);
}

// Fed byte by byte a message is copied a bounded number of times: the sum of all growth is linear in its size.
TEST(Memory, GrowsInLinearTime) {
  const std::size_t size = 256 * 1024;
  const auto one_frame = spent_by(frame(fin | binary, std::string(size, 'x')), 1);
  EXPECT_EQ(one_frame.events, 1);
  EXPECT_LT(one_frame.calls, 32u);
  EXPECT_LT(one_frame.bytes, 4 * size);

  std::string fragments = frame(binary, std::string(64, 'x'));
  for (std::size_t at = 64; at < size; at += 64)
    fragments += frame((at + 64 >= size ? int{fin} : 0) | continuation, std::string(64, 'x'));
  const auto joined = spent_by(fragments, 1000);
  EXPECT_EQ(joined.events, 1);
  EXPECT_LT(joined.calls, 32u);
  EXPECT_LT(joined.bytes, 5 * size);
}

}  // namespace
}  // namespace sipwsd::ws

#endif
