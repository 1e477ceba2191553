#pragma once
// Users and their HA1 in a flat file, as htdigest writes it: `user:realm:HA1`, one a line, `#` comments. The length of
// HA1 tells the algorithm: 32 digits MD5, 64 SHA-256 (a user may have one line of each).

#include <string>
#include <string_view>
#include <unordered_map>

#include "sipwsd/result.h"
#include "src/auth/digest.h"

namespace sipwsd::auth {

class CredentialsFile {
 public:
  // The bytes of such a file.
  static Result<std::string> read(const std::string& path);
  // Errors name the line: `FILE:3: what is wrong`.
  static Result<CredentialsFile> parse(std::string_view text, const std::string& name);

  // Empty when there is no such line.
  std::string_view ha1(std::string_view user, std::string_view realm, Algorithm algorithm) const;
  bool knows(std::string_view user, std::string_view realm) const;
  bool has(Algorithm algorithm) const noexcept { return algorithm == Algorithm::md5 ? has_md5_ : has_sha256_; }
  std::size_t size() const noexcept { return lines_.size(); }

 private:
  static std::string key(std::string_view user, std::string_view realm, Algorithm algorithm);
  std::unordered_map<std::string, std::string> lines_;
  bool has_md5_ = false, has_sha256_ = false;
};

}  // namespace sipwsd::auth
