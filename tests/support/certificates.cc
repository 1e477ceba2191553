#include "tests/support/certificates.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace sipwsd::test {
namespace {

template <auto free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Crl = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Time = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;

void require(bool condition, const char* what) {
  if (condition) return;
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  throw std::runtime_error(std::string(what) + ": " + (reason == nullptr ? "failed" : reason));
}

Key make_key(KeyType type) {
  Key key(type == KeyType::ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
  require(key != nullptr, "key");
  return key;
}

template <typename Write>
std::string text_of(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(write(bio.get()) == 1, "writing");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Time from_now(std::int64_t seconds) {
  return Time(ASN1_TIME_adj(nullptr, std::time(nullptr), 0, static_cast<long>(seconds)));
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
}

bool is_address(const std::string& name) {
  in6_addr any{};
  return inet_pton(AF_INET, name.c_str(), &any) == 1 || inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

std::uint64_t random_serial() {
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  return serial >> 1 | 1;
}

// Everything but what makes it a leaf or an authority, and the signature.
Certificate draft(EVP_PKEY* key, const std::string& common_name, const X509* issuer, std::uint64_t serial,
                  std::int64_t valid_from, std::int64_t valid_until) {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial);
  X509_set1_notBefore(made.get(), from_now(valid_from).get());
  X509_set1_notAfter(made.get(), from_now(valid_until).get());
  set_name(X509_get_subject_name(made.get()), common_name);
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
  X509_set_pubkey(made.get(), key);
  return made;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  char path[] = "/tmp/sipwsd-certificates-XXXXXX";
  require(::mkdtemp(path) != nullptr, "mkdtemp");
  path_ = path;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  const std::string path = path_ + "/" + name;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), path.c_str());
  ::close(fd);
  return path;
}

struct CertificateAuthority::State {
  Key key;
  Certificate certificate;
  std::string pem, file;
  TemporaryFolder folder;
  mutable int files = 0;

  std::string next_name(const std::string& what) const { return what + "-" + std::to_string(++files) + ".pem"; }
  void finish() {
    pem = text_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    file = folder.write("ca.pem", pem);
  }
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::~CertificateAuthority() = default;

CertificateAuthority::CertificateAuthority(const std::string& common_name) : state_(std::make_unique<State>()) {
  state_->key = make_key(KeyType::ecdsa);
  state_->certificate = draft(state_->key.get(), common_name, nullptr, random_serial(), -7200, 3650 * 86'400LL);
  X509* self = state_->certificate.get();
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  require(X509_sign(self, state_->key.get(), EVP_sha256()) > 0, "signing");
  state_->finish();
}

std::unique_ptr<CertificateAuthority> CertificateAuthority::issue_authority(const std::string& common_name) const {
  auto state = std::make_unique<State>();
  state->key = make_key(KeyType::ecdsa);
  X509* issuer = state_->certificate.get();
  state->certificate = draft(state->key.get(), common_name, issuer, random_serial(), -7200, 3650 * 86'400LL);
  X509* made = state->certificate.get();
  add_extension(made, issuer, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(made, issuer, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
  add_extension(made, issuer, NID_subject_key_identifier, "hash");
  require(X509_sign(made, state_->key.get(), EVP_sha256()) > 0, "signing");
  state->finish();
  return std::unique_ptr<CertificateAuthority>(new CertificateAuthority(std::move(state)));
}

IssuedCertificate CertificateAuthority::issue(const CertificateOrder& order) const {
  const Key key = make_key(order.key);
  IssuedCertificate issued;
  issued.serial = random_serial();
  X509* issuer = state_->certificate.get();
  const Certificate made = draft(key.get(), order.common_name, issuer, issued.serial, order.valid_from, order.valid_until);
  add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(made.get(), issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment");
  add_extension(made.get(), issuer, NID_ext_key_usage, order.use == CertificateUse::server ? "serverAuth" : "clientAuth");
  std::string names;
  for (const auto& name : order.names) names += (names.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  if (!names.empty()) add_extension(made.get(), issuer, NID_subject_alt_name, names);
  require(X509_sign(made.get(), state_->key.get(), EVP_sha256()) > 0, "signing");
  issued.pem = text_of([&](BIO* bio) { return PEM_write_bio_X509(bio, made.get()); });
  issued.key_pem = text_of([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  issued.file = state_->folder.write(state_->next_name("cert"), issued.pem);
  issued.key_file = state_->folder.write(state_->next_name("key"), issued.key_pem);
  issued.chain_file = state_->folder.write(state_->next_name("chain"), issued.pem + state_->pem);
  return issued;
}

const std::string& CertificateAuthority::pem() const noexcept { return state_->pem; }
const std::string& CertificateAuthority::file() const noexcept { return state_->file; }
const TemporaryFolder& CertificateAuthority::folder() const noexcept { return state_->folder; }

std::string CertificateAuthority::crl_file(const std::vector<IssuedCertificate>& revoked, std::int64_t valid_for) const {
  const Crl crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), 1);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(state_->certificate.get()));
  X509_CRL_set1_lastUpdate(crl.get(), from_now(-3600).get());
  X509_CRL_set1_nextUpdate(crl.get(), from_now(valid_for).get());
  for (const auto& certificate : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    ASN1_INTEGER* serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set_uint64(serial, certificate.serial);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, from_now(-60).get());
    X509_CRL_add0_revoked(crl.get(), entry);
    ASN1_INTEGER_free(serial);
  }
  X509_CRL_sort(crl.get());
  require(X509_CRL_sign(crl.get(), state_->key.get(), EVP_sha256()) > 0, "signing");
  return state_->folder.write(state_->next_name("crl"),
                              text_of([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()); }));
}

std::string CertificateAuthority::ocsp_response(const IssuedCertificate& about, Verdict verdict, std::int64_t valid_for) const {
  const Bio pem(BIO_new_mem_buf(about.pem.data(), static_cast<int>(about.pem.size())));
  const Certificate certificate(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), certificate.get(), state_->certificate.get());
  const Time revoked_at = from_now(-60);
  OCSP_basic_add1_status(basic, id, verdict == Verdict::good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED,
                         OCSP_REVOKED_STATUS_UNSPECIFIED, verdict == Verdict::good ? nullptr : revoked_at.get(),
                         from_now(-7200).get(), from_now(valid_for).get());
  require(OCSP_basic_sign(basic, state_->certificate.get(), state_->key.get(), EVP_sha256(), nullptr, 0) == 1, "OCSP");
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  return bytes;
}

std::string CertificateAuthority::ocsp_file(const IssuedCertificate& about, Verdict verdict, std::int64_t valid_for) const {
  return state_->folder.write(state_->next_name("ocsp"), ocsp_response(about, verdict, valid_for));
}

}  // namespace sipwsd::test
