#include "src/cfg/preprocessor.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace sipwsd::cfg {
namespace {

constexpr auto known_directives = std::to_array<std::string_view>({"define", "trydef", "trydefine", "redef", "redefine",
    "ifdef", "ifndef", "else", "endif", "subst", "substdef", "substdefs", "include_file", "import_file"});
// The first line of a file may name the server whose dialect it is written for; there is one dialect here.
constexpr auto mode_markers = std::to_array<std::string_view>({"KAMAILIO", "SER", "OPENSER", "ALL", "MAXCOMPAT"});

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The identifier a directive's argument begins with; empty when there is none.
std::string_view leading_identifier(std::string_view text) {
  std::size_t length = 0;
  const auto part = [](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
  };
  while (length < text.size() && part(text[length], length == 0)) ++length;
  return text.substr(0, length);
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n')) text.remove_prefix(1);
  return text;
}

std::string beside(const std::string& including, const std::string& path) {
  const auto slash = including.rfind('/');
  return slash == std::string::npos ? path : including.substr(0, slash + 1) + path;
}

}  // namespace

bool is_identifier(std::string_view text) noexcept { return !text.empty() && leading_identifier(text) == text; }

Preprocessor::Preprocessor(Sources& sources, Diagnostics& diagnostics, Reader reader)
    : sources_(sources), diagnostics_(diagnostics), reader_(std::move(reader)) {}

void Preprocessor::define(std::string name, std::string text) {
  defines_.insert_or_assign(std::move(name), std::move(text));
}

std::vector<Token> Preprocessor::run(std::uint32_t file) {
  Token end = read_file(file);
  if (awaiting_path_) diagnostics_.error(end.where, "a file name is missing", "write include_file \"name\"");
  out_.push_back(std::move(end));
  return std::move(out_);
}

Token Preprocessor::read_file(std::uint32_t file) {
  open_files_.push_back(file);
  Lexer lexer(sources_[file].text, {file, 1, 1}, diagnostics_);
  std::vector<Condition> conditions;
  Token token;
  do {
    const bool reading = conditions.empty() || conditions.back().active;
    token = reading ? lexer.next() : lexer.next_directive();
    if (token.is(TokenKind::directive))
      obey(token, conditions);
    else if (!token.is(TokenKind::end))
      accept(token);
  } while (!token.is(TokenKind::end) && !diagnostics_.exhausted());
  if (!conditions.empty() && !diagnostics_.exhausted())
    diagnostics_.error(conditions.back().where, "this condition is open at the end of the file", "add #!endif");
  open_files_.pop_back();
  token.kind = TokenKind::end;
  return token;
}

void Preprocessor::obey(const Token& directive, std::vector<Condition>& conditions) {
  const std::string& word = directive.text;
  if (word == "ifdef" || word == "ifndef" || word == "else" || word == "endif")
    return obey_condition(directive, conditions);
  if (!conditions.empty() && !conditions.back().active) return;
  if (word == "define") return obey_define(directive, Redefine::refuse);
  if (word == "trydef" || word == "trydefine") return obey_define(directive, Redefine::keep);
  if (word == "redef" || word == "redefine") return obey_define(directive, Redefine::replace);
  if (word == "subst") return obey_subst(directive, Defines::none);
  if (word == "substdef") return obey_subst(directive, Defines::text);
  if (word == "substdefs") return obey_subst(directive, Defines::quoted);
  if (word == "include_file" || word == "import_file") {
    Lexer lexer(directive.extra, directive.extra_where, diagnostics_);
    Token path = lexer.next();
    if (!path.is(TokenKind::string))
      return diagnostics_.error(directive.where, "#!" + word + " needs a file name", "write #!" + word + " \"name\"");
    substitute(path);
    return include(path, word == "import_file" ? Missing::ignore : Missing::error);
  }
  if (!contains(mode_markers, word))
    diagnostics_.error(directive.where, "no directive is called #!" + word,
                       did_you_mean(word, known_directives, "a comment begins with # and a space"));
}

void Preprocessor::obey_condition(const Token& directive, std::vector<Condition>& conditions) {
  const std::string& word = directive.text;
  if (word == "ifdef" || word == "ifndef") {
    if (conditions.size() >= condition_depth)
      return diagnostics_.error(directive.where, "conditions are nested more than 256 deep", "close some with #!endif");
    const std::string_view name = leading_identifier(directive.extra);
    const bool outside = conditions.empty() || conditions.back().active;
    if (name.empty() && outside)
      diagnostics_.error(directive.where, "#!" + word + " needs an identifier", "write #!" + word + " WITH_SOMETHING");
    const bool active = outside && is_defined(name) == (word == "ifdef");
    // Inside a branch that is not read no branch of this one is: it counts as taken already.
    conditions.push_back({directive.where, active || !outside, active, false});
    return;
  }
  if (conditions.empty())
    return diagnostics_.error(directive.where, "#!" + word + " without an open #!ifdef", "remove it");
  if (word == "endif") return conditions.pop_back();
  Condition& condition = conditions.back();
  if (condition.in_else) diagnostics_.error(directive.where, "a second #!else for the same #!ifdef", "remove one");
  condition.in_else = true;
  condition.active = !condition.taken;
  condition.taken = true;
}

void Preprocessor::obey_define(const Token& directive, Redefine redefine) {
  const std::string_view name = leading_identifier(directive.extra);
  if (name.empty())
    return diagnostics_.error(directive.where, "#!" + directive.text + " needs an identifier",
                              "write #!" + directive.text + " NAME text");
  if (is_defined(name)) {
    if (redefine == Redefine::keep) return;
    if (redefine == Redefine::refuse)
      return diagnostics_.error(directive.extra_where, in_quotes(name) + " is defined already",
                                "write #!trydef to keep the first, #!redef to replace it");
  }
  const std::string_view text = trim_blanks(std::string_view(directive.extra).substr(name.size()));
  defines_.insert_or_assign(std::string(name), std::string(text));
}

void Preprocessor::obey_subst(const Token& directive, Defines defines) {
  Lexer lexer(directive.extra, directive.extra_where, diagnostics_);
  Token spec = lexer.next();
  if (!spec.is(TokenKind::string))
    return diagnostics_.error(directive.where, "#!" + directive.text + " needs a string",
                              "write #!" + directive.text + " \"/what/by what/g\"");
  substitute(spec);  // a later address may be built from an earlier one
  auto parsed = Substitution::parse(spec.text);
  if (!parsed) return diagnostics_.error(spec.where, parsed.error().why, "write \"/what/by what/g\"");
  if (defines != Defines::none) {
    const std::string& name = parsed->pattern();
    if (!is_identifier(name))
      return diagnostics_.error(spec.where, "#!" + directive.text + " defines an identifier, and " + in_quotes(name) +
                                                " is none", "write #!subst to replace other text");
    if (is_defined(name))
      return diagnostics_.error(spec.where, in_quotes(name) + " is defined already", "use another name");
    const std::string& text = parsed->replacement();
    defines_.emplace(name, defines == Defines::quoted ? '"' + text + '"' : text);
  }
  substitutions_.push_back(*std::move(parsed));
}

void Preprocessor::include(const Token& path, Missing missing) {
  if (open_files_.size() > include_depth)
    return diagnostics_.error(path.where, "files include each other more than 10 deep", "does one include itself?");
  const std::string& including = sources_[open_files_.back()].name;
  std::string name = path.text;
  auto text = reader_(name);
  if (text.is(Errc::not_found) && !name.starts_with('/')) {
    name = beside(including, path.text);
    text = reader_(name);
  }
  if (text.is(Errc::not_found) && missing == Missing::ignore) return;
  if (!text)
    return diagnostics_.error(path.where, "can't read " + in_quotes(path.text) + ": " + text.error().why,
                              text.is(Errc::not_found) ? "import_file does not mind a missing file" : "");
  for (const auto file : open_files_)
    if (sources_[file].name == name)
      return diagnostics_.error(path.where, in_quotes(path.text) + " includes itself", "remove one include_file");
  read_file(sources_.add(name, *std::move(text)));
}

// A token outside directives: expanded, substituted, or handed on.
void Preprocessor::accept(Token token) {
  if (token.is(TokenKind::identifier) && expand(token)) return;
  if (awaiting_path_) {
    const Missing missing = *std::exchange(awaiting_path_, std::nullopt);
    if (!token.is(TokenKind::string))
      return diagnostics_.error(token.where, "a file name is missing", "write include_file \"name\"");
    substitute(token);
    return include(token, missing);
  }
  if (token.is_word("include_file") || token.is_word("import_file")) {
    awaiting_path_ = token.text == "import_file" ? Missing::ignore : Missing::error;
    return;
  }
  const bool named = token.is(TokenKind::identifier) || token.is(TokenKind::variable);
  if ((named || token.is(TokenKind::string)) && substituting_ && substitute(token) && named) {
    // What was put in for a name is program text again, but is not substituted a second time.
    substituting_ = false;
    read_fragment(token.text, token);
    substituting_ = true;
    return;
  }
  put(std::move(token));
}

void Preprocessor::put(Token token) {
  if (out_.size() < token_limit) return out_.push_back(std::move(token));
  if (out_.size() > token_limit) return;
  diagnostics_.error(token.where, "the configuration is more than a million words long",
                     "does a define repeat itself?");
  out_.push_back(std::move(token));
}

bool Preprocessor::expand(const Token& word) {
  const auto define = defines_.find(word.text);
  if (define == defines_.end() || define->second.empty()) return false;
  if (std::find(expanding_.begin(), expanding_.end(), word.text) != expanding_.end()) return false;
  if (expanding_.size() >= expansion_depth || out_.size() > token_limit) {
    if (expanding_.size() >= expansion_depth)
      diagnostics_.error(word.where, "defines use each other more than 32 deep", "does one lead back to itself?");
    return true;
  }
  expanding_.push_back(word.text);
  read_fragment(define->second, word);
  expanding_.pop_back();
  return true;
}

bool Preprocessor::substitute(Token& token) {
  bool changed = false;
  for (const auto& substitution : substitutions_) {
    changed = substitution.apply(token.text) || changed;
    if (token.text.size() <= text_limit) continue;
    diagnostics_.error(token.where, "a substitution makes this longer than 64 KiB", "does it repeat itself?");
    token.text.clear();
    break;
  }
  return changed;
}

void Preprocessor::read_fragment(const std::string& text, const Token& used) {
  Lexer lexer(text, {}, diagnostics_, used.where);
  bool first = true;
  for (Token token = lexer.next(); !token.is(TokenKind::end) && out_.size() <= token_limit && !diagnostics_.exhausted();
       token = lexer.next()) {
    if (std::exchange(first, false)) token.space_before = used.space_before;
    accept(std::move(token));
  }
}

}  // namespace sipwsd::cfg
