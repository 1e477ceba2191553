#pragma once
// What is wrong with a configuration, where, and what to write instead. Diagnostics are collected, not thrown: the
// front end goes on after the first one. After `limit` errors the rest is only counted.

#include "src/cfg/source.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::cfg {

enum class Severity { warning, error };

struct Diagnostic {
  Severity severity = Severity::error;
  Position where;
  std::string what;
  std::string hint;  // what to write instead; may be empty
};

class Diagnostics {
 public:
  static constexpr std::size_t limit = 20;

  void error(Position where, std::string what, std::string hint = {});
  void warning(Position where, std::string what, std::string hint = {});

  bool failed() const noexcept { return errors_ > 0; }
  std::size_t errors() const noexcept { return errors_; }  // those beyond the limit included
  bool exhausted() const noexcept { return errors_ >= limit; }
  const std::vector<Diagnostic>& all() const noexcept { return all_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

// `file:line:col: what; hint`, then the source line and a caret under the place. No line feed at the end.
std::string render(const Diagnostic& diagnostic, const Sources& sources);
// The first line of it alone.
std::string summary(const Diagnostic& diagnostic, const Sources& sources);

// The word among `candidates` that was probably meant: few edits away for its length. Nothing when none is near.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);
// `did you mean "tm"?`, or `alternative` when nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string alternative = {});
// Text of the file inside double quotes, shortened and with control characters escaped, for use in a diagnostic.
std::string in_quotes(std::string_view text);

}  // namespace sipwsd::cfg
