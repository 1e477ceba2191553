// links: tls config http cfg shm os base
// Any bytes at a TLS server. The first byte chooses how: with bit 0 the rest is what a stranger sends, cut into pieces;
// without it the rest changes bytes of a conversation between our own client and server: who sends it, where, and what.

#include "src/tls/session.h"

#include "src/tls/openssl_handles.h"

#include <openssl/pem.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Write>
std::string text_of(Write write) {
  const tls::Bio bio(BIO_new(BIO_s_mem()));
  require(write(bio.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

tls::Material material() {
  const tls::PrivateKey key(EVP_EC_gen("P-256"));
  const tls::Certificate certificate(X509_new());
  X509_set_pubkey(certificate.get(), key.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  const std::string pem = text_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
  tls::ProfileMaterial server;
  server.profile.certificate = {"cert.pem"};
  server.profile.verify_certificate = true;  // so that a client's certificate is read too
  server.identities.push_back({tls::Secret(pem),
                               tls::Secret(text_of([&](BIO* bio) {
                                 return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                               })),
                               {}});
  server.ca_list = pem;
  tls::ProfileMaterial client = server;
  client.profile.side = config::TlsProfile::Side::client;
  client.profile.verify_certificate = false;
  return {{server, client}, std::chrono::hours{1}};
}

const tls::Contexts& contexts() {
  static const tls::Contexts made = [] {
    auto contexts = tls::Contexts::make(material(), {});
    require(static_cast<bool>(contexts));
    return *std::move(contexts);
  }();
  return made;
}

tls::Session server() {
  auto session = tls::Session::accept(contexts(), {});
  require(static_cast<bool>(session));
  return *std::move(session);
}

// Everything a session promises, whatever it is fed.
tls::Progress feed(tls::Session& session, ByteView wire, std::size_t room, std::string& out) {
  std::vector<std::byte> buffer(room);
  const auto before = session.state();
  auto progress = session.feed(wire, buffer, out);
  for (int turns = 0; progress.more; ++turns) {
    require(turns < 100'000);
    progress = session.feed({}, buffer, out);
  }
  require(progress.plain <= room);
  require((progress.state == tls::State::failed) == (progress.failure != tls::Failure::none));
  require(progress.state != tls::State::failed || !progress.why.empty());
  require(before < tls::State::closed || progress.state == before);
  require(session.held() == 0);
  require(ERR_peek_error() == 0);
  return progress;
}

void stranger(ByteView bytes, std::size_t piece) {
  tls::Session session = server();
  std::string out;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(now.size());
    const auto progress = feed(session, now, 1 + piece, out);
    require(progress.state != tls::State::open);  // nobody guesses a Finished
  }
  session.close(out);
  require(out.size() < 64 * 1024);
}

// Changes of the conversation: three bytes each, where (two bytes, the lowest bit is the direction) and what.
class Changes {
 public:
  explicit Changes(ByteView bytes) : bytes_(bytes) {}
  std::string apply(std::string wire, std::size_t& passed, unsigned direction) const {
    for (std::size_t i = 0; i + 3 <= bytes_.size(); i += 3) {
      const unsigned where = std::to_integer<unsigned>(bytes_[i]) << 8 | std::to_integer<unsigned>(bytes_[i + 1]);
      const std::size_t at = where >> 1;
      if ((where & 1) == direction && at >= passed && at - passed < wire.size())
        wire[at - passed] = static_cast<char>(wire[at - passed] ^ std::to_integer<char>(bytes_[i + 2]));
    }
    passed += wire.size();
    return wire;
  }

 private:
  ByteView bytes_;
};

void conversation(const Changes& changes) {
  tls::Session to = server();
  auto connected = tls::Session::connect(contexts(), {}, "example.org");
  require(static_cast<bool>(connected));
  tls::Session from = *std::move(connected);
  std::string sent, answered;
  std::size_t sent_bytes = 0, answered_bytes = 0;
  feed(from, {}, 100, sent);
  for (int turn = 0; turn < 20 && !(sent.empty() && answered.empty()); ++turn) {
    const std::string there = changes.apply(std::exchange(sent, {}), sent_bytes, 0);
    feed(to, as_bytes(there), 100, answered);
    if (turn == 5) static_cast<void>(to.write("data", answered));
    const std::string back = changes.apply(std::exchange(answered, {}), answered_bytes, 1);
    feed(from, as_bytes(back), 100, sent);
    if (turn == 3) static_cast<void>(from.write("data", sent));
    if (turn == 4) from.close(sent);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const ByteView rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  if ((data[0] & 1) != 0)
    stranger(rest, 1 + (data[0] >> 1) * 37u);
  else
    conversation(Changes(rest));
  return 0;
}
