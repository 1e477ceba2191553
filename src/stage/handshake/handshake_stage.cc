#include "src/stage/handshake/handshake_stage.h"

#include <vector>

#include "src/base/log.h"

namespace sipwsd::stage {

Verdict HandshakeStage::on_http(HttpExchange& exchange) {
  if (!exchange.is_upgrade()) return Verdict::next;
  const auto decision = gate_.check(exchange);
  if (decision.accepted()) {
    exchange.set_authenticated_aor(decision.aor);
    return Verdict::next;
  }
  log::info("handshake from {} refused with {}: {}", exchange.arrival().remote.to_string(), decision.status, decision.why);
  if (on_refused_) on_refused_(decision.status);
  std::vector<HeaderLine> headers;
  for (const auto& challenge : decision.challenges) headers.push_back({"WWW-Authenticate", challenge});
  exchange.reply(decision.status, {}, headers, {});
  return Verdict::handled;
}

}  // namespace sipwsd::stage
