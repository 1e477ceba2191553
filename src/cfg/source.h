#pragma once
// The texts a configuration is made of, and places in them. Files keep their number and their text for as long as
// diagnostics may want to quote a line.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace sipwsd::cfg {

struct Position {
  std::uint32_t file = 0;
  std::uint32_t line = 0;    // from 1; 0 means the file as a whole
  std::uint32_t column = 0;  // from 1, in bytes
  friend bool operator==(const Position&, const Position&) = default;
};

struct Source {
  std::string name;  // as the operator wrote it
  std::string text;
};

class Sources {
 public:
  std::uint32_t add(std::string name, std::string text);

  const Source& operator[](std::uint32_t file) const { return files_[file]; }
  std::size_t size() const noexcept { return files_.size(); }
  std::string_view line(Position where) const;  // without its line end; empty when there is none

 private:
  std::deque<Source> files_;  // a deque: views into a text stay good while files are added
};

}  // namespace sipwsd::cfg
