// links: ws http base
// Any request head under any policy (the first byte chooses): one whole reply, with nothing of the request in it but,
// when asked for, the Origin; and an origin list made of any text.

#include "src/ws/handshake.h"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const unsigned flags = data[0];
  const std::string_view in{reinterpret_cast<const char*>(data) + 1, size - 1};

  const std::string entries[] = {std::string{in.substr(0, in.find('\n'))}};
  const auto origins = ws::OriginPolicy::parse(entries);
  if (origins && entries[0] != "null") require(!origins->allows("null") && !origins->allows(std::nullopt));

  const auto head = http::parse_head(in, http::Limits{});
  if (!head) return 0;
  ws::HandshakePolicy policy;
  policy.sub_protocols = ws::SubProtocols{static_cast<std::uint8_t>(flags & 3)};
  policy.require_sub_protocol = (flags & 4) != 0;
  policy.cors_mode = static_cast<ws::CorsMode>((flags >> 3 & 3) % 3);
  if ((flags & 32) != 0) policy.served_hosts = {*ws::served_host("example.com"), *ws::served_host("[::1]:80")};
  if ((flags & 64) != 0) policy.path_prefix = "/ws";
  policy.deflate = {.enabled = (flags & 128) != 0, .window_bits = 12, .context_takeover = (flags & 1) != 0};
  const auto decision = ws::evaluate(*head, policy);
  std::string reply;
  if (const auto* acceptance = std::get_if<ws::Acceptance>(&decision)) {
    require(head->method == "GET" && head->version >= http::Version{1, 1} && ws::asks_for_websocket(*head));
    require(acceptance->sub_protocol != ws::SubProtocol::none || !policy.require_sub_protocol);
    require(acceptance->sub_protocol == ws::SubProtocol::none ||
            policy.sub_protocols.contains(acceptance->sub_protocol));
    reply = ws::write_acceptance(*acceptance);
    require(reply.starts_with("HTTP/1.1 101 ") && reply.find("Content-Length") == reply.npos);
    require(acceptance->deflate.has_value() == (reply.find("\r\nSec-WebSocket-Extensions: permessage-deflate") != reply.npos));
    require(!acceptance->deflate || policy.deflate.enabled);
  } else {
    reply = ws::write_refusal(std::get<ws::Refusal>(decision));
    require(reply.starts_with("HTTP/1.1 4"));
  }
  require(reply.find("\r\n\r\n") == reply.size() - 4);
  return 0;
}
