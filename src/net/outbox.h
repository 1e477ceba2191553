#pragma once
// Bytes a connection still has to write. A turn's frames are gathered here and leave in one write at its end; nothing
// is held while there is nothing to write, so an idle connection costs no buffer. The buffers go round in a pool.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::net {

class BufferPool {
 public:
  std::string take() {
    if (spare_.empty()) return {};
    std::string buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }
  void give_back(std::string buffer) {
    if (spare_.size() >= max_spare || buffer.capacity() > max_kept) return;
    buffer.clear();
    spare_.push_back(std::move(buffer));
  }

 private:
  // Buffers only grow, and each keeps the size of the largest turn it ever had: so few, and none of the large ones.
  static constexpr std::size_t max_spare = 32;
  static constexpr std::size_t max_kept = 16 * 1024;
  std::vector<std::string> spare_;
};

class Outbox {
 public:
  bool is_empty() const noexcept { return sent_ == bytes_.size(); }
  std::size_t size() const noexcept { return bytes_.size() - sent_; }
  std::string_view pending() const noexcept { return std::string_view(bytes_).substr(sent_); }

  void append(BufferPool& pool, std::string_view piece) { bytes_for_appending(pool).append(piece); }
  // For whoever writes in place: only add at its end.
  std::string& bytes_for_appending(BufferPool& pool) {
    if (bytes_.empty() && bytes_.capacity() < small_string) bytes_ = pool.take();
    if (sent_ > bytes_.size() / 2 && sent_ > 4096) {  // a slow reader: don't let what was written pile up in front
      bytes_.erase(0, sent_);
      sent_ = 0;
    }
    return bytes_;
  }
  // Nothing was added after all: an idle connection holds no buffer.
  void release_if_empty(BufferPool& pool) {
    if (is_empty()) release(pool);
  }
  void written(BufferPool& pool, std::size_t n) {
    sent_ += n;
    if (sent_ == bytes_.size()) release(pool);
  }
  void release(BufferPool& pool) {
    if (bytes_.capacity() >= small_string) pool.give_back(std::move(bytes_));
    bytes_ = {};
    sent_ = 0;
  }

 private:
  static constexpr std::size_t small_string = 16;  // what std::string holds without the heap
  std::string bytes_;
  std::size_t sent_ = 0;
};

}  // namespace sipwsd::net
