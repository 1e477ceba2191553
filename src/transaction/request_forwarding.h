#pragma once
// A request on its way on (RFC 3261 16.6): what every copy changes, and the bytes of one copy. The same input gives
// the same bytes, so a retransmission, or the CANCEL and the ACK that must have the Via and the Routes of the request
// (9.1, 17.1.1.3), is made out of the kept request when it is needed, and nothing that was sent need be kept.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sipwsd/endpoint.h"
#include "sipwsd/exchange.h"
#include "src/sip/message.h"
#include "src/sip/output_buffer.h"
#include "src/sip/via.h"
#include "src/transaction/branch.h"

namespace sipwsd::transaction {

struct ForwardOptions;

// What is particular to the copy for one target: 16.6 steps 2, 4, 6. The line texts have CRLFs (header_lines.h).
struct TargetTexts {
  std::string_view request_uri;
  std::string_view prepend;  // the Routes of the target, topmost first
  std::string_view append;
  std::size_t consumed_routes = 0;
  std::string_view consumed_realm = {};
};

struct ForwardedCopy {
  TargetTexts target;
  TransportProtocol transport = TransportProtocol::none;
  std::string_view sent_by;
  std::string_view outfit;  // below our Via: Record-Route, Path
  bool alias = false;
  BranchText branch;
  std::uint8_t max_forwards = 0;
  std::uint8_t max_breadth = 0;  // 0: left alone
};

// Keeps its working memory, so that a copy in steady state allocates nothing.
class RequestForwarding {
 public:
  // Views into the arguments and into this object; valid until the next call. A next hop that is a strict router (no
  // lr) gets its own URI as Request-URI and the real one as the last Route (16.6 step 6).
  [[nodiscard]] TargetTexts texts_for(const sip::MessageView& request, const Target& target,
                                      const ForwardOptions& options);
  // Appends one copy of the request to `out`. `topmost_via` is the request's; `source` is where it came from.
  void write(const sip::MessageView& request, const sip::Via& topmost_via, const Endpoint& source,
             const ForwardedCopy& copy, sip::OutputBuffer& out);

 private:
  std::string prepend_, append_, via_;
};

}  // namespace sipwsd::transaction
