#pragma once
// Via (RFC 3261 20.42, 18.2.1; rport: RFC 3581; alias: RFC 5923). A browser's sent-by is RANDOM.invalid: responses to it go by
// connection and the value is given back as it came (reference/browser-clients.md).

#include <cstdint>
#include <optional>
#include <string_view>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/sip/message.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

// What every branch made after RFC 3261 begins with (8.1.1.7).
inline constexpr std::string_view branch_cookie = "z9hG4bK";

struct Via {
  std::string_view text;      // the whole value
  std::string_view protocol;  // "SIP"
  std::string_view version;   // "2.0"
  std::string_view transport_text;
  TransportProtocol transport = TransportProtocol::none;  // none: one we don't know
  std::string_view host;                                  // sent-by; an IPv6 reference keeps its brackets
  std::optional<std::uint16_t> port;
  Params params;

  [[nodiscard]] std::string_view branch() const noexcept { return params.find("branch").value_or(""); }
  [[nodiscard]] std::string_view received() const noexcept { return params.find("received").value_or(""); }
  [[nodiscard]] std::string_view maddr() const noexcept { return params.find("maddr").value_or(""); }
  // ";rport" asks (RFC 3581 3); ";rport=N" was filled in by whoever received the request.
  [[nodiscard]] bool wants_rport() const noexcept { return params.has("rport"); }
  [[nodiscard]] std::optional<std::uint16_t> rport() const noexcept;
  [[nodiscard]] std::optional<std::uint8_t> ttl() const noexcept;
  // The client would have requests to its sent-by sent back along this connection (RFC 5923 5).
  [[nodiscard]] bool has_alias() const noexcept { return params.has("alias"); }
  // False for an RFC 2543 client: then 17.2.3's other fields make the key.
  [[nodiscard]] bool has_magic_branch() const noexcept;
};

[[nodiscard]] Result<Via> parse_via(std::string_view value);
// The first value of the first Via line. Errc::not_found when there is none.
[[nodiscard]] Result<Via> topmost_via(const MessageView& message);

}  // namespace sipwsd::sip
