#include "src/auth/jwt_keys.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace sipwsd::auth {
namespace {

constexpr std::size_t most_bytes = 64 * 1024;  // of one file

void append_field(std::string& out, std::string_view field) {
  const auto size = static_cast<std::uint32_t>(field.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size).append(field);
}

Result<std::string_view> take_field(std::string_view& bytes) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) return Errc::malformed;
  std::memcpy(&size, bytes.data(), sizeof size);
  if (bytes.size() - sizeof size < size) return Errc::malformed;
  const auto field = bytes.substr(sizeof size, size);
  bytes.remove_prefix(sizeof size + size);
  return field;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(most_bytes + 1, '\0');
  if (!file.is_open()) return Error{Errc::not_found, "jwt_key: cannot read " + path + ": " + std::strerror(errno) + "; write the path of a file that the daemon can read"};
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.bad() || file.gcount() == 0) return Error{Errc::malformed, "jwt_key: " + path + " is empty, or no file"};
  if (file.gcount() > static_cast<std::streamsize>(most_bytes)) return Error{Errc::too_large, "jwt_key: " + path + " is too large for a key"};
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

Result<tls::Secret> read_token_keys(const std::vector<std::string>& entries) {
  std::string packed;
  packed.reserve(entries.size() * (most_bytes + 1024));  // growing would leave copies of secrets behind
  for (const auto& entry : entries) {
    // A path may hold a `=` too; an identifier holds no slash.
    auto equals = entry.find('=');
    if (equals != std::string::npos && entry.find('/') < equals) equals = std::string::npos;
    const auto path = equals == std::string::npos ? entry : entry.substr(equals + 1);
    const auto id = equals == std::string::npos ? std::string{} : entry.substr(0, equals);
    auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    const tls::Secret secret{*std::move(bytes)};
    if (const auto key = TokenKey::make(id, secret.view()); !key) return Error{key.error().code, "jwt_key: " + path + " " + key.error().why};
    append_field(packed, id);
    append_field(packed, secret.view());
  }
  return tls::Secret{std::move(packed)};
}

Result<std::vector<TokenKey>> make_token_keys(std::string_view bytes) {
  std::vector<TokenKey> keys;
  while (!bytes.empty()) {
    const auto id = take_field(bytes);
    const auto content = id ? take_field(bytes) : id;
    if (!content) return content.error();
    auto key = TokenKey::make(std::string(*id), *content);
    if (!key) return key.error();
    keys.push_back(*std::move(key));
  }
  return keys;
}

}  // namespace sipwsd::auth
