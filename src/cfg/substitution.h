#pragma once
// One `#!subst "/regular expression/replacement/flags"`, applied to the text of tokens. The only file that says RE2,
// which matches in linear time whatever the expression is.

#include "sipwsd/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace sipwsd::cfg {

class Substitution {
 public:
  // Matching costs expression times text: substitutions of substitutions must not make both grow.
  static constexpr std::size_t longest_spec = 1024;

  // `spec` without its quotes: the first character separates; flags g (every match) and i (without case).
  static Result<Substitution> parse(std::string_view spec);
  Substitution(Substitution&&) noexcept;
  Substitution& operator=(Substitution&&) noexcept;
  ~Substitution();

  // True when something was replaced.
  bool apply(std::string& text) const;

  const std::string& pattern() const noexcept { return pattern_; }          // as written
  const std::string& replacement() const noexcept { return replacement_; }  // as written, the separator unescaped

 private:
  Substitution();
  std::unique_ptr<re2::RE2> expression_;
  std::string pattern_;
  std::string replacement_;
  bool every_match_ = false;
};

}  // namespace sipwsd::cfg
