#pragma once
// The pluggable routing stage: completed messages are handed to it, it answers with a Verdict. Stages form a chain;
// a message nobody handles gets the default reply. All calls come from the worker that owns the connection, one at a
// time; an exception that leaves a stage is a 500 for that request and a line in the log, never the end of the worker.

#include <string_view>

#include "sipwsd/exchange.h"
#include "sipwsd/verdict.h"

namespace sipwsd {

class RoutingStage {
 public:
  virtual ~RoutingStage() = default;
  virtual std::string_view name() const noexcept = 0;

  // May a client connect without offering a sub-protocol this daemon knows?
  virtual bool needs_sub_protocol() const noexcept { return true; }
  // Data messages as they came. `next` hands them to the SIP or MSRP layer.
  virtual Verdict on_data(DataExchange&) { return Verdict::next; }

  virtual Verdict on_http(HttpExchange&) { return Verdict::next; }  // default: accept_websocket()
  virtual Verdict on_request(RequestExchange&) { return Verdict::next; }
  virtual Verdict on_reply(ReplyExchange&) { return Verdict::next; }
  virtual void on_closed(const ClosedConnection&) {}
};

}  // namespace sipwsd
