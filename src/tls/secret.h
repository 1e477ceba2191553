#pragma once
// Bytes that are wiped when they die: a private key, and what it was unpacked from. Moving leaves nothing behind.

#include <string>
#include <string_view>

namespace sipwsd::tls {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) { wipe(bytes); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(bytes_); }

  std::string_view view() const noexcept { return bytes_; }
  bool is_empty() const noexcept { return bytes_.empty(); }

  // Overwrites every byte of the string's memory and empties it.
  static void wipe(std::string& bytes) noexcept;

 private:
  std::string bytes_;
};

}  // namespace sipwsd::tls
