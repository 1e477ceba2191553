#include "src/stage/edge/edge_stage.h"

#include <array>
#include <string>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/name_addr.h"
#include "src/sip/uri.h"

namespace sipwsd::stage {
namespace {

constexpr std::array abilities{
    HeaderLine{"Accept", "application/sdp, text/plain, message/cpim"},
    HeaderLine{"Accept-Encoding", "identity"},
    HeaderLine{"Accept-Language", "en"},
    HeaderLine{"Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, INFO, REFER, SUBSCRIBE, NOTIFY, UPDATE, PRACK"},
    HeaderLine{"Supported", "path, outbound, gruu"},
};

// Extensions a registration may require of us (RFC 3261 8.2.2.3).
constexpr std::array<std::string_view, 3> known_extensions{"path", "outbound", "gruu"};

std::string unsupported_extensions(const SipMessageView& message) {
  std::string unsupported;
  for (std::size_t i = 0;; ++i) {
    const auto line = message.header("Require", i);
    if (line.data() == nullptr) return unsupported;
    for (const auto tag : base::split(line, ',')) {
      bool known = tag.empty();
      for (const auto k : known_extensions) known |= equals_nocase(k, tag);
      if (known) continue;
      if (!unsupported.empty()) unsupported += ", ";
      unsupported += tag;
    }
  }
}

bool has_user(std::string_view uri) {
  const auto parsed = sip::parse_uri(uri);  // a user part may hold ';' and '?' (RFC 3261 25.1)
  return parsed && parsed->has_user;
}

// RFC 3261 10.3 step 5: is the address of record one this registrar answers for?
bool registers_elsewhere(const RequestExchange& exchange) {
  const auto to = sip::parse_name_addr(exchange.message().header("To"));
  return to && to->uri.is_sip() && !exchange.is_ours(to->uri.text);
}

bool is_sip_scheme(std::string_view uri) {
  return starts_with_nocase(uri, "sip:") || starts_with_nocase(uri, "sips:");
}

void refuse_extensions(RequestExchange& exchange, const std::string& unsupported) {
  const std::array headers{HeaderLine{"Unsupported", unsupported}};
  exchange.reply(420, "Bad Extension", headers);
}

}  // namespace

Verdict EdgeStage::on_request(RequestExchange& exchange) {
  const SipMessageView& message = exchange.message();
  const std::string_view method = message.method();
  const std::string_view uri = message.request_uri();
  const bool is_register = method == "REGISTER";

  if (!is_register && (exchange.has_to_tag() || exchange.has_flow_token())) return along_token(exchange);
  if (method == "ACK") {  // belongs to nothing we know (RFC 3261 17.2.1)
    exchange.drop();
    return Verdict::handled;
  }
  const bool is_ours = exchange.is_ours(uri);
  if (method == "OPTIONS" && is_ours && !has_user(uri)) {
    if (const auto unsupported = unsupported_extensions(message); !unsupported.empty())
      refuse_extensions(exchange, unsupported);
    else
      exchange.reply(200, "OK", abilities);
    return Verdict::handled;
  }
  if (exchange.has_upstream() && !exchange.is_from_peer()) {
    if (admits(exchange)) exchange.relay_upstream();
    return Verdict::handled;
  }
  if (!is_sip_scheme(uri)) {
    exchange.reply(416, "Unsupported URI Scheme");
    return Verdict::handled;
  }
  if (!is_ours) {
    if (exchange.is_peer(uri) && !is_register) return to_peer(exchange);
    exchange.reply(403, "Relaying Not Allowed");
    return Verdict::handled;
  }
  if (is_register) {
    if (const auto unsupported = unsupported_extensions(message); !unsupported.empty()) {
      refuse_extensions(exchange, unsupported);
      return Verdict::handled;
    }
    if (!admits(exchange)) return Verdict::handled;
    if (registers_elsewhere(exchange))
      exchange.reply(404, "Not Found");
    else
      exchange.save_registration();
    return Verdict::handled;
  }
  if (has_user(uri)) return to_user(exchange);
  exchange.reply(404, "Not Found");
  return Verdict::handled;
}

Verdict EdgeStage::along_token(RequestExchange& exchange) {
  // A token of one call is no ticket for the next one: what begins something is asked who it is, unless it comes from
  // behind us, along a Path.
  if (!exchange.has_to_tag() && !admits(exchange)) return Verdict::handled;
  const auto relayed = exchange.relay_in_dialog();
  if (relayed) return Verdict::handled;
  if (exchange.message().method() == "ACK") {
    exchange.drop();
    return Verdict::handled;
  }
  if (relayed.is(Errc::not_found)) {  // a client that forgot the Route: only a user of ours can be meant
    const auto uri = exchange.message().request_uri();
    if (exchange.is_ours(uri) && has_user(uri)) return to_user(exchange);
    if (exchange.is_ours(uri) && exchange.message().method() == "OPTIONS")
      exchange.reply(200, "OK", abilities);
    else
      exchange.reply(481, "Call/Transaction Does Not Exist");
  } else if (relayed.is(Errc::gone)) {
    exchange.reply(430, "Flow Failed");
  } else {
    exchange.reply(403, "Bad Flow Token");
  }
  return Verdict::handled;
}

Verdict EdgeStage::to_user(RequestExchange& exchange) {
  if (!admits(exchange)) return Verdict::handled;
  const auto uri = exchange.message().request_uri();
  const auto targets = exchange.lookup(uri);
  const bool is_nobody = !targets || (targets->empty() && gatekeeper_ != nullptr && !gatekeeper_->may_exist(uri));
  if (is_nobody)
    exchange.reply(404, "Not Found");
  else
    exchange.relay(*targets);  // also to nobody: what RFC 3261 16.3 refuses comes before the 480
  return Verdict::handled;
}

Verdict EdgeStage::to_peer(RequestExchange& exchange) {
  if (!admits(exchange)) return Verdict::handled;
  Target target;
  target.request_uri = exchange.message().request_uri();
  target.next_hop = target.request_uri;
  exchange.relay({&target, 1});
  return Verdict::handled;
}

}  // namespace sipwsd::stage
