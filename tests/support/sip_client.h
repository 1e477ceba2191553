#pragma once
// A SIP client over WebSocket (RFC 7118), for tests: says what a test tells it to, in the shape JsSIP and SIP.js use, and
// shows what came as text cut into headers. No transactions, no retransmissions, nothing of the daemon's codec.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {

struct SipMessage {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool came_as_text = true;

  static SipMessage parse(std::string_view text);
  [[nodiscard]] int status() const;           // 0: a request
  [[nodiscard]] std::string method() const;   // of a response: the CSeq's
  [[nodiscard]] std::string uri() const;
  [[nodiscard]] std::string header(std::string_view name) const;  // the first; empty when there is none
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
};
// ";tag=x" -> x
std::string parameter(std::string_view header_value, std::string_view name);
std::string uri_in(std::string_view name_addr);

struct SipRequest {
  std::string method, uri, from, to, call_id, branch;
  unsigned cseq = 1;
  std::vector<std::string> headers;  // whole lines
  std::string body;
};

// What an end knows of its dialog (RFC 3261 12).
struct SipDialog {
  std::string call_id, local, remote, remote_target;
  std::vector<std::string> route;
  unsigned cseq = 1;
};

class SipClient {
 public:
  SipClient(std::uint16_t port, std::string user) : SipClient(WsClient::open(port), std::move(user)) {}
  SipClient(WsClient ws, std::string user) : ws(std::move(ws)), user(std::move(user)) {}
  // On a connection that this worker's process owns.
  static SipClient in_worker(TestServer& server, pid_t worker, std::string user);

  [[nodiscard]] std::string aor() const { return "sip:" + user + "@example.org"; }
  [[nodiscard]] std::string contact() const { return "sip:" + user + "@" + user + ".invalid;transport=ws"; }

  [[nodiscard]] SipRequest make(std::string method, std::string uri) const;
  [[nodiscard]] std::string text(const SipRequest& request) const;
  void send(const SipRequest& request) { ws.send_text(text(request)); }
  // Sends it and takes the final response, which must be the next thing but provisional ones.
  SipMessage ask(const SipRequest& request);

  SipMessage receive();
  SipMessage receive_request(std::string_view method);  // throws when something else comes
  SipMessage receive_response(int status);
  void respond(const SipMessage& request, int status, std::string_view reason, std::vector<std::string> headers = {},
               std::string_view body = {});

  // REGISTER with our Contact; `contact_parameters` begin with a semicolon. Throws unless 200.
  SipMessage register_contact(std::string_view contact_parameters = {}, unsigned expires = 600);
  [[nodiscard]] SipRequest registration(const std::vector<std::string>& contacts, unsigned expires) const;

  // INVITE to another one, with an offer.
  [[nodiscard]] SipRequest invite(std::string uri) const;
  // The caller's dialog after `response`, the called one's after it has answered `invite`.
  [[nodiscard]] static SipDialog dialog_of(const SipRequest& invite, const SipMessage& response);
  [[nodiscard]] SipDialog dialog_of(const SipMessage& invite) const;
  [[nodiscard]] SipRequest within(SipDialog& dialog, std::string method) const;

  WsClient ws;
  std::string user;

 private:
  [[nodiscard]] std::string tag() const { return "tag-of-" + user; }
};

}  // namespace sipwsd::test
