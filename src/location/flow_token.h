#pragma once
// Flow tokens (RFC 5626 5.2): the two flows of a dialog that runs through us, in the user part of our Record-Route URI,
// with a MAC, so that nobody can make us send to a connection of his choice. A request that comes back with the token
// goes to the other flow than the one it came on (5.3).
//
// 27 characters, base64url of: connection and owner of each end, and SipHash-2-4 of that under a key which the
// supervisor drew at start and no peer ever sees.

#include <array>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "sipwsd/result.h"
#include "src/base/siphash.h"

namespace sipwsd::location {

struct FlowPair {
  Flow upstream;    // where the request that made the dialog came from
  Flow downstream;  // where it went
};

class FlowTokens {
 public:
  explicit FlowTokens(const base::SipHashKey& key) : key_(key) {}

  using Text = std::array<char, 27>;
  Text make(const FlowPair& flows) const noexcept;
  // not_found: no token of ours by its shape; refused: the MAC is wrong.
  Result<FlowPair> read(std::string_view user) const noexcept;

 private:
  base::SipHashKey key_;
};

}  // namespace sipwsd::location
