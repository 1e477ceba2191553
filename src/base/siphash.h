#pragma once
// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables whose keys come from the wire, so that nobody can
// choose keys which collide; and the short MACs inside branches. Not for long-term secrets: those use HMAC-SHA-256.

#include <cstdint>
#include <string_view>

namespace sipwsd::base {

struct SipHashKey {
  std::uint64_t k0 = 0, k1 = 0;
};

std::uint64_t siphash(const SipHashKey& key, std::string_view bytes) noexcept;

}  // namespace sipwsd::base
