#pragma once
// Where the parser is in the tokens: look, take, expect, complain once a place. Also counts how deep rules are nested,
// so that no input makes the parser, or the destructor of its tree, run out of stack.

#include "src/cfg/diagnostic.h"
#include "src/cfg/lexer.h"

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::cfg {

class Cursor {
 public:
  static constexpr int nesting_limit = 100;       // blocks and parentheses
  static constexpr int operator_limit = 1000;     // of one expression

  Cursor(std::vector<Token> tokens, Diagnostics& diagnostics);

  const Token& peek(std::size_t ahead = 0) const noexcept;
  const Token& previous() const noexcept;
  Token take();
  bool accept(std::string_view symbol);
  // Takes `symbol`, or says that it is missing and returns false.
  bool expect(std::string_view symbol, std::string_view where);

  bool at_end() const noexcept { return peek().is(TokenKind::end); }
  bool exhausted() const noexcept { return diagnostics_.exhausted(); }
  bool starts_line() const noexcept;              // the next token is the first of its line
  bool at_route_block() const noexcept;           // route[...] {, request_route {, event_route[...] ...

  // Always false, for `return cursor.fail(...)`. A second complaint about the same token is swallowed.
  bool fail(std::string what, std::string hint = {});
  bool fail_at(Position where, std::string what, std::string hint = {});
  void warn(Position where, std::string what, std::string hint = {});
  // "expected X before Y" about the next token.
  bool fail_expected(std::string_view wanted, std::string hint = {});

  // The next tokens as one text while no space parts them: sip-1.example.org, [2001:db8::1]:5060, tcp:(a, b):80.
  // In an expression `-`, `/` and parentheses are operators, unless an address has begun.
  enum class Bare { value, expression };
  std::string take_bare(Bare where);

  // One rule inside another. False (and reported) when there are too many.
  class Nesting {
   public:
    explicit Nesting(Cursor& cursor);
    ~Nesting() { --cursor_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    explicit operator bool() const noexcept { return fits_; }

   private:
    Cursor& cursor_;
    bool fits_;
  };

  int operators = 0;       // in the present expression
  int expressions = 0;     // expressions that are being parsed, one in another
  bool unclosed = false;   // a block was left because the next route block began: its parents leave silently

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t complained_at_ = static_cast<std::size_t>(-1);
  int depth_ = 0;
  Diagnostics& diagnostics_;
};

// How a diagnostic names a token.
std::string describe(const Token& token);

}  // namespace sipwsd::cfg
