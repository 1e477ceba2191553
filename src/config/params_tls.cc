// The parameters of module `tls` (reference/modules.md 10). They are what a section of the tls.cfg does not say, and the
// only server profile when there is no tls.cfg.

#include "src/config/param.h"
#include "src/config/tls_profiles.h"

#include <array>

namespace sipwsd::config {
namespace {

template <std::vector<std::string> Settings::* field>
Result<void> read_files(Settings& settings, std::string_view text) {
  settings.*field = {};
  if (text.empty()) return {};
  auto files = parse_file_list(text);
  if (!files) return files.error();
  settings.*field = *std::move(files);
  return {};
}
template <std::vector<std::string> Settings::* field>
std::string write_files(const Settings& settings) {
  std::string text;
  for (const auto& file : settings.*field) text += (text.empty() ? "" : ",") + file;
  return text;
}
template <std::vector<std::string> Settings::* field>
constexpr TextForm files{read_files<field>, write_files<field>, nullptr};

Result<void> read_method(Settings& settings, std::string_view text) {
  const auto method = parse_tls_method(text);
  if (!method) return method.error();
  settings.tls_method = text;
  return {};
}
std::string write_method(const Settings& settings) { return settings.tls_method; }

Result<void> read_server_name(Settings& settings, std::string_view text) {
  settings.tls_server_name.clear();
  if (text.empty()) return {};
  auto name = parse_server_name(text);
  if (!name) return name.error();
  settings.tls_server_name = *std::move(name);
  return {};
}
std::string write_server_name(const Settings& settings) { return settings.tls_server_name; }

using enum OutOfRange;
using enum Reload;
constexpr auto rows = std::to_array<Param>({
    {"certificate", files<&Settings::tls_certificate>, {}, refuse_start, "FILE[,FILE]",
     "certificate with its chain, PEM; an ECDSA and an RSA one may be given", "tls_certificate", {}, running},
    {"private_key", files<&Settings::tls_private_key>, {}, refuse_start, "FILE[,FILE]",
     "its private key, PEM; empty when the file of the certificate holds it too", "tls_private_key", {}, running},
    {"tls_method", TextForm{read_method, write_method, nullptr}, {}, refuse_start, "TLSv1.2+|TLSv1.2|TLSv1.3",
     "versions spoken; older names mean TLSv1.2+", "tls_method", {}, running},
    {"cipher_list", &Settings::tls_cipher_list, {0, 4096}, refuse_start, "CIPHERS",
     "ciphers of TLS 1.2 as in openssl-ciphers(1); empty takes those with forward secrecy and AEAD", "tls_cipher_list",
     {}, running},
    {"ciphersuites", &Settings::tls_ciphersuites, {0, 4096}, refuse_start, "CIPHERS",
     "ciphers of TLS 1.3; empty takes all three of RFC 8446", "tls_ciphersuites", {}, running},
    {"ca_list", &Settings::tls_ca_list, {0, 4096}, refuse_start, "FILE",
     "certificates of those who vouch for clients, PEM; of servers too, where empty takes the system's", "tls_ca_list",
     {}, running},
    {"crl", &Settings::tls_crl, {0, 4096}, refuse_start, "FILE", "certificates they have revoked, PEM", "tls_crl", {},
     running},
    {"verify_certificate", &Settings::tls_verify_certificate, {}, refuse_start, "",
     "ask clients for a certificate; whoever shows a bad one is refused", "tls_verify_certificate", {}, running},
    {"require_certificate", &Settings::tls_require_certificate, {}, refuse_start, "",
     "refuse clients that show no certificate", "tls_require_certificate", {}, running},
    {"verify_depth", &Settings::tls_verify_depth, {0, 100}, refuse_start, "N",
     "intermediate certificates allowed between theirs and ca_list", "tls_verify_depth", {}, running},
    {"server_name", TextForm{read_server_name, write_server_name, nullptr}, {}, refuse_start, "NAME",
     "only name (SNI) the certificate is shown for, like sip.example.org or *.example.org; empty is any",
     "tls_server_name", {}, running},
    {"ocsp_response", files<&Settings::tls_ocsp_response>, {}, refuse_start, "FILE[,FILE]",
     "OCSP response to staple to each certificate, DER, as openssl-ocsp(1) writes it", "tls_ocsp_response", {}, running},
    {"config", &Settings::tls_config, {0, 4096}, refuse_start, "FILE",
     "file with one section for each socket or name, as Kamailio's tls.cfg", "tls_config", {}, running},
    {"ticket_lifetime", &Settings::tls_ticket_lifetime, {0, 604'800}, refuse_start, "SECONDS",
     "how long a client may resume its session without a full handshake; 0 never", "tls_ticket_lifetime", {}, running},
    {"ticket_rotation", &Settings::tls_ticket_rotation, {60, 604'800}, refuse_start, "SECONDS",
     "how long a key seals tickets; not shorter than ticket_lifetime", "tls_ticket_rotation", {}, running},
});

}  // namespace

ParamGroup tls_params() noexcept { return {"tls", "TLS", rows}; }

}  // namespace sipwsd::config
