#pragma once
// Bytes kept between reads: the part of a message or a control frame that has arrived. Grows with what is there, never
// with what a peer announces (S12, S14): at most one and a half times the content plus 512 bytes. Empty, it owns
// nothing. Or written by somebody else in place (`room`), and then as large as that one says.

#include "sipwsd/bytes.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sipwsd::ws {

class HeldBytes {
 public:
  HeldBytes() = default;
  HeldBytes(HeldBytes&& other) noexcept;
  HeldBytes& operator=(HeldBytes&& other) noexcept;

  // `expected`: how large it can get at most; room is never taken beyond that. False when there is no memory.
  [[nodiscard]] bool append(ByteView bytes, std::size_t expected) noexcept;
  // Free room behind what is there: all there is, or, when there is none, room for `capacity` bytes in all. Empty when
  // there is no memory. `wrote` says how much of it has been used.
  [[nodiscard]] MutableBytes room(std::size_t capacity) noexcept;
  void wrote(std::size_t bytes) noexcept { size_ += static_cast<std::uint32_t>(bytes); }
  // Empty again, with its memory for the next.
  void clear() noexcept { size_ = 0; }
  void drop_last(std::size_t bytes) noexcept { size_ -= static_cast<std::uint32_t>(bytes); }
  void release() noexcept {
    if (capacity_ != 0) *this = HeldBytes{};
  }

  ByteView view() const noexcept { return {memory_.get(), size_}; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  bool reserve(std::size_t capacity) noexcept;
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::byte[], Free> memory_;  // from malloc: grown by realloc, which copies no page of a large one
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace sipwsd::ws
