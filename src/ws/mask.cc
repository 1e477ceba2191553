#include "src/ws/mask.h"

#include <cstdint>
#include <cstring>

namespace sipwsd::ws {
namespace {

// One register of four repetitions of the key; the compiler picks the widest exclusive or the machine has.
typedef std::uint32_t Block __attribute__((vector_size(16)));

}  // namespace

void apply_mask(MutableBytes bytes, MaskKey key, std::size_t offset) noexcept {
  MaskKey turned;
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(offset + i) & 3];
  std::uint32_t word;
  std::memcpy(&word, turned.data(), sizeof word);
  const Block mask{word, word, word, word};

  std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 2 * sizeof(Block); left -= 2 * sizeof(Block), at += 2 * sizeof(Block)) {
    Block first, second;
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + sizeof first, sizeof second);
    first ^= mask;
    second ^= mask;
    std::memcpy(at, &first, sizeof first);
    std::memcpy(at + sizeof first, &second, sizeof second);
  }
  for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
    std::uint32_t four;
    std::memcpy(&four, at, sizeof four);
    four ^= word;
    std::memcpy(at, &four, sizeof four);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= turned[i];
}

}  // namespace sipwsd::ws
