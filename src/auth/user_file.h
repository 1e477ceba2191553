#pragma once
// Changing a credentials file while a daemon reads it and other people change it too: under a lock, and from one whole
// version to the next (a new file takes the old one's name, rights and owner). Comments and other lines stay.

#include <span>
#include <string>
#include <string_view>

#include "sipwsd/result.h"

namespace sipwsd::auth {

// --- the text
// All lines of this user and realm are these, where the first of them stood, or else at the end.
std::string with_user(std::string_view text, std::string_view user, std::string_view realm, std::span<const std::string> lines);
bool has_user(std::string_view text, std::string_view user, std::string_view realm);

// --- the file
class UserFile {
 public:
  enum class Absent : bool { is_an_error, is_made };
  // Waits for whoever has it. A link is followed: what it leads to is changed.
  static Result<UserFile> lock(const std::string& path, Absent absent);
  UserFile(UserFile&& other) noexcept;
  UserFile& operator=(UserFile&&) = delete;
  ~UserFile();

  const std::string& text() const noexcept { return text_; }
  Result<void> replace(std::string_view text);

 private:
  UserFile(std::string path, int file, std::string text) : path_(std::move(path)), file_(file), text_(std::move(text)) {}
  std::string path_;
  int file_;  // what the lock is on
  std::string text_;
};

}  // namespace sipwsd::auth
