#include "src/cfg/lexer.h"

#include "src/base/hex.h"


#include <array>
#include <charconv>
#include <utility>

namespace sipwsd::cfg {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_alnum(char c) { return is_letter(c) || is_digit(c); }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }
constexpr bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Longest first, so that the first match is the right one.
constexpr auto symbols = std::to_array<std::string_view>({
    "==", "=~", "!=", "!~", "&&", "||", "<<", ">>", "<=", ">=", "+=", "-=", "(", ")", "{", "}", "[", "]", ";", ",",
    ":",  ".",  "=",  "!",  "<",  ">",  "+",  "-",  "*",  "/",  "%",  "&", "|", "^", "~", "@", "?",
});

// After `!!` only these make a directive: `!!x` may also be two negations at the start of a line.
constexpr auto bang_directives = std::to_array<std::string_view>({"define", "trydef", "trydefine", "redef", "redefine",
    "ifdef", "ifndef", "else", "endif", "subst", "substdef", "substdefs", "include_file", "import_file"});

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && (text.back() == 'b' || text.back() == 'B')) {
    base = 2;
    text.remove_suffix(1);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  // Numbers are 32 bits, signed; a bit pattern in another base may use the sign bit, and -2147483648 is one number.
  const std::uint64_t most = base == 10 ? 2'147'483'648U : 0xffff'ffffU;
  if (value > most) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

Lexer::Lexer(std::string_view text, Position start, Diagnostics& diagnostics, std::optional<Position> at)
    : text_(text), position_(start), diagnostics_(diagnostics), fixed_(at), line_start_(!at.has_value()) {}

Position Lexer::here() const noexcept { return fixed_ ? *fixed_ : position_; }

Token Lexer::begin(TokenKind kind) const {
  Token token;
  token.kind = kind;
  token.where = here();
  token.space_before = space_before_;
  return token;
}

void Lexer::step() {
  const char c = text_[at_++];
  if (c == '\n') {
    ++position_.line;
    position_.column = 1;
    line_start_ = !fixed_;
  } else {
    ++position_.column;
    if (!is_space(c)) line_start_ = false;
  }
}

bool Lexer::at_directive() const {
  if (!line_start_) return false;
  if (peek() == '#' && peek(1) == '!') return is_letter(peek(2));
  if (peek() != '!' || peek(1) != '!') return false;
  std::string_view word = text_.substr(at_ + 2);
  std::size_t length = 0;
  while (length < word.size() && is_alnum(word[length])) ++length;
  word = word.substr(0, length);
  for (const auto known : bang_directives)
    if (word == known) return true;
  return false;
}

void Lexer::skip_comment_line() {
  while (more() && peek() != '\n') step();
}

void Lexer::skip_block_comment() {
  const Position start = here();
  int depth = 0;
  do {
    if (peek() == '/' && peek(1) == '*') {
      ++depth;
      step();
    } else if (peek() == '*' && peek(1) == '/') {
      --depth;
      step();
    }
    step();
  } while (depth > 0 && more());
  if (depth > 0) diagnostics_.error(start, "this comment is not closed", "comments nest: write one */ for each /*");
}

void Lexer::skip_space() {
  while (more()) {
    if (is_space(peek())) {
      step();
    } else if (at_directive()) {
      return;
    } else if (peek() == '#' || (peek() == '/' && peek(1) == '/')) {
      skip_comment_line();
    } else if (peek() == '/' && peek(1) == '*') {
      skip_block_comment();
    } else {
      return;
    }
    space_before_ = true;
  }
}

Token Lexer::next() {
  while (true) {
    skip_space();
    if (!more()) return begin(TokenKind::end);
    const bool after_case = std::exchange(after_case_, false);
    const char c = peek();
    Token token;
    if (at_directive()) {
      token = directive();
      after_case_ = after_case;
    } else if (is_letter(c)) {
      token = identifier();
    } else if (is_digit(c)) {
      token = number();
    } else if (c == '"') {
      token = double_quoted();
    } else if (c == '\'') {
      token = single_quoted();
    } else if (c == '$') {
      token = variable();
    } else if (c == '/' && after_case) {
      token = regex();
    } else {
      token = symbol();
    }
    space_before_ = false;
    if (token.kind != TokenKind::end) return token;  // a byte of no token was reported; go on behind it
  }
}

Token Lexer::next_directive() {
  while (more()) {
    while (more() && peek() != '\n' && is_space(peek())) step();
    if (at_directive()) return directive();
    skip_comment_line();
    if (more()) step();
  }
  return begin(TokenKind::end);
}

Token Lexer::directive() {
  Token token = begin(TokenKind::directive);
  step();
  step();
  while (is_alnum(peek())) {
    token.text += peek();
    step();
  }
  while (peek() == ' ' || peek() == '\t') step();
  token.extra_where = here();
  for (; more() && peek() != '\n'; step()) {
    // A backslash at the end of the line goes on in the next one.
    if (peek() == '\\' && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
      while (peek() != '\n') step();
      token.extra += '\n';
      continue;
    }
    token.extra += peek();
  }
  while (!token.extra.empty() && is_space(token.extra.back())) token.extra.pop_back();
  space_before_ = true;
  return token;
}

Token Lexer::identifier() {
  Token token = begin(TokenKind::identifier);
  while (is_alnum(peek())) {
    token.text += peek();
    step();
  }
  after_case_ = token.text == "case";
  return token;
}

Token Lexer::number() {
  Token token = begin(TokenKind::integer);
  while (is_alnum(peek())) {
    token.text += peek();
    step();
  }
  if (const auto value = parse_integer(token.text))
    token.number = *value;
  else
    token.kind = TokenKind::word;
  return token;
}

// One escape, standing on its backslash. An unknown one keeps both characters: `\.` and `\d` are for regular
// expressions.
void Lexer::escape(std::string& out) {
  const char c = peek(1);
  const auto plain = [&](char value) {
    out += value;
    step();
    step();
  };
  switch (c) {
    case 'n': return plain('\n');
    case 'r': return plain('\r');
    case 't': return plain('\t');
    case 'a': return plain('\a');
    case '\\': return plain('\\');
    case '"': return plain('"');
    case '\n':
      step();
      return step();
    default: break;
  }
  if (c == 'x' && base::hex_digit(peek(2)) >= 0) {
    int value = base::hex_digit(peek(2));
    step(), step(), step();
    if (base::hex_digit(peek()) >= 0) {
      value = value * 16 + base::hex_digit(peek());
      step();
    }
    out += static_cast<char>(value);
    return;
  }
  if (is_octal(c) && is_octal(peek(2))) {
    int value = (c - '0') * 8 + (peek(2) - '0');
    step(), step(), step();
    if (is_octal(peek()) && value * 8 + (peek() - '0') < 256) {
      value = value * 8 + (peek() - '0');
      step();
    }
    out += static_cast<char>(value);
    return;
  }
  out += '\\';
  step();
}

Token Lexer::double_quoted() {
  Token token = begin(TokenKind::string);
  token.joins = true;
  step();
  while (more() && peek() != '"') {
    if (peek() == '\\') {
      escape(token.text);
    } else {
      token.text += peek();
      step();
    }
  }
  if (more())
    step();
  else
    diagnostics_.error(token.where, "this string is not closed", "end it with \"");
  return token;
}

Token Lexer::single_quoted() {
  Token token = begin(TokenKind::string);
  step();
  while (more() && peek() != '\'') {
    token.text += peek();
    step();
  }
  if (more())
    step();
  else
    diagnostics_.error(token.where, "this string is not closed", "end it with '");
  return token;
}

void Lexer::take_balanced(std::string& out, const Position& start) {
  int depth = 0;
  do {
    if (peek() == '(') ++depth;
    if (peek() == ')') --depth;
    out += peek();
    step();
  } while (depth > 0 && more());
  if (depth > 0) diagnostics_.error(start, "the parentheses of this variable are not closed", "write one ) for each (");
}

// $name, $name(inner), $(name(inner){trans}[index]), $?; what the name means is not known here.
Token Lexer::variable() {
  Token token = begin(TokenKind::variable);
  token.text = '$';
  step();
  if (peek() == '(') {
    take_balanced(token.text, token.where);
    return token;
  }
  if (peek() == '?') {
    token.text += '?';
    step();
    return token;
  }
  if (!is_letter(peek())) {
    diagnostics_.error(token.where, "a $ with no variable name behind it", "write $name, $name(...) or $(name{...})");
    return token;
  }
  while (is_alnum(peek()) || (peek() == '.' && is_letter(peek(1)))) {
    token.text += peek();
    step();
  }
  if (peek() == '(') take_balanced(token.text, token.where);
  return token;
}

Token Lexer::regex() {
  Token token = begin(TokenKind::regex);
  step();
  while (more() && peek() != '/' && peek() != '\n') {
    if (peek() == '\\' && peek(1) == '/') step();
    token.text += peek();
    step();
  }
  if (peek() != '/') {
    diagnostics_.error(token.where, "this regular expression is not closed", "end it with /");
    return token;
  }
  step();
  while (is_letter(peek())) {
    token.extra += peek();
    step();
  }
  return token;
}

Token Lexer::symbol() {
  Token token = begin(TokenKind::symbol);
  for (const auto known : symbols) {
    if (text_.substr(at_, known.size()) != known) continue;
    token.text = known;
    for (std::size_t i = 0; i < known.size(); ++i) step();
    return token;
  }
  diagnostics_.error(token.where, in_quotes(text_.substr(at_, 1)) + " means nothing here",
                     "remove it or put it in quotes");
  step();
  token.kind = TokenKind::end;
  return token;
}

}  // namespace sipwsd::cfg
