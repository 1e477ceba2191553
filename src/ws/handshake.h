#pragma once
// The opening handshake, server side (RFC 6455 4.2): a request head becomes an acceptance or a refusal with exactly the
// headers that go with it. The checks, in this order; the first that fails is the answer:
//
//   1. the module is disabled (ws.disable)                          503, Retry-After
//   2. the method is not GET                                        405, Allow: GET
//   3. before HTTP/1.1                                              400
//   4. Host is not one of the served names                          403
//   5. the path is not ours                                         404
//   6. Sec-WebSocket-Version is there and not 13                    426, Sec-WebSocket-Version: 13, Upgrade: websocket
//   7. no token `upgrade` in Connection, no token `websocket` in    400, Sec-WebSocket-Protocol (one line for each
//      Upgrade, no version, no key, a key that is not 16 bytes           enabled), Sec-WebSocket-Version: 13
//   8. the origin is not allowed                                    403
//   9. a sub-protocol is required and none is common                400 with the headers of 7
//  10. Sec-WebSocket-Extensions breaks its grammar (RFC 6455 9.1)   400
//
// The request head has been through http::parse_head, so nothing here is there twice that must not be.
// The one extension we know is permessage-deflate; an offer we can't take is no reason to refuse. The query is not
// looked at.

#include "src/http/head_parser.h"
#include "src/http/product.h"
#include "src/http/status.h"
#include "src/ws/extension_offer.h"
#include "src/ws/origin_policy.h"
#include "src/ws/subprotocol.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sipwsd::ws {

enum class CorsMode : std::uint8_t { none = 0, any = 1, echo_origin = 2 };

// A name we answer for. A port left out on either side matches any: it is the name that keeps a page with rebound DNS
// out (S06).
struct ServedHost {
  std::string host;
  std::optional<std::uint16_t> port;
};
// From `example.com`, `example.com:8080`, `[2001:db8::1]`; nullopt when it is none of these.
std::optional<ServedHost> served_host(std::string_view text);

struct HandshakePolicy {
  bool enabled = true;
  SubProtocols sub_protocols{1};
  bool require_sub_protocol = true;  // RFC 7118 4; the echo stage takes clients that offer none
  CorsMode cors_mode = CorsMode::none;
  std::vector<ServedHost> served_hosts;  // empty: any name
  ServedHost arrived_at;                 // served besides: the address this request came in on; empty host: none
  std::string path_prefix;               // empty: any path; "/ws" is /ws and /ws/..., not /wss
  OriginPolicy origins;
  DeflatePolicy deflate;
  std::chrono::seconds retry_after{5};  // with 503
};

struct Acceptance {
  SubProtocol sub_protocol = SubProtocol::none;
  std::string_view allow_origin;  // for Access-Control-Allow-Origin; empty: no such header. A view into the request
  std::array<char, 28> accept{};  // Sec-WebSocket-Accept
  std::optional<DeflateAgreement> deflate;  // for Sec-WebSocket-Extensions; the connection needs a PerMessageDeflate
};

struct Refusal {
  http::Status status{};
  std::string_view why;                // for the operator; a constant, nothing the client sent
  SubProtocols offer;                  // 400: what to ask for
  bool say_version = false;            // 400, 426: Sec-WebSocket-Version: 13
  std::chrono::seconds retry_after{};  // 503
};

// Is this an attempt at a WebSocket at all? (A plain GET may want the demo page.)
bool asks_for_websocket(const http::RequestHead& request);

std::variant<Acceptance, Refusal> evaluate(const http::RequestHead& request, const HandshakePolicy& policy);

// `server` as in http::ReplyForm: empty leaves the header out.
std::string write_acceptance(const Acceptance& acceptance, std::string_view server = http::product());
std::string write_refusal(const Refusal& refusal, std::string_view server = http::product());

// base64(SHA-1(key + GUID)), RFC 6455 4.2.2 (5.4). Clients check ours with it.
std::array<char, 28> accept_for(std::string_view key);

}  // namespace sipwsd::ws
