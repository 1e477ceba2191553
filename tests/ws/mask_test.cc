#include "src/ws/mask.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sipwsd::ws {
namespace {

constexpr MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

std::vector<std::byte> counted(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31);
  return bytes;
}

// Every length around the widths of the inner loops, at every place in memory, from every place in the frame.
TEST(Mask, DoesWhatOneByteAtATimeDoes) {
  for (std::size_t size = 0; size <= 100; ++size)
    for (std::size_t start = 0; start < 4; ++start)
      for (std::size_t offset = 0; offset < 5; ++offset) {
        auto bytes = counted(size + 8);
        auto expected = bytes;
        for (std::size_t i = 0; i < size; ++i) expected[start + i] ^= key[(offset + i) % 4];

        apply_mask(MutableBytes{bytes}.subspan(start, size), key, offset);

        ASSERT_EQ(bytes, expected) << size << " bytes at " << start << ", offset " << offset;
      }
}

TEST(Mask, UndoesItself) {
  auto bytes = counted(1000);
  apply_mask(bytes, key);
  EXPECT_NE(bytes, counted(1000));
  apply_mask(bytes, key);
  EXPECT_EQ(bytes, counted(1000));
}

}  // namespace
}  // namespace sipwsd::ws
