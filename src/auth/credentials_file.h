#pragma once
// Users and their HA1 as text, as htdigest writes it: `user:realm:HA1`, one a line, `#` comments. The length of HA1 tells
// the algorithm: 32 digits MD5, 64 SHA-256; what has the length of another one says so: `SHA-512-256=HA1`. A user may have
// one line of each. What the subscriber table holds becomes such lines too.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sipwsd/result.h"
#include "src/auth/digest.h"

namespace sipwsd::auth {

// All of it, of files and tables together: memory of the supervisor and of each worker.
inline constexpr std::size_t max_credentials = std::size_t{256} * 1024 * 1024;

// A line taken apart. The Error says what is wrong, and never what stands there.
struct CredentialsLine {
  std::string_view user, realm, ha1;  // ha1 as written: either case
  Algorithm algorithm = Algorithm::md5;

  // nullopt: a comment or an empty line.
  static Result<std::optional<CredentialsLine>> parse(std::string_view line);
  // Without the line feed.
  static std::string write(std::string_view user, std::string_view realm, Algorithm algorithm, std::string_view ha1);
};
// Names that can stand in a line: a user without a colon, both without control characters and blanks around them.
bool is_user_name(std::string_view user) noexcept;
bool is_realm(std::string_view realm) noexcept;

class CredentialsFile {
 public:
  // The bytes of such a file.
  static Result<std::string> read(const std::string& path);
  // Errors name the line: `FILE:3: what is wrong`.
  static Result<CredentialsFile> parse(std::string_view text, const std::string& name);

  // False: there is one already for this user, realm and algorithm.
  bool add(const CredentialsLine& line);
  // Lower case; empty when there is no such line.
  std::string_view ha1(std::string_view user, std::string_view realm, Algorithm algorithm) const;
  bool knows(std::string_view user, std::string_view realm) const;
  bool has(Algorithm algorithm) const noexcept { return has_[static_cast<std::size_t>(algorithm)]; }
  std::size_t size() const noexcept { return lines_.size(); }

 private:
  static std::string key(std::string_view user, std::string_view realm, Algorithm algorithm);
  std::unordered_map<std::string, std::string> lines_;
  std::array<bool, all_algorithms.size()> has_{};
};

}  // namespace sipwsd::auth
