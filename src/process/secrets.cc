#include "src/process/secrets.h"

#include <cstring>
#include <utility>

#include "src/auth/credentials_file.h"

namespace sipwsd::process {
namespace {

Result<tls::Secret> load_credentials(const config::Settings& settings) {
  if (settings.auth_mode != config::AuthMode::digest) return tls::Secret{};
  auto bytes = auth::CredentialsFile::read(settings.auth_file);
  if (!bytes) return bytes.error();
  tls::Secret secret{*std::move(bytes)};
  if (const auto parsed = auth::CredentialsFile::parse(secret.view(), settings.auth_file); !parsed) return parsed.error();
  return secret;
}

}  // namespace

Result<LoadedSecrets> load_secrets(const config::Settings& settings, std::int64_t unix_now) {
  auto credentials = load_credentials(settings);
  if (!credentials) return credentials.error();
  return load_tls_secrets(settings, *std::move(credentials), unix_now);
}

Result<LoadedSecrets> load_tls_secrets(const config::Settings& settings, tls::Secret credentials, std::int64_t unix_now) {
  const auto material = tls::load(settings);
  if (!material) return material.error();
  auto certificates = tls::check(*material, unix_now);
  if (!certificates) return certificates.error();
  return LoadedSecrets{{std::move(credentials), tls::pack(*material)}, *std::move(certificates)};
}

// The length of the first part, then both.
tls::Secret pack(const Secrets& secrets) {
  const std::uint64_t first = secrets.credentials.view().size();
  std::string bytes(sizeof first, '\0');
  std::memcpy(bytes.data(), &first, sizeof first);
  bytes.reserve(sizeof first + first + secrets.tls.view().size());  // growing later would leave copies behind
  bytes.append(secrets.credentials.view()).append(secrets.tls.view());
  return tls::Secret{std::move(bytes)};
}

Result<Secrets> unpack_secrets(const tls::Secret& packed) {
  std::string_view rest = packed.view();
  std::uint64_t first = 0;
  if (rest.size() < sizeof first) return Errc::malformed;
  std::memcpy(&first, rest.data(), sizeof first);
  rest.remove_prefix(sizeof first);
  if (first > rest.size()) return Errc::malformed;
  return Secrets{tls::Secret{std::string(rest.substr(0, first))}, tls::Secret{std::string(rest.substr(first))}};
}

}  // namespace sipwsd::process
