#pragma once
// Puts a SIP row to its daemon over one transport, cut in one way, and says what was wrong; empty when nothing was. What
// comes back is held against the row and against what any response and any copy must be (raw_message.h).

#include <string>
#include <vector>

#include "tests/conformance/sip_peer.h"
#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {

std::vector<SipCut> cuts_for(SipTransport transport);
std::string run(const SipRow& row, SipTransport transport, SipCut cut);

}  // namespace sipwsd::test::conformance
