#pragma once
// ACKs to 2xx responses that can't be sent yet: who they are for is expected back (his connection dropped), or his server's
// name is being resolved. There is no transaction that would keep them (RFC 3261 16.11), and a callee who has answered
// and gets no ACK hangs up after 64*T1. Bounded in number and in time; what is dropped the callee asks for again, by
// sending his 2xx once more.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sipwsd/exchange.h"
#include "src/base/clock.h"

namespace sipwsd::transaction {

struct HeldAck {
  std::uint64_t ticket = 0;  // User::locate's, when a name is being resolved
  ClientId client = ClientId::none;
  base::TimePoint until{};
  Arrival arrival;
  std::uint64_t hash = 0;  // of its transaction: the branch is made of it
  std::uint32_t loop_hash = 0;
  std::string request;
  std::string request_uri, prepend, append, consumed_realm;  // as TargetTexts
  std::size_t consumed_routes = 0;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(HeldAck) + request.size() + request_uri.size() + prepend.size() + append.size() + consumed_realm.size();
  }
};

class HeldAcks {
 public:
  void add(HeldAck ack) {
    bytes_ += ack.bytes();
    acks_.push_back(std::move(ack));
  }
  // Those for which `matches`, in the order they came.
  template <typename Matches>
  [[nodiscard]] std::vector<HeldAck> take(Matches&& matches) {
    std::vector<HeldAck> taken;
    std::size_t left = 0;
    for (std::size_t i = 0; i < acks_.size(); ++i) {
      if (matches(acks_[i])) {
        bytes_ -= acks_[i].bytes();
        taken.push_back(std::move(acks_[i]));
      } else {
        if (left != i) acks_[left] = std::move(acks_[i]);
        ++left;
      }
    }
    acks_.resize(left);
    return taken;
  }
  [[nodiscard]] std::size_t size() const noexcept { return acks_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] base::TimePoint first_deadline() const noexcept {
    base::TimePoint first = base::TimePoint::max();
    for (const HeldAck& ack : acks_) first = ack.until < first ? ack.until : first;
    return first;
  }

 private:
  std::vector<HeldAck> acks_;
  std::size_t bytes_ = 0;
};

}  // namespace sipwsd::transaction
