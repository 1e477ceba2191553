#pragma once
// PEM and DER texts to OpenSSL's objects, and what can be said about them. For the .cc files of this folder only.

#include "sipwsd/result.h"

#include "src/tls/openssl_handles.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::tls {

// All of them in a text; malformed when one is broken or there is none.
Result<std::vector<Certificate>> read_certificates(std::string_view pem);
Result<std::vector<Crl>> read_crls(std::string_view pem);
// Never asks for a passphrase.
Result<PrivateKey> read_private_key(std::string_view pem);

// Whether an OCSP response says `good` about the certificate, and until when.
struct Staple {
  std::int64_t until = 0;  // Unix seconds of its next update
};
Result<Staple> read_staple(const std::string& der, X509* certificate, X509* issuer);

std::string subject_of(const X509* certificate);  // RFC 2253
std::string issuer_of(const X509* certificate);
std::vector<std::string> names_of(X509* certificate);
std::string key_type_of(const X509* certificate);
std::int64_t unix_seconds(const ASN1_TIME* at);

}  // namespace sipwsd::tls
