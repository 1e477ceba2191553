#include "src/cfg/diagnostic.h"

#include "src/base/log.h"

#include <algorithm>
#include <array>

namespace sipwsd::cfg {
namespace {

// Edits between two words, a swap of neighbours counting as one. Words here are short; longer ones never match.
constexpr std::size_t longest_word = 64;

std::size_t edits(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, longest_word + 1>, 3> rows{};
  auto* before = &rows[0];
  auto* previous = &rows[1];
  auto* current = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*previous)[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    (*current)[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      std::size_t best = std::min({(*previous)[j] + 1, (*current)[j - 1] + 1, (*previous)[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = std::min(best, (*before)[j - 2] + 1);
      (*current)[j] = best;
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return (*previous)[b.size()];
}

// A line of the file as it may be printed: tabs stay, so that the caret line can copy them.
std::string printable(std::string_view line) {
  std::string out;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    out += (byte < 0x20 && c != '\t') || byte == 0x7f ? '?' : c;
  }
  return out;
}

}  // namespace

void Diagnostics::error(Position where, std::string what, std::string hint) {
  if (++errors_ > limit) return;
  all_.push_back({Severity::error, where, std::move(what), std::move(hint)});
}

void Diagnostics::warning(Position where, std::string what, std::string hint) {
  if (++warnings_ > limit) return;
  all_.push_back({Severity::warning, where, std::move(what), std::move(hint)});
}

std::string summary(const Diagnostic& diagnostic, const Sources& sources) {
  std::string out;
  if (diagnostic.where.file < sources.size()) {
    out += log::escaped(sources[diagnostic.where.file].name);
    if (diagnostic.where.line > 0)
      out += ":" + std::to_string(diagnostic.where.line) + ":" + std::to_string(diagnostic.where.column);
    out += ": ";
  }
  if (diagnostic.severity == Severity::warning) out += "warning: ";
  out += diagnostic.what;
  if (!diagnostic.hint.empty()) out += "; " + diagnostic.hint;
  return out;
}

std::string render(const Diagnostic& diagnostic, const Sources& sources) {
  std::string out = summary(diagnostic, sources);
  const std::string_view line = sources.line(diagnostic.where);
  if (line.empty()) return out;
  constexpr std::size_t widest = 160;  // a longer line is shown from a little before the place
  const std::size_t column = std::min<std::size_t>(diagnostic.where.column - 1, line.size());
  const std::size_t from = column < widest - 20 ? 0 : column - 40;
  const std::string shown = printable(line.substr(from, widest));
  out += "\n    " + shown + "\n    ";
  for (std::size_t i = 0; i < column - from; ++i) out += shown[i] == '\t' ? '\t' : ' ';
  return out + "^";
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > longest_word) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > longest_word) continue;
    const std::size_t distance = edits(word, candidate);
    if (distance >= least || distance >= word.size()) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string alternative) {
  if (const auto near = nearest(word, candidates)) return "did you mean " + in_quotes(*near) + "?";
  return alternative;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return '"' + log::escaped(text) + '"';
  return '"' + log::escaped(text.substr(0, longest)) + "...\"";
}

}  // namespace sipwsd::cfg
