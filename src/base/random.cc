#include "src/base/random.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <cstring>

#include "src/base/assert.h"
#include "src/base/hex.h"

namespace sipwsd::base {
namespace {

// How many forks lie between the first process and this one; counted in the child, so that nobody asks for his pid.
unsigned forks = 0;
[[maybe_unused]] const int counted = pthread_atfork(nullptr, nullptr, [] { ++forks; });

}  // namespace

std::uint64_t Random::next() {
  std::uint8_t bytes[8];
  fill(bytes);
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t limit) {
  const std::uint64_t unfair = (0 - limit) % limit;  // the values at the bottom that would make some results likelier
  for (;;) {
    const std::uint64_t value = next();
    if (value >= unfair) return value % limit;
  }
}

std::string Random::token(std::size_t bytes) {
  std::uint8_t raw[64];
  SIPWSD_ASSERT(bytes <= sizeof raw, "a token is at most 64 bytes");
  fill({raw, bytes});
  return hex({raw, bytes});
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (drawn_after_ != forks) left_ = 0;
  while (!out.empty()) {
    if (left_ == 0) {
      SIPWSD_ASSERT(RAND_bytes(block_, sizeof block_) == 1, "the system has randomness");
      left_ = sizeof block_;
      drawn_after_ = forks;
    }
    const std::size_t n = out.size() < left_ ? out.size() : left_;
    std::uint8_t* from = block_ + sizeof block_ - left_;
    std::memcpy(out.data(), from, n);
    std::memset(from, 0, n);  // given out once
    left_ -= n;
    out = out.subspan(n);
  }
}

void FixedRandom::fill(std::span<std::uint8_t> out) {
  for (auto& byte : out) {  // splitmix64, one byte a step
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    byte = static_cast<std::uint8_t>(z ^ (z >> 31));
  }
}

}  // namespace sipwsd::base
