#pragma once
// A certificate authority of a test's own, and what it issues, as PEM and DER texts and as files in a folder that goes
// with the object. Keys are P-256 unless RSA is asked for: making those takes no time.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sipwsd::test {

enum class KeyType { ecdsa, rsa };
enum class CertificateUse { server, client };

// A folder of its own under /tmp, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // The path of a new file, mode 0600.
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

struct CertificateOrder {
  std::string common_name = "localhost";
  std::vector<std::string> names = {"localhost", "127.0.0.1"};  // subjectAltName; addresses are recognised
  KeyType key = KeyType::ecdsa;
  CertificateUse use = CertificateUse::server;
  std::int64_t valid_from = -3600;     // seconds from now
  std::int64_t valid_until = 90 * 86'400;
};

// What was issued. The files are in the authority's folder.
struct IssuedCertificate {
  std::string pem, key_pem;     // certificate alone; key
  std::string file, key_file;
  std::string chain_file;       // certificate, then the authority's own
  std::uint64_t serial = 0;
};

class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& common_name = "Test CA");
  ~CertificateAuthority();

  [[nodiscard]] IssuedCertificate issue(const CertificateOrder& order = {}) const;
  // An authority below this one, with its own files.
  [[nodiscard]] std::unique_ptr<CertificateAuthority> issue_authority(const std::string& common_name) const;

  [[nodiscard]] const std::string& pem() const noexcept;
  [[nodiscard]] const std::string& file() const noexcept;  // PEM
  [[nodiscard]] const TemporaryFolder& folder() const noexcept;

  // PEM file, of this authority, valid from an hour ago for `valid_for` seconds.
  [[nodiscard]] std::string crl_file(const std::vector<IssuedCertificate>& revoked, std::int64_t valid_for = 86'400) const;
  enum class Verdict { good, revoked };
  // DER bytes, signed by this authority.
  [[nodiscard]] std::string ocsp_response(const IssuedCertificate& about, Verdict verdict = Verdict::good,
                                          std::int64_t valid_for = 86'400) const;
  [[nodiscard]] std::string ocsp_file(const IssuedCertificate& about, Verdict verdict = Verdict::good,
                                      std::int64_t valid_for = 86'400) const;

 private:
  struct State;
  explicit CertificateAuthority(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sipwsd::test
