#include "src/stage/echo/echo_stage.h"

namespace sipwsd::stage {

Verdict EchoStage::on_data(DataExchange& exchange) {
  // A peer that does not read is closed by its outbox's limit; nobody is waiting for anything else here.
  static_cast<void>(exchange.send(exchange.bytes(), exchange.is_text()));
  return Verdict::handled;
}

}  // namespace sipwsd::stage
