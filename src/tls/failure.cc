#include "src/tls/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

namespace sipwsd::tls {
namespace {

constexpr std::array negotiation{
    SSL_R_NO_SHARED_CIPHER, SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH,
    SSL_R_UNKNOWN_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
    SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_INAPPROPRIATE_FALLBACK,
    SSL_R_NO_CIPHERS_SPECIFIED, SSL_R_CALLBACK_FAILED /* no such server_name */,
    SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY,
    SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, SSL_R_TLSV1_UNRECOGNIZED_NAME};

constexpr std::array certificate{
    SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CA_KEY_TOO_SMALL, SSL_R_EE_KEY_TOO_SMALL,
    SSL_R_CA_MD_TOO_WEAK, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
    SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
    SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_SSLV3_ALERT_NO_CERTIFICATE, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
    SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, SSL_R_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE};

}  // namespace

Classified failure_of(unsigned long code) {
  const char* words = ERR_reason_error_string(code);
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const auto is_in = [&](const auto& family) { return std::find(family.begin(), family.end(), reason) != family.end(); };
  Failure what = Failure::protocol;
  if (is_in(negotiation)) what = Failure::negotiation;
  if (is_in(certificate)) what = Failure::certificate;
  return {what, words == nullptr ? "unknown error" : words};
}

shm::Counter counter_of(Failure failure) noexcept {
  switch (failure) {
    case Failure::no_tls: return shm::Counter::tls_failures_no_tls;
    case Failure::negotiation: return shm::Counter::tls_failures_negotiation;
    case Failure::certificate: return shm::Counter::tls_failures_certificate;
    case Failure::flood: return shm::Counter::tls_failures_flood;
    case Failure::none:
    case Failure::protocol: break;
  }
  return shm::Counter::tls_failures_protocol;
}

}  // namespace sipwsd::tls
