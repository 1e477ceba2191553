#include "src/ws/handshake.h"

#include "src/base/assert.h"
#include "src/base/base64.h"
#include "src/base/digest.h"
#include "src/base/text.h"
#include "src/http/authority.h"
#include "src/http/reply_writer.h"

#include <algorithm>
#include <span>

namespace sipwsd::ws {
namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr std::string_view our_version = "13";
constexpr std::size_t key_size = 16;

Refusal refuse(http::Status status, std::string_view why) {
  Refusal refusal;
  refusal.status = status;
  refusal.why = why;
  return refusal;
}

// 400 with what would have been right.
Refusal refuse_with_offer(std::string_view why, const HandshakePolicy& policy) {
  auto refusal = refuse(http::Status::bad_request, why);
  refusal.offer = policy.sub_protocols;
  refusal.say_version = true;
  return refusal;
}

bool is_at(const http::Authority& asked, const ServedHost& one) {
  return http::same_host(one.host, asked.host) && (!one.port || !asked.port || one.port == asked.port);
}

bool is_served(std::string_view authority, const HandshakePolicy& policy) {
  if (policy.served_hosts.empty()) return true;
  const auto asked = http::parse_authority(authority);
  if (!asked) return false;
  if (!policy.arrived_at.host.empty() && is_at(*asked, policy.arrived_at)) return true;
  return std::any_of(policy.served_hosts.begin(), policy.served_hosts.end(),
                     [&](const ServedHost& one) { return is_at(*asked, one); });
}

bool is_under(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool is_key(std::optional<std::string_view> value) {
  if (!value) return false;
  const auto key = base::unbase64(*value);
  return key && key->size() == key_size;
}

// What of the handshake itself is missing or wrong (RFC 6455 4.2.1); empty when nothing is.
std::string_view what_is_missing(const http::HeaderList& headers) {
  if (!headers.has_token("Connection", "upgrade")) return "Connection does not say upgrade";
  if (!headers.has_token("Upgrade", "websocket")) return "Upgrade does not say websocket";
  if (!headers.contains("Sec-WebSocket-Version")) return "there is no Sec-WebSocket-Version";
  if (!is_key(headers.find("Sec-WebSocket-Key"))) return "Sec-WebSocket-Key is not 16 bytes in base64";
  return {};
}

// The offered sub-protocols that are enabled. Elements are whole tokens; several header lines are one list.
SubProtocols common_sub_protocols(const http::HeaderList& headers, SubProtocols enabled) {
  SubProtocols common;
  headers.any_element_of("Sec-WebSocket-Protocol", [&](std::string_view element) {
    if (const auto protocol = sub_protocol(element); protocol && enabled.contains(*protocol)) common.insert(*protocol);
    return false;
  });
  return common;
}

SubProtocol preferred(SubProtocols common) {
  const auto found = std::find_if(all_sub_protocols.begin(), all_sub_protocols.end(),
                                  [&](SubProtocol protocol) { return common.contains(protocol); });
  return found == all_sub_protocols.end() ? SubProtocol::none : *found;
}

std::string_view allowed_origin(CorsMode mode, std::optional<std::string_view> origin) {
  switch (mode) {
    case CorsMode::none:
      return {};
    case CorsMode::any:
      return "*";
    case CorsMode::echo_origin:
      return origin.value_or(std::string_view{});
  }
  return {};
}

std::string written(http::Status status, const std::vector<http::Header>& headers, std::string_view server) {
  auto reply = http::write_reply(status, headers, {}, {.server = server});
  SIPWSD_ASSERT(reply, "a handshake reply holds only constants and a value the head parser has passed");
  return *std::move(reply);
}

}  // namespace

std::optional<ServedHost> served_host(std::string_view text) {
  const auto authority = http::parse_authority(text);
  if (!authority) return std::nullopt;
  return ServedHost{std::string{authority->host}, authority->port};
}

bool asks_for_websocket(const http::RequestHead& request) { return request.headers.has_token("Upgrade", "websocket"); }

std::variant<Acceptance, Refusal> evaluate(const http::RequestHead& request, const HandshakePolicy& policy) {
  using http::Status;
  const auto& headers = request.headers;
  if (!policy.enabled) {
    auto refusal = refuse(Status::service_unavailable, "WebSocket is disabled");
    refusal.retry_after = policy.retry_after;
    return refusal;
  }
  if (request.method != "GET") return refuse(Status::method_not_allowed, "the method is not GET");
  if (request.version < http::Version{1, 1}) return refuse(Status::bad_request, "HTTP/1.0 can't be upgraded");
  if (!is_served(request.authority, policy)) return refuse(Status::forbidden, "not a host served here");
  if (!is_under(request.path, policy.path_prefix)) return refuse(Status::not_found, "not a path served here");

  if (const auto version = headers.find("Sec-WebSocket-Version"); version && *version != our_version) {
    auto refusal = refuse(Status::upgrade_required, "not version 13 of the protocol");
    refusal.say_version = true;
    return refusal;
  }
  if (const auto missing = what_is_missing(headers); !missing.empty()) return refuse_with_offer(missing, policy);

  const auto origin = headers.find("Origin");
  if (!policy.origins.allows(origin)) return refuse(Status::forbidden, "the origin is not allowed");

  Acceptance acceptance;
  acceptance.sub_protocol = preferred(common_sub_protocols(headers, policy.sub_protocols));
  if (acceptance.sub_protocol == SubProtocol::none && policy.require_sub_protocol)
    return refuse_with_offer("no common sub-protocol", policy);
  const auto offers = parse_extension_offers(headers);
  if (!offers) return refuse(Status::bad_request, "Sec-WebSocket-Extensions breaks its grammar");
  acceptance.deflate = agree_on_deflate(*offers, policy.deflate);
  acceptance.allow_origin = allowed_origin(policy.cors_mode, origin);
  acceptance.accept = accept_for(*headers.find("Sec-WebSocket-Key"));
  return acceptance;
}

// The order is that of reference/websocket.md 2 (7); what the module does not have comes last.
std::string write_acceptance(const Acceptance& acceptance, std::string_view server) {
  std::vector<http::Header> headers;
  headers.reserve(6);
  if (!acceptance.allow_origin.empty()) headers.push_back({"Access-Control-Allow-Origin", acceptance.allow_origin});
  if (acceptance.sub_protocol != SubProtocol::none)
    headers.push_back({"Sec-WebSocket-Protocol", name(acceptance.sub_protocol)});
  headers.push_back({"Upgrade", "websocket"});
  headers.push_back({"Connection", "upgrade"});
  headers.push_back({"Sec-WebSocket-Accept", {acceptance.accept.data(), acceptance.accept.size()}});
  const auto extension = acceptance.deflate ? extension_answer(*acceptance.deflate) : std::string{};
  if (!extension.empty()) headers.push_back({"Sec-WebSocket-Extensions", extension});
  return written(http::Status::switching_protocols, headers, server);
}

std::string write_refusal(const Refusal& refusal, std::string_view server) {
  std::vector<http::Header> headers;
  for (const auto protocol : all_sub_protocols)
    if (refusal.offer.contains(protocol)) headers.push_back({"Sec-WebSocket-Protocol", name(protocol)});
  if (refusal.say_version) headers.push_back({"Sec-WebSocket-Version", our_version});
  if (refusal.status == http::Status::upgrade_required) {  // RFC 9110 15.5.22, 7.8
    headers.push_back({"Upgrade", "websocket"});
    headers.push_back({"Connection", "upgrade"});
  }
  if (refusal.status == http::Status::method_not_allowed) headers.push_back({"Allow", "GET"});
  std::array<char, 20> digits;
  if (refusal.status == http::Status::service_unavailable) {
    const auto seconds =
        static_cast<std::uint64_t>(std::max<std::chrono::seconds::rep>(refusal.retry_after.count(), 1));
    headers.push_back({"Retry-After", {digits.data(), base::write_decimal(digits.data(), seconds)}});
  }
  return written(refusal.status, headers, server);
}

std::array<char, 28> accept_for(std::string_view key) {
  std::string text;
  text.reserve(key.size() + guid.size());
  text.append(key).append(guid);
  const auto encoded = base::base64(base::as_text(base::sha1(text)));
  std::array<char, 28> accept;
  std::copy_n(encoded.begin(), accept.size(), accept.begin());
  return accept;
}

}  // namespace sipwsd::ws
