#pragma once
// Randomness is passed in. SystemRandom is a CSPRNG (OpenSSL's RAND_bytes); FixedRandom makes tests repeat.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sipwsd::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t next();
  std::uint64_t below(std::uint64_t limit);   // uniform in [0, limit); limit > 0
  std::string token(std::size_t bytes);       // lower-case hex, 2 characters a byte
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;

 private:
  // Drawn in blocks: a branch or a tag costs no library call most of the time. A fork must not share a block,
  // so a block from before the last one is dropped.
  std::uint8_t block_[256]{};
  std::size_t left_ = 0;
  unsigned drawn_after_ = 0;  // forks
};

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace sipwsd::base
