#pragma once
// The connections of one worker that are not through their handshake yet, oldest first, so that when there are too many
// the one that has been slow for longest goes (max_pending_handshakes): slowloris pushes out itself, not the newcomers.
//
// A place is held by whatever the connection frees when its handshake is over, and leaves the list in its destructor:
// nothing to remember.

#include <cstddef>
#include <optional>

#include "sipwsd/connection_id.h"
#include "src/base/clock.h"

namespace sipwsd::net {

class PendingHandshakes {
 public:
  class Place {
   public:
    Place(PendingHandshakes& list, ConnectionId id, base::TimePoint since) noexcept : list_(list), id_(id), since_(since) {
      previous_ = list_.newest_;
      (previous_ == nullptr ? list_.oldest_ : previous_->next_) = this;
      list_.newest_ = this;
      ++list_.size_;
    }
    ~Place() {
      (previous_ == nullptr ? list_.oldest_ : previous_->next_) = next_;
      (next_ == nullptr ? list_.newest_ : next_->previous_) = previous_;
      --list_.size_;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class PendingHandshakes;
    PendingHandshakes& list_;
    Place* previous_ = nullptr;
    Place* next_ = nullptr;
    ConnectionId id_;
    base::TimePoint since_;
  };

  PendingHandshakes() = default;
  PendingHandshakes(const PendingHandshakes&) = delete;  // places point here
  PendingHandshakes& operator=(const PendingHandshakes&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Since when the oldest has been here; nothing when there is none.
  [[nodiscard]] std::optional<base::TimePoint> oldest_since() const noexcept {
    if (oldest_ == nullptr) return std::nullopt;
    return oldest_->since_;
  }
  // ConnectionId::none when there is none.
  [[nodiscard]] ConnectionId oldest() const noexcept { return oldest_ == nullptr ? ConnectionId::none : oldest_->id_; }

 private:
  Place* oldest_ = nullptr;
  Place* newest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sipwsd::net
