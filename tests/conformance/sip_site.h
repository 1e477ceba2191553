#pragma once
// The daemons the SIP rows are put to, with a listener of every transport, and the callee of SipProfile::proxy. One worker
// each, as in daemons.h.

#include <map>
#include <optional>
#include <string>

#include "tests/conformance/sip_peer.h"
#include "tests/conformance/sip_row.h"
#include "tests/support/test_server.h"

namespace sipwsd::test::conformance {

class SipSite {
 public:
  explicit SipSite(SipProfile profile);

  // `port`: SipRow::sent_by_port.
  SipPeer connect(SipTransport transport, std::uint16_t port);
  // The next connection over this transport resumes its TLS session.
  void remember(SipTransport transport, const SipPeer& peer);

  // The request that came to the callee; nothing when something else came, or the end.
  std::optional<std::string> callee_receives();
  void callee_says(const std::string& message);
  // Everything the daemon had for the callee is there.
  [[nodiscard]] bool callee_has_heard_something();

  bool end_well();
  TestServer& server() { return server_; }

 private:
  TestServer server_;
  pid_t worker_;
  std::map<SipTransport, TlsSession> sessions_;
  std::optional<WsClient> callee_;
};

SipSite& sip_site(SipProfile profile);
// Ends those that were started; false when one did not end well.
bool stop_sip_sites();

}  // namespace sipwsd::test::conformance
