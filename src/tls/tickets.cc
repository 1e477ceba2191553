#include "src/tls/tickets.h"

#include "src/tls/context_state.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace sipwsd::tls {
namespace {

// What the callback may answer (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)).
constexpr int failed = -1, no_ticket = 0, good = 1, good_but_renew = 2;

// Fetched once: looking an algorithm up by name costs more than the sealing.
const EVP_CIPHER* cipher() {
  static EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return aes;
}

bool use_mac(EVP_MAC_CTX* mac, shm::TicketKey& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac_key.data(), key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int seal(shm::TicketKey& key, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* aes, EVP_MAC_CTX* mac) {
  std::copy(key.name.begin(), key.name.end(), name);
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher())) != 1) return failed;
  return EVP_EncryptInit_ex(aes, cipher(), nullptr, key.cipher_key.data(), iv) == 1 && use_mac(mac, key) ? good : failed;
}

// In TLS 1.3 a ticket is used once (RFC 8446 C.4), so a resumption always brings the next one.
int open(const SSL* ssl, shm::TicketKeys::Pair& keys, const unsigned char* name, const unsigned char* iv,
         EVP_CIPHER_CTX* aes, EVP_MAC_CTX* mac) {
  const auto is_named = [&](const shm::TicketKey& key) {
    return key.created != 0 && std::memcmp(name, key.name.data(), key.name.size()) == 0;
  };
  shm::TicketKey* key = is_named(keys.current) ? &keys.current : is_named(keys.previous) ? &keys.previous : nullptr;
  if (key == nullptr) return no_ticket;
  if (EVP_DecryptInit_ex(aes, cipher(), nullptr, key->cipher_key.data(), iv) != 1 || !use_mac(mac, *key)) return failed;
  return key == &keys.current && SSL_version(ssl) < TLS1_3_VERSION ? good : good_but_renew;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* aes, EVP_MAC_CTX* mac, int is_sealing) {
  const shm::TicketKeys& shared = handshake_of(ssl).state->tickets;
  shm::TicketKeys::Pair keys = shared.read();
  const int answer = is_sealing != 0 ? seal(keys.current, name, iv, aes, mac) : open(ssl, keys, name, iv, aes, mac);
  OPENSSL_cleanse(&keys, sizeof keys);
  return answer;
}

}  // namespace

void use_shared_tickets(SSL_CTX* context) { SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket); }

}  // namespace sipwsd::tls
