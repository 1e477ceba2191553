#include "src/auth/credentials_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sipwsd/bytes.h"
#include "src/base/hex.h"
#include "src/base/text.h"

namespace sipwsd::auth {
namespace {

constexpr std::size_t max_file = 256 * 1024 * 1024;

}  // namespace

Result<std::string> CredentialsFile::read(const std::string& path) {
  std::ifstream file;
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode))
    errno = EISDIR;  // it would open, and read as a file without users
  else
    file.open(path, std::ios::binary);
  if (!file.is_open()) return Error{Errc::not_found, "cannot read the credentials file " + path + ": " + std::strerror(errno) + "; say auth_file=PATH"};
  std::ostringstream text;
  text << file.rdbuf();
  if (text.view().size() > max_file) return Error{Errc::too_large, path + " is too large for a credentials file"};
  return std::move(text).str();
}

Result<CredentialsFile> CredentialsFile::parse(std::string_view text, const std::string& name) {
  CredentialsFile out;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = base::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto wrong = [&](const char* what) {
      return Error{Errc::malformed, name + ":" + std::to_string(number) + ": " + what + "; write user:realm:HA1"};
    };
    const auto first = line.find(':'), last = line.rfind(':');
    if (first == std::string_view::npos || first == last) return wrong("not three fields");
    const auto user = line.substr(0, first), realm = line.substr(first + 1, last - first - 1), ha1 = line.substr(last + 1);
    if (user.empty() || realm.empty()) return wrong("an empty user or realm");
    if (!base::unhex(ha1) || (ha1.size() != 32 && ha1.size() != 64)) return wrong("HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits");
    const auto algorithm = ha1.size() == 32 ? Algorithm::md5 : Algorithm::sha256;
    (algorithm == Algorithm::md5 ? out.has_md5_ : out.has_sha256_) = true;
    std::string lower(ha1);
    for (char& c : lower) c = ascii_lower(c);
    if (!out.lines_.emplace(key(user, realm, algorithm), std::move(lower)).second) return wrong("this user and realm stand here twice");
  }
  return out;
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
  return !ha1(user, realm, Algorithm::md5).empty() || !ha1(user, realm, Algorithm::sha256).empty();
}

}  // namespace sipwsd::auth
