#pragma once
// URIs (RFC 3261 19.1, RFC 3966 for tel). Sip and sips URIs are taken apart; tel keeps number and parameters; any
// other scheme is kept whole as `opaque`. Everything is a view of the text that was parsed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

enum class Scheme : std::uint8_t { sip, sips, tel, other };

struct Uri {
  std::string_view text;  // the whole URI
  Scheme scheme = Scheme::other;
  std::string_view scheme_text;  // as written, without the colon
  bool has_user = false;
  std::string_view user;  // escaped as written; the number of a tel URI
  std::string_view password;
  std::string_view host;  // an IPv6 reference keeps its brackets
  std::optional<std::uint16_t> port;
  Params params;
  std::string_view headers;  // behind the question mark
  std::string_view opaque;   // behind the scheme's colon, for Scheme::other

  [[nodiscard]] bool is_sip() const noexcept { return scheme == Scheme::sip || scheme == Scheme::sips; }
  // The `transport` parameter as written ("ws", "TCP"), empty when there is none.
  [[nodiscard]] std::string_view transport_param() const noexcept { return params.find("transport").value_or(""); }
  // Loose routing (16.12): the `lr` parameter, with or without a value.
  [[nodiscard]] bool is_loose() const noexcept { return params.has("lr"); }
  // GRUU (RFC 5627): a temporary one has `gr` without a value, a public one has the instance in it.
  [[nodiscard]] std::optional<std::string_view> gr() const noexcept { return params.find("gr"); }
  // RFC 7118: a browser does not know its address and writes RANDOM.invalid; such a host never reaches DNS (RFC 2606).
  [[nodiscard]] bool is_invalid_host() const noexcept;
};

// The whole text must be one URI. Errc::malformed says what is wrong with it.
[[nodiscard]] Result<Uri> parse_uri(std::string_view text);

// RFC 3261 19.1.4, and for other schemes the same text.
[[nodiscard]] bool equivalent(const Uri& a, const Uri& b);

// The key of a user in the location service: unescaped user, '@', host in lower case; no scheme, port, password or
// parameters (10.3 step 5; port and scheme are dropped as Kamailio does). "host" alone when there is no user, the
// number for tel. May hold any byte that was escaped, so it is escaped again (escape_user) before it is written.
[[nodiscard]] std::string canonical_aor(const Uri& uri);
void append_canonical_aor(std::string& out, const Uri& uri);

// %HH -> byte (19.1.2). A % that is not followed by two hexadecimal digits stays as it is.
[[nodiscard]] std::string unescape(std::string_view text);
// What a user part may not hold becomes %HH.
[[nodiscard]] std::string escape_user(std::string_view text);
// The same user, whatever was escaped.
[[nodiscard]] bool equal_unescaped(std::string_view a, std::string_view b) noexcept;

[[nodiscard]] bool is_invalid_host(std::string_view host) noexcept;
// A host name, an IPv4 address or a bracketed IPv6 reference of the grammar (25.1).
[[nodiscard]] bool is_host(std::string_view host) noexcept;
[[nodiscard]] bool is_ip_literal(std::string_view host) noexcept;

// "ws", "UDP", ... as in a Via or a transport parameter; none when unknown.
[[nodiscard]] TransportProtocol transport_of(std::string_view text) noexcept;

}  // namespace sipwsd::sip
