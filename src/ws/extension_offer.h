#pragma once
// What a client offers in Sec-WebSocket-Extensions (RFC 6455 9.1), and what of permessage-deflate (RFC 7692 7.1) comes
// of it. An offer is taken whole or not at all: one with a parameter that is unknown, there twice, or of a value it
// can't have is declined (7.1), and so is one we could not keep; the next is tried. Values that break the grammar fail
// the handshake.
//
//   offer                        answer
//   server_no_context_takeover   the same, always; unasked too, unless the policy has context takeover on
//   client_no_context_takeover   likewise; and unasked when the client did not let us bound its window
//   server_max_window_bits=N     the smaller of N and the policy's; N = 8 is declined: zlib has no raw window of 256 bytes
//   client_max_window_bits[=N]   the smaller of N and the policy's, when that says anything; never unasked (7.1.2.2)

#include "sipwsd/result.h"
#include "src/http/header_list.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::ws {

struct ExtensionParameter {
  std::string_view name;
  std::optional<std::string> value;  // without its quotes
};
struct ExtensionOffer {
  std::string_view token;
  std::vector<ExtensionParameter> parameters;
};

// All lines of the header are one list, in order of preference; none is no offer. Views into the request.
// Errc::malformed: RFC 6455 9.1 wants the connection failed.
Result<std::vector<ExtensionOffer>> parse_extension_offers(const http::HeaderList& headers);

// What an operator allows. Off is the default: compression costs processor time on both sides, and one message's
// secrets can be guessed from its compressed length when an attacker writes part of it.
struct DeflatePolicy {
  bool enabled = false;
  std::uint8_t window_bits = 15;  // 9..15: the most either side may use
  bool context_takeover = false;  // each connection then keeps its windows, see permessage_deflate.h
};

// The parameters as they are answered; what is absent is 15 bits.
struct DeflateAgreement {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits{};
  std::optional<std::uint8_t> client_max_window_bits{};
  friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

// The first offer that can be taken.
std::optional<DeflateAgreement> agree_on_deflate(std::span<const ExtensionOffer> offers, const DeflatePolicy& policy);

// The value of our Sec-WebSocket-Extensions.
std::string extension_answer(const DeflateAgreement& agreement);

}  // namespace sipwsd::ws
