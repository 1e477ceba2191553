#pragma once
// Globally routable user agent URIs (RFC 5627): names of one instance of an address of record, good for anybody anywhere.
//
//   public     sip:alice@example.org;gr=urn:uuid:f81d4fae-...       says who it is
//   temporary  sip:tgruu.<32 characters>@example.org;gr             does not; a new one with each refresh, all of them good
//                                                                   until the Call-ID of the registration changes
//
// Nothing is kept for a temporary one: its token holds the ClientId, a hash of the Call-ID and a number that differs,
// encrypted and authenticated in one step (a synthetic IV, as RFC 5297 has it, of SipHash under a key that no peer sees).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "sipwsd/result.h"
#include "src/base/siphash.h"

namespace sipwsd::location {

class Gruus {
 public:
  explicit Gruus(const base::SipHashKey& key) noexcept;

  // `aor`: canonical, user@host. `instance` without brackets, as the binding has it.
  static std::string public_gruu(std::string_view aor, std::string_view instance);
  // `serial`: another one gives another URI.
  std::string temporary_gruu(std::string_view aor, ClientId client, std::string_view call_id, std::uint64_t serial) const;

  struct Temporary {
    ClientId client = ClientId::none;
    std::uint32_t call_id = 0;
  };
  // Of the user part of a URI with an empty `gr`. not_found: no token of ours by its shape; refused: nobody but us makes
  // good ones, and this is none.
  Result<Temporary> read(std::string_view user) const;
  // Whether the registration is still the one it was made for.
  [[nodiscard]] bool is_for(const Temporary& gruu, std::string_view call_id) const noexcept;

 private:
  std::uint32_t hash_of(std::string_view call_id) const noexcept;
  void cover(std::uint64_t iv, std::uint64_t (&words)[2]) const noexcept;  // and uncover

  base::SipHashKey mac_, cipher_, call_ids_;
};

}  // namespace sipwsd::location
