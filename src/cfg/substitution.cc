#include "src/cfg/substitution.h"

#include <re2/re2.h>

#include <array>

namespace sipwsd::cfg {

Substitution::Substitution() = default;
Substitution::Substitution(Substitution&&) noexcept = default;
Substitution& Substitution::operator=(Substitution&&) noexcept = default;
Substitution::~Substitution() = default;

Result<Substitution> Substitution::parse(std::string_view spec) {
  if (spec.empty()) return Error{Errc::malformed, "nothing to substitute"};
  if (spec.size() > longest_spec) return Error{Errc::too_large, "a substitution is longer than 1024 bytes"};
  const char separator = spec[0];
  std::array<std::string, 3> parts;
  std::size_t part = 0;
  for (std::size_t i = 1; i < spec.size(); ++i) {
    if (spec[i] == '\\' && i + 1 < spec.size()) {
      if (spec[i + 1] != separator) parts[part] += spec[i];
      parts[part] += spec[++i];
    } else if (spec[i] == separator && part < 2) {
      ++part;
    } else {
      parts[part] += spec[i];
    }
  }
  if (part != 2) return Error{Errc::malformed, "it needs three separators, like /what/by what/flags"};
  if (parts[0].empty()) return Error{Errc::malformed, "the regular expression is empty"};

  Substitution result;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_longest_match(true);  // POSIX: the leftmost, then the longest
  for (const char flag : parts[2]) {
    if (flag == 'g')
      result.every_match_ = true;
    else if (flag == 'i')
      options.set_case_sensitive(false);
    else
      return Error{Errc::malformed, std::string("flag ") + flag + " is not known; flags are g and i"};
  }
  result.expression_ = std::make_unique<RE2>(parts[0], options);
  if (!result.expression_->ok()) return Error{Errc::malformed, "regular expression: " + result.expression_->error()};
  std::string why;
  if (!result.expression_->CheckRewriteString(parts[1], &why)) return Error{Errc::malformed, "replacement: " + why};
  result.pattern_ = std::move(parts[0]);
  result.replacement_ = std::move(parts[1]);
  return result;
}

bool Substitution::apply(std::string& text) const {
  if (every_match_) return RE2::GlobalReplace(&text, *expression_, replacement_) > 0;
  return RE2::Replace(&text, *expression_, replacement_);
}

}  // namespace sipwsd::cfg
