#include "src/ws/held_bytes.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace sipwsd::ws {

HeldBytes::HeldBytes(HeldBytes&& other) noexcept
    : memory_(std::move(other.memory_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

HeldBytes& HeldBytes::operator=(HeldBytes&& other) noexcept {
  memory_ = std::move(other.memory_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

bool HeldBytes::append(ByteView bytes, std::size_t expected) noexcept {
  if (bytes.empty()) return true;
  const std::size_t needed = size_ + bytes.size();
  if (needed > std::numeric_limits<std::uint32_t>::max()) return false;
  if (needed > capacity_) {
    const std::size_t roomy = std::min({needed + needed / 2 + 512, expected, std::size_t{0xffffffff}});
    if (!reserve(std::max(needed, roomy))) return false;
  }
  std::memcpy(memory_.get() + size_, bytes.data(), bytes.size());
  size_ = static_cast<std::uint32_t>(needed);
  return true;
}

MutableBytes HeldBytes::room(std::size_t capacity) noexcept {
  if (size_ == capacity_ && capacity > capacity_ && !reserve(capacity)) return {};
  return {memory_.get() + size_, capacity_ - size_};
}

bool HeldBytes::reserve(std::size_t capacity) noexcept {
  if (capacity > std::numeric_limits<std::uint32_t>::max()) return false;
  auto* grown = static_cast<std::byte*>(std::realloc(memory_.get(), capacity));
  if (grown == nullptr) return false;
  static_cast<void>(memory_.release());  // realloc has taken it
  memory_.reset(grown);
  capacity_ = static_cast<std::uint32_t>(capacity);
  return true;
}

}  // namespace sipwsd::ws
