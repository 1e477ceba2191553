#pragma once
// What a stage says about a message it was shown.

#include <cstdint>

namespace sipwsd {

enum class Verdict : std::uint8_t {
  handled,  // replied, relayed, dropped: nobody else needs to look
  next,     // not mine: the next stage of the chain, or the default reply when there is none
};

}  // namespace sipwsd
