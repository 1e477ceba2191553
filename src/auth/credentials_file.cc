#include "src/auth/credentials_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sipwsd/bytes.h"
#include "src/base/hex.h"
#include "src/base/text.h"

namespace sipwsd::auth {
namespace {

constexpr std::string_view sha512_256_prefix = "SHA-512-256=";

bool is_plain(std::string_view text) noexcept {
  return !text.empty() && text == base::trim(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool is_user_name(std::string_view user) noexcept {
  return is_plain(user) && user.find(':') == std::string_view::npos && user.front() != '#';
}
bool is_realm(std::string_view realm) noexcept { return is_plain(realm); }

Result<std::optional<CredentialsLine>> CredentialsLine::parse(std::string_view line) {
  line = base::trim(line);
  if (line.empty() || line.front() == '#') return std::optional<CredentialsLine>{};
  const auto first = line.find(':'), last = line.rfind(':');
  if (first == std::string_view::npos || first == last) return Error{Errc::malformed, "not three fields"};
  CredentialsLine out{line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)};
  if (out.user.empty() || out.realm.empty()) return Error{Errc::malformed, "an empty user or realm"};
  if (starts_with_nocase(out.ha1, sha512_256_prefix)) {
    out.ha1.remove_prefix(sha512_256_prefix.size());
    out.algorithm = Algorithm::sha512_256;
  } else if (out.ha1.size() != digits(Algorithm::md5)) {
    out.algorithm = Algorithm::sha256;
  }
  if (out.ha1.size() != digits(out.algorithm) || !base::unhex(out.ha1))
    return Error{Errc::malformed, "HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits"};
  return std::optional{out};
}

std::string CredentialsLine::write(std::string_view user, std::string_view realm, Algorithm algorithm, std::string_view ha1) {
  std::string line;
  line.append(user).append(":").append(realm).append(":");
  if (algorithm == Algorithm::sha512_256) line.append(sha512_256_prefix);
  return line.append(ha1);
}

Result<std::string> CredentialsFile::read(const std::string& path) {
  std::ifstream file;
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode))
    errno = EISDIR;  // it would open, and read as a file without users
  else
    file.open(path, std::ios::binary);
  if (!file.is_open()) return Error{Errc::not_found, "cannot read the credentials file " + path + ": " + std::strerror(errno) + "; say auth_file=PATH of a file that the daemon can read"};
  std::ostringstream text;
  text << file.rdbuf();
  if (text.view().size() > max_credentials) return Error{Errc::too_large, path + " is too large for a credentials file"};
  return std::move(text).str();
}

Result<CredentialsFile> CredentialsFile::parse(std::string_view text, const std::string& name) {
  CredentialsFile out;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto parsed = CredentialsLine::parse(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    const auto wrong = [&](const std::string& what) {
      return Error{Errc::malformed, name + ":" + std::to_string(number) + ": " + what + "; write user:realm:HA1"};
    };
    if (!parsed) return wrong(parsed.error().why);
    if (!*parsed) continue;
    if (!out.add(**parsed)) return wrong("this user and realm stand here twice");
  }
  return out;
}

bool CredentialsFile::add(const CredentialsLine& line) {
  const auto [place, is_new] = lines_.emplace(key(line.user, line.realm, line.algorithm), line.ha1);
  if (!is_new) return false;
  for (char& c : place->second) c = ascii_lower(c);
  has_[static_cast<std::size_t>(line.algorithm)] = true;
  return true;
}

std::string CredentialsFile::key(std::string_view user, std::string_view realm, Algorithm algorithm) {
  std::string out;
  out.append(user).append("\n").append(realm).append("\n").append(name(algorithm));
  return out;
}

std::string_view CredentialsFile::ha1(std::string_view user, std::string_view realm, Algorithm algorithm) const {
  const auto found = lines_.find(key(user, realm, algorithm));
  return found == lines_.end() ? std::string_view{} : std::string_view{found->second};
}

bool CredentialsFile::knows(std::string_view user, std::string_view realm) const {
  return std::any_of(all_algorithms.begin(), all_algorithms.end(), [&](Algorithm a) { return !ha1(user, realm, a).empty(); });
}

}  // namespace sipwsd::auth
