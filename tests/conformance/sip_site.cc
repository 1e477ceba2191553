#include "tests/conformance/sip_site.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/conformance/raw_message.h"
#include "tests/support/certificates.h"

namespace sipwsd::test::conformance {
namespace {

const IssuedCertificate& certificate() {
  static const CertificateAuthority authority;
  static const IssuedCertificate issued = authority.issue();
  return issued;
}

// The domains of the RFCs' messages.
constexpr std::array domains{"example.com",          "example.net",       "example.org",   "company.com", "chair-dnrc.example.com",
                             "services.example.com", "registrar.example.com", "[2001:db8::10]", "[2001:db8::10:5070]"};
// The users there whom the callee is registered for; escaped as the RFCs have them.
constexpr std::array users{"user@example.com",  "joe@example.com",      "UserB@example.com",      "vivekg@chair-dnrc.example.com",
                           "user@company.com",  "kumiko@example.org",   "user@[2001:db8::10]",    "sips%3Auser%40example.com@example.net",
                           "user;par=u%40example.net@example.com", "remote-target@example.com", "t.watson@example.org",
                           "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com"};

std::vector<std::string> flags() {
  std::vector<std::string> out{"--stage", "edge", "--auth-mode", "none", "--tls-certificate", certificate().file, "--tls-private-key",
                               certificate().key_file};
  for (const char* listener : {"wss", "tcp", "tls", "udp"}) {
    out.emplace_back("--listen");
    out.push_back(std::string(listener) + ":127.0.0.1:0");
  }
  for (const char* domain : domains) {
    out.emplace_back("--alias");
    out.emplace_back(domain);
  }
  return out;
}

WsClient registered_callee(std::uint16_t port) {
  auto callee = WsClient::open(port);
  int count = 0;
  for (const std::string user : users) {
    const std::string domain = user.substr(user.rfind('@') + 1);
    const std::string number = std::to_string(++count);
    callee.send_text("REGISTER sip:" + domain + " SIP/2.0\r\nVia: SIP/2.0/WS callee.invalid;branch=z9hG4bKcallee" + number +
                     "\r\nMax-Forwards: 70\r\nFrom: <sip:" + user + ">;tag=1\r\nTo: <sip:" + user + ">\r\nCall-ID: callee" + number +
                     "\r\nCSeq: 1 REGISTER\r\nContact: <sip:callee@callee.invalid;transport=ws>\r\nExpires: 3600\r\n\r\n");
    const auto reply = callee.receive().payload;
    if (RawMessage(reply).status() != 200) throw std::runtime_error("the callee can't register as " + user + ": " + reply);
  }
  return callee;
}

std::map<SipProfile, std::unique_ptr<SipSite>>& started() {
  static std::map<SipProfile, std::unique_ptr<SipSite>> sites;
  return sites;
}

}  // namespace

SipSite::SipSite(SipProfile profile) : server_(1, flags()), worker_(server_.process("worker 0")) {
  if (profile == SipProfile::proxy) callee_.emplace(registered_callee(server_.port()));
}

SipPeer SipSite::connect(SipTransport transport, std::uint16_t port) {
  return {transport, server_.port_of(name_of(transport)), port, sessions_[transport]};
}

void SipSite::remember(SipTransport transport, const SipPeer& peer) {
  if (sessions_[transport].empty()) sessions_[transport] = peer.session();
}

std::optional<std::string> SipSite::callee_receives() {
  const auto frame = callee_.value().receive_or_end();
  if (!frame || (!frame->is_text() && !frame->is_binary())) return std::nullopt;
  return frame->payload;
}

void SipSite::callee_says(const std::string& message) { callee_.value().send_binary(message); }

bool SipSite::callee_has_heard_something() { return callee_ && callee_->has_something_within(std::chrono::milliseconds(0)); }

bool SipSite::end_well() {
  callee_.reset();
  const bool unharmed = server_.process("worker 0") == worker_;
  return server_.stop() == 0 && unharmed;
}

SipSite& sip_site(SipProfile profile) {
  auto& site = started()[profile];
  if (!site) site = std::make_unique<SipSite>(profile);
  return *site;
}

bool stop_sip_sites() {
  bool good = true;
  for (auto& [profile, site] : started()) good = site->end_well() && good;
  started().clear();
  return good;
}

}  // namespace sipwsd::test::conformance
