#include "src/tls/pem.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <ctime>

namespace sipwsd::tls {
namespace {

Bio reading(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Without a callback OpenSSL asks at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// Most often it is there, in the other form.
Error absent(const std::string& what, const std::string& converter) {
  return {Errc::malformed, "it holds no " + what + " in PEM form; name a file that does, or make one: openssl " + converter +
                               " -inform DER -in FILE -out NEW"};
}

template <typename Handle, typename Read>
Result<std::vector<Handle>> read_all(std::string_view pem, Read read, const char* what, const char* converter) {
  const Bio bio = reading(pem);
  std::vector<Handle> all;
  ERR_clear_error();
  while (Handle one{read(bio.get(), nullptr, no_passphrase, nullptr)}) all.push_back(std::move(one));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = take_error();
  if (!at_end) return Error{Errc::malformed, "number " + std::to_string(all.size() + 1) + " in it is broken: " + why};
  if (all.empty()) return absent(what, converter);
  return all;
}

std::string printed(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string address(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(bytes) != 16) return {};
  inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

}  // namespace

Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  return read_all<Certificate>(pem, PEM_read_bio_X509, "certificate", "x509");
}

Result<std::vector<Crl>> read_crls(std::string_view pem) { return read_all<Crl>(pem, PEM_read_bio_X509_CRL, "CRL", "crl"); }

Result<PrivateKey> read_private_key(std::string_view pem) {
  const Bio bio = reading(pem);
  ERR_clear_error();
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key) return key;
  const bool is_encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
  const bool is_absent = pem.find("PRIVATE KEY-----") == std::string_view::npos;
  const std::string why = take_error();
  if (is_encrypted) return Error{Errc::malformed, "the key has a passphrase; write it without one: openssl pkey -in FILE -out NEW"};
  if (is_absent) return absent("private key", "pkey");
  return Error{Errc::malformed, "the key is broken: " + why};
}

Result<Staple> read_staple(const std::string& der, X509* certificate, X509* issuer) {
  ERR_clear_error();
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const OcspResponse response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  if (!response) return Error{Errc::malformed, "it is no OCSP response in DER form: " + take_error()};
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return Error{Errc::malformed, std::string("the responder said ") +
                                      OCSP_response_status_str(OCSP_response_status(response.get()))};
  const OcspBasic basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return Error{Errc::malformed, "it is no basic OCSP response: " + take_error()};
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), i);
    const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(single);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(id));
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0) continue;
    if (issuer != nullptr) {
      ASN1_OBJECT* digest = nullptr;
      OCSP_id_get0_info(nullptr, &digest, nullptr, nullptr, const_cast<OCSP_CERTID*>(id));
      const OcspId expected(OCSP_cert_to_id(EVP_get_digestbyobj(digest), certificate, issuer));
      if (!expected || OCSP_id_cmp(expected.get(), id) != 0) continue;
    }
    ASN1_GENERALIZEDTIME *this_update = nullptr, *next_update = nullptr;
    const int status = OCSP_single_get0_status(single, nullptr, nullptr, &this_update, &next_update);
    if (status != V_OCSP_CERTSTATUS_GOOD)
      return Error{Errc::refused, std::string("it says that the certificate is ") + OCSP_cert_status_str(status)};
    return Staple{next_update == nullptr ? unix_seconds(this_update) + 86'400 : unix_seconds(next_update)};
  }
  return Error{Errc::not_found, "it is about another certificate"};
}

std::string subject_of(const X509* certificate) { return printed(X509_get_subject_name(certificate)); }
std::string issuer_of(const X509* certificate) { return printed(X509_get_issuer_name(certificate)); }

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS)
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    if (name->type == GEN_IPADD) names.push_back(address(name->d.iPAddress));
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::string key_type_of(const X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unknown";
  char group[64] = "";
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
    return std::string(EVP_PKEY_get0_type_name(key)) + " " + std::to_string(bits);
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return "ECDSA " + std::to_string(bits);
  const std::string_view name(group, size);
  if (name == "prime256v1") return "ECDSA P-256";
  if (name == "secp384r1") return "ECDSA P-384";
  return "ECDSA " + std::string(name);
}

std::int64_t unix_seconds(const ASN1_TIME* at) {
  std::tm calendar{};
  return ASN1_TIME_to_tm(at, &calendar) == 1 ? static_cast<std::int64_t>(timegm(&calendar)) : 0;
}

}  // namespace sipwsd::tls
