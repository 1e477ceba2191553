#pragma once
// The daemons the table is put to: one of each profile, started when it is first asked for, alive until the program ends.
// One worker each, so that what was sent first is read first, whichever connection it came on.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/conformance/row.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test::conformance {

enum class Transport { ws, wss };

class Daemon {
 public:
  explicit Daemon(Profile profile);

  WsClient connect(Transport transport);
  // The next wss connections resume the session of this one: most of a full handshake is no news to anybody.
  void remember(const WsClient& client);
  // What a client of this profile asks for, to be let in.
  [[nodiscard]] WsClient::Offer offer() const;
  // When this returns, everything sent to the daemon before has been read and what it answers at once has been written.
  void settle();
  // False when its worker is not the one it started with, or its exit code is not 0.
  bool end_well();
  TestServer& server() { return server_; }

 private:
  Profile profile_;
  TestServer server_;
  pid_t worker_;
  std::optional<WsClient> bystander_;
  TlsSession session_;
};

Daemon& daemon(Profile profile);
// Ends those that were started; false when one did not end well.
bool stop_daemons();

}  // namespace sipwsd::test::conformance
