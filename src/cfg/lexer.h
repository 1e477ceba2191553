#pragma once
// Bytes of one file to tokens (reference/routing-language.md 1). Preprocessor lines come out as directive tokens:
// they may stand anywhere between two tokens, even inside an expression. Errors are reported and stepped over; the
// stream always ends with one TokenKind::end.

#include "src/cfg/diagnostic.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::cfg {

enum class TokenKind : std::uint8_t {
  end,
  identifier,  // text
  integer,     // text as written, number
  word,        // letters and digits that are no number, like the 0db8 of an address
  string,      // text, escapes done
  variable,    // text from the $ to the end of its parentheses
  regex,       // text between the slashes, extra: its flags; only after `case`
  symbol,      // text: ( ) { } [ ] ; , : . = == ...
  directive,   // text: the word after #!, extra: the rest of the line
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  std::string extra;
  std::int64_t number = 0;
  Position where;
  Position extra_where;           // where `extra` begins
  bool space_before = true;       // also a comment or a line end; host names are tokens with none between
  bool joins = false;             // a "string" next to a "string" is one string; 'strings' are not joined

  bool is(TokenKind wanted) const noexcept { return kind == wanted; }
  bool is(std::string_view symbol) const noexcept { return kind == TokenKind::symbol && text == symbol; }
  bool is_word(std::string_view word) const noexcept { return kind == TokenKind::identifier && text == word; }
};

class Lexer {
 public:
  // The text must outlive the lexer. With `at`, every token says it stands there: the text was put in for a word.
  Lexer(std::string_view text, Position start, Diagnostics& diagnostics, std::optional<Position> at = std::nullopt);

  Token next();
  // The next directive at the start of a line; what lies before it is not even looked at as tokens, because a branch
  // that is not taken may hold anything. The end token when there is none.
  Token next_directive();

 private:
  char peek(std::size_t ahead = 0) const noexcept { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool more() const noexcept { return at_ < text_.size(); }
  void step();
  void skip_space();
  void skip_comment_line();
  void skip_block_comment();
  bool at_directive() const;
  Position here() const noexcept;
  Token begin(TokenKind kind) const;

  Token directive();
  Token identifier();
  Token number();
  Token double_quoted();
  Token single_quoted();
  Token variable();
  Token regex();
  Token symbol();
  void escape(std::string& out);
  void take_balanced(std::string& out, const Position& start);

  std::string_view text_;
  std::size_t at_ = 0;
  Position position_;
  Diagnostics& diagnostics_;
  std::optional<Position> fixed_;
  bool line_start_ = true;     // nothing but white space yet on this line
  bool space_before_ = true;
  bool after_case_ = false;    // a slash now begins a regular expression
};

// Decimal, 0x hexadecimal, 0 octal, binary with a b at the end; at most 32 bits. Nothing when it is none of these.
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

}  // namespace sipwsd::cfg
