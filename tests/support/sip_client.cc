#include "tests/support/sip_client.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "sipwsd/bytes.h"

namespace sipwsd::test {
namespace {

std::string unique(std::string_view prefix) {
  static unsigned count = 0;
  return std::string(prefix) + std::to_string(getpid()) + "." + std::to_string(++count);
}

bool makes_dialog(std::string_view method) { return method == "INVITE" || method == "SUBSCRIBE" || method == "REFER"; }

}  // namespace

SipMessage SipMessage::parse(std::string_view text) {
  SipMessage message;
  const auto end = text.find("\r\n\r\n");
  std::string_view head = text.substr(0, end);
  if (end != std::string_view::npos) message.body = text.substr(end + 4);
  bool first = true;
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    if (std::exchange(first, false)) {
      message.start_line = line;
      continue;
    }
    const auto colon = line.find(':');
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    message.headers.emplace_back(line.substr(0, colon), value);
  }
  return message;
}

int SipMessage::status() const {
  return start_line.starts_with("SIP/2.0 ") ? std::atoi(start_line.c_str() + 8) : 0;
}

std::string SipMessage::method() const {
  if (status() == 0) return start_line.substr(0, start_line.find(' '));
  const auto cseq = header("CSeq");
  return cseq.substr(cseq.find(' ') + 1);
}

std::string SipMessage::uri() const {
  const auto from = start_line.find(' ') + 1;
  return start_line.substr(from, start_line.rfind(' ') - from);
}

std::string SipMessage::header(std::string_view name) const {
  for (const auto& [n, value] : headers)
    if (equals_nocase(n, name)) return value;
  return {};
}

std::vector<std::string> SipMessage::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [n, value] : headers)
    if (equals_nocase(n, name)) values.push_back(value);
  return values;
}

std::string parameter(std::string_view value, std::string_view name) {
  const std::string key = ";" + std::string(name) + "=";
  const auto at = value.rfind(key);
  if (at == std::string_view::npos) return {};
  value.remove_prefix(at + key.size());
  return std::string(value.substr(0, value.find_first_of(";,> ")));
}

std::string uri_in(std::string_view name_addr) {
  const auto open = name_addr.find('<');
  if (open == std::string_view::npos) return std::string(name_addr.substr(0, name_addr.find(';')));
  return std::string(name_addr.substr(open + 1, name_addr.find('>') - open - 1));
}

// --- SipClient -------------------------------------------------------------------------------------------------------

SipClient SipClient::in_worker(TestServer& server, pid_t worker, std::string user) {
  // The kernel chooses by the client's port; sooner or later it chooses this one.
  for (int attempt = 0; attempt < 200; ++attempt) {
    auto ws = WsClient::open(server.port());
    if (server.owner_of(ws.local_port()) == worker) return {std::move(ws), std::move(user)};
  }
  throw Disappointed("no connection came to process " + std::to_string(worker));
}

SipRequest SipClient::make(std::string method, std::string uri) const {
  SipRequest request;
  request.method = std::move(method);
  request.uri = std::move(uri);
  request.from = "<" + aor() + ">;tag=" + tag();
  request.to = "<" + request.uri + ">";
  request.call_id = unique("call-" + user + "-");
  request.branch = unique("z9hG4bK-" + user + "-");
  if (makes_dialog(request.method)) request.headers.push_back("Contact: <" + contact() + ">");
  return request;
}

std::string SipClient::text(const SipRequest& r) const {
  std::string out = r.method + " " + r.uri + " SIP/2.0\r\nVia: SIP/2.0/WS " + user + ".invalid;branch=" + r.branch +
                    "\r\nMax-Forwards: 70\r\nFrom: " + r.from + "\r\nTo: " + r.to + "\r\nCall-ID: " + r.call_id +
                    "\r\nCSeq: " + std::to_string(r.cseq) + " " + r.method + "\r\n";
  for (const auto& line : r.headers) out += line + "\r\n";
  return out + "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n" + r.body;
}

SipMessage SipClient::receive() {
  const Frame frame = ws.receive();
  if (!frame.is_text() && !frame.is_binary()) throw Disappointed("a control frame came, not a SIP message");
  auto message = SipMessage::parse(frame.payload);
  message.came_as_text = frame.is_text();
  return message;
}

SipMessage SipClient::receive_request(std::string_view method) {
  auto message = receive();
  if (message.status() != 0 || message.method() != method)
    throw Disappointed(user + " waits for " + std::string(method) + ", but there came: " + message.start_line);
  return message;
}

SipMessage SipClient::receive_response(int status) {
  auto message = receive();
  if (message.status() != status)
    throw Disappointed(user + " waits for " + std::to_string(status) + ", but there came: " + message.start_line);
  return message;
}

SipMessage SipClient::ask(const SipRequest& request) {
  send(request);
  for (;;) {
    auto message = receive();
    if (message.status() >= 200) return message;
    if (message.status() == 0) throw Disappointed(user + " waits for a response, but there came: " + message.start_line);
  }
}

void SipClient::respond(const SipMessage& request, int status, std::string_view reason, std::vector<std::string> headers,
                        std::string_view body) {
  std::string out = "SIP/2.0 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
  for (const auto& [name, value] : request.headers) {
    const bool is_to = equals_nocase(name, "To");
    if (!is_to && !equals_nocase(name, "Via") && !equals_nocase(name, "From") && !equals_nocase(name, "Call-ID") &&
        !equals_nocase(name, "CSeq") && !equals_nocase(name, "Record-Route"))
      continue;
    out += name + ": " + value;
    if (is_to && status > 100 && parameter(value, "tag").empty()) out += ";tag=" + tag();
    out += "\r\n";
  }
  if (makes_dialog(request.method()) && status > 100 && status < 300) out += "Contact: <" + contact() + ">\r\n";
  for (const auto& line : headers) out += line + "\r\n";
  ws.send_text(out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
}

SipRequest SipClient::registration(const std::vector<std::string>& contacts, unsigned expires) const {
  static unsigned cseq = 0;
  auto request = make("REGISTER", "sip:example.org");
  request.to = "<" + aor() + ">";
  request.cseq = ++cseq;
  for (const auto& one : contacts) request.headers.push_back("Contact: " + one);
  request.headers.push_back("Expires: " + std::to_string(expires));
  request.headers.emplace_back("Supported: path, gruu, outbound");
  return request;
}

SipMessage SipClient::register_contact(std::string_view contact_parameters, unsigned expires) {
  auto response = ask(registration({"<" + contact() + ">" + std::string(contact_parameters)}, expires));
  if (response.status() != 200) throw Disappointed(user + " can't register: " + response.start_line);
  return response;
}

SipRequest SipClient::invite(std::string uri) const {
  auto request = make("INVITE", std::move(uri));
  request.headers.emplace_back("Content-Type: application/sdp");
  request.body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
  return request;
}

SipDialog SipClient::dialog_of(const SipRequest& invite, const SipMessage& response) {
  SipDialog dialog{invite.call_id, invite.from, response.header("To"), uri_in(response.header("Contact")),
                   response.all("Record-Route"), invite.cseq};
  std::reverse(dialog.route.begin(), dialog.route.end());
  return dialog;
}

SipDialog SipClient::dialog_of(const SipMessage& invite) const {
  return {invite.header("Call-ID"), invite.header("To") + ";tag=" + tag(), invite.header("From"),
          uri_in(invite.header("Contact")), invite.all("Record-Route"), 100};
}

SipRequest SipClient::within(SipDialog& dialog, std::string method) const {
  auto request = make(std::move(method), dialog.remote_target);
  request.from = dialog.local;
  request.to = dialog.remote;
  request.call_id = dialog.call_id;
  request.cseq = request.method == "ACK" ? dialog.cseq : ++dialog.cseq;
  for (const auto& route : dialog.route) request.headers.push_back("Route: " + route);
  return request;
}

}  // namespace sipwsd::test
