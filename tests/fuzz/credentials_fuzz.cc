// links: auth base
// Any bytes as a credentials file. What is taken can be changed: the new user is there, once, and the others are as they were.

#include "src/auth/credentials_file.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "src/auth/user_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sipwsd::auth;
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  const auto before = CredentialsFile::parse(in, "f");
  if (!before) return 0;
  const std::string md5(32, '7');
  const std::array lines{CredentialsLine::write("alice", "example.org", Algorithm::md5, md5)};
  const auto changed = with_user(in, "alice", "example.org", lines);
  const auto after = CredentialsFile::parse(changed, "f");
  if (!after || after->ha1("alice", "example.org", Algorithm::md5) != md5 || !has_user(changed, "alice", "example.org")) std::abort();
  const auto removed = with_user(changed, "alice", "example.org", {});
  const auto without = CredentialsFile::parse(removed, "f");
  if (!without || without->knows("alice", "example.org")) std::abort();
  if (without->size() > before->size() || without->size() + all_algorithms.size() < before->size()) std::abort();
  return 0;
}
