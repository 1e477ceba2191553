#include "src/process/secrets.h"

#include <array>
#include <cstring>
#include <utility>

#include "src/auth/credentials_file.h"
#include "src/auth/jwt_keys.h"
#include "src/auth/subscriber_table.h"
#include "src/base/log.h"

namespace sipwsd::process {
namespace {

bool asks_for_passwords(const config::Settings& settings) {
  return settings.auth_mode == config::AuthMode::digest || settings.ws_auth.digest || settings.ws_auth.basic;
}

// The file first: who is in both stays as he is there.
Result<tls::Secret> load_credentials(const config::Settings& settings) {
  if (!asks_for_passwords(settings)) return tls::Secret{};
  std::string text;
  if (!settings.auth_file.empty()) {
    auto bytes = auth::CredentialsFile::read(settings.auth_file);
    if (!bytes) return bytes.error();
    text = *std::move(bytes);
  }
  tls::Secret secret{std::move(text)};
  auto users = auth::CredentialsFile::parse(secret.view(), settings.auth_file);
  if (!users) return users.error();
  if (settings.auth_db_url.empty()) return secret;

  auto table = auth::SubscriberTable::open(settings, auth::SubscriberTable::For::reading);
  if (!table) return table.error();
  auto rows = table->read(*users);
  if (!rows) return rows.error();
  if (rows->unusable != 0)
    log::warning("{}: {} rows of subscriber hold no user or no HA1, the first is {}", settings.auth_db_url, rows->unusable, rows->first_unusable);
  const tls::Secret lines{std::move(rows->lines)};
  std::string both;
  both.reserve(secret.view().size() + 1 + lines.view().size());
  both.append(secret.view()).append("\n").append(lines.view());
  return tls::Secret{std::move(both)};
}

}  // namespace

Result<LoadedSecrets> load_secrets(const config::Settings& settings, std::int64_t unix_now) {
  Secrets secrets;
  auto credentials = load_credentials(settings);
  if (!credentials) return credentials.error();
  secrets.credentials = *std::move(credentials);
  if (settings.ws_auth.jwt) {
    auto tokens = auth::read_token_keys(settings.jwt_key);
    if (!tokens) return tokens.error();
    secrets.tokens = *std::move(tokens);
  }
  return load_tls_secrets(settings, std::move(secrets), unix_now);
}

Result<LoadedSecrets> load_tls_secrets(const config::Settings& settings, Secrets secrets, std::int64_t unix_now) {
  const auto material = tls::load(settings);
  if (!material) return material.error();
  auto certificates = tls::check(*material, unix_now);
  if (!certificates) return certificates.error();
  secrets.tls = tls::pack(*material);
  return LoadedSecrets{std::move(secrets), *std::move(certificates)};
}

// Each part behind its length.
tls::Secret pack(const Secrets& secrets) {
  const std::array parts{secrets.credentials.view(), secrets.tokens.view(), secrets.tls.view()};
  std::size_t size = 0;
  for (const auto part : parts) size += sizeof(std::uint64_t) + part.size();
  std::string bytes;
  bytes.reserve(size);  // growing later would leave copies behind
  for (const auto part : parts) {
    const std::uint64_t length = part.size();
    bytes.append(reinterpret_cast<const char*>(&length), sizeof length).append(part);
  }
  return tls::Secret{std::move(bytes)};
}

Result<Secrets> unpack_secrets(const tls::Secret& packed) {
  std::string_view rest = packed.view();
  Secrets secrets;
  for (tls::Secret* part : {&secrets.credentials, &secrets.tokens, &secrets.tls}) {
    std::uint64_t length = 0;
    if (rest.size() < sizeof length) return Errc::malformed;
    std::memcpy(&length, rest.data(), sizeof length);
    rest.remove_prefix(sizeof length);
    if (length > rest.size()) return Errc::malformed;
    *part = tls::Secret{std::string(rest.substr(0, length))};
    rest.remove_prefix(length);
  }
  return secrets;
}

}  // namespace sipwsd::process
