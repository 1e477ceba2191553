#pragma once
// What a tcp or tls listener's client speaks, told by its first line: HTTP ("GET / HTTP/1.1") or SIP ("INVITE sip:x
// SIP/2.0", "SIP/2.0 200 OK", or the line ends of a keepalive). Listeners named ws and wss are HTTP without a look.

#include <string_view>

namespace sipwsd::net {

enum class Spoken { unknown_yet, http, sip };

// Pure. Too long a first line is http, whose parser says what is wrong with it.
[[nodiscard]] Spoken sniff(std::string_view first_bytes) noexcept;

}  // namespace sipwsd::net
