#pragma once
// Whether somebody talks over a connection right now: a guess from the SIP messages it brought, since a proxy keeps no
// dialogs (RFC 3261 12, 13). For drain only, which spares connections with calls: a call that is missed is cut, one that
// never seems to end is cut when drain_timeout is over.
//
//   INVITE, 1xx to one        rings        (forgotten after ringing_seconds: nobody may ever answer)
//   ACK to a 2xx, 2xx to one  talks        (a re-INVITE changes nothing: the Call-ID is known)
//   other final, its ACK      rings no more
//   BYE, or its answer        over

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace sipwsd::net {

class CallEstimate {
 public:
  enum class Sign : std::uint8_t { rings, talks, rings_no_more, over };

  void note(Sign sign, std::string_view call_id, std::int64_t now_seconds) {
    const auto key = static_cast<std::uint32_t>(std::hash<std::string_view>{}(call_id)) & ~talking;
    const auto known = std::find_if(calls_.begin(), calls_.end(), [key](const Call& c) { return (c.key & ~talking) == key; });
    if (known == calls_.end()) {
      // Beyond `most` it is a trunk: the calls that are listed keep it from being idle.
      if ((sign == Sign::rings || sign == Sign::talks) && calls_.size() < most)
        calls_.push_back({sign == Sign::talks ? key | talking : key, static_cast<std::uint32_t>(now_seconds)});
      return;
    }
    if (sign == Sign::talks) known->key |= talking;
    if (sign == Sign::over || (sign == Sign::rings_no_more && (known->key & talking) == 0)) calls_.erase(known);
    if (calls_.empty()) calls_ = {};  // an idle connection holds nothing
  }

  [[nodiscard]] bool has_calls(std::int64_t now_seconds) const noexcept {
    return std::any_of(calls_.begin(), calls_.end(), [now_seconds](const Call& c) {
      return (c.key & talking) != 0 || static_cast<std::uint32_t>(now_seconds) - c.since < ringing_seconds;
    });
  }
  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }

  static constexpr std::size_t most = 256;
  static constexpr std::uint32_t ringing_seconds = 300;  // more than Timer C (RFC 3261 16.6 step 11)

 private:
  static constexpr std::uint32_t talking = 1u << 31;
  struct Call {
    std::uint32_t key;  // of its Call-ID; the top bit: it was answered
    std::uint32_t since;
  };
  std::vector<Call> calls_;
};

}  // namespace sipwsd::net
