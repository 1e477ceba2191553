#include "tests/conformance/daemons.h"

#include <map>
#include <vector>

#include "tests/support/certificates.h"

namespace sipwsd::test::conformance {
namespace {

// One certificate for all daemons.
const IssuedCertificate& certificate() {
  static const CertificateAuthority authority;
  static const IssuedCertificate issued = authority.issue();
  return issued;
}

std::vector<std::string> flags_of(Profile profile) {
  std::vector<std::string> flags{"--server-header", "Product", "--listen", "wss:127.0.0.1:0", "--tls-certificate", certificate().file,
                                 "--tls-private-key", certificate().key_file};
  const auto add = [&](std::vector<std::string> more) { flags.insert(flags.end(), more.begin(), more.end()); };
  switch (profile) {
    case Profile::echo: add({"--stage", "echo"}); break;
    case Profile::edge: add({"--stage", "edge", "--auth-mode", "none"}); break;
    case Profile::guarded:
      add({"--stage", "edge", "--allowed-origins", "https://*.example.org", "--allowed-origins", "http://localhost:3000",
           "--no-allow-no-origin", "--ws-path", "/ws"});
      break;
    case Profile::open_to_pages: add({"--stage", "edge", "--cors-mode", "2"}); break;
    case Profile::deflate: add({"--stage", "echo", "--deflate", "--deflate-min-size", "1"}); break;
    case Profile::deflate_takeover: add({"--stage", "echo", "--deflate", "--deflate-min-size", "1", "--deflate-context-takeover"}); break;
    case Profile::deflate_small: add({"--stage", "echo", "--deflate", "--deflate-min-size", "1", "--deflate-window-bits", "10"}); break;
  }
  return flags;
}

std::map<Profile, std::unique_ptr<Daemon>>& started() {
  static std::map<Profile, std::unique_ptr<Daemon>> daemons;
  return daemons;
}

}  // namespace

Daemon::Daemon(Profile profile) : profile_(profile), server_(1, flags_of(profile)), worker_(server_.process("worker 0")) {}

WsClient Daemon::connect(Transport transport) {
  if (transport == Transport::ws) return WsClient(server_.port());
  return WsClient::connect(server_.tls_port(), TlsOptions{.session = session_});
}

void Daemon::remember(const WsClient& client) {
  if (session_.empty()) session_ = client.tls().session();
}

WsClient::Offer Daemon::offer() const {
  if (profile_ == Profile::guarded) return {.target = "/ws", .headers = {"Origin: https://phone.example.org"}};
  return {};
}

// A double CRLF and not a Ping: of those a client may send ten a second.
void Daemon::settle() {
  if (!bystander_) bystander_.emplace(WsClient::open(server_.port(), offer()));
  bystander_->send_text("\r\n\r\n");
  bystander_->receive();
}

bool Daemon::end_well() {
  bystander_.reset();  // it would not answer the Close
  const bool unharmed = server_.process("worker 0") == worker_;
  return server_.stop() == 0 && unharmed;
}

Daemon& daemon(Profile profile) {
  const auto found = started().find(profile);
  return found != started().end() ? *found->second : *started().emplace(profile, std::make_unique<Daemon>(profile)).first->second;
}

bool stop_daemons() {
  bool good = true;
  for (auto& [profile, one] : started()) {
    good = one->end_well() && good;
  }
  started().clear();
  return good;
}

}  // namespace sipwsd::test::conformance
