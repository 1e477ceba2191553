#include "src/cfg/cursor.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sipwsd::cfg {
namespace {

constexpr auto route_words = std::to_array<std::string_view>({"route", "request_route", "onreply_route", "reply_route",
    "failure_route", "branch_route", "onsend_route", "event_route"});

bool is_text(const Token& token) {
  return token.is(TokenKind::identifier) || token.is(TokenKind::integer) || token.is(TokenKind::word);
}

}  // namespace

Cursor::Cursor(std::vector<Token> tokens, Diagnostics& diagnostics)
    : tokens_(std::move(tokens)), diagnostics_(diagnostics) {}

const Token& Cursor::peek(std::size_t ahead) const noexcept {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& Cursor::previous() const noexcept { return tokens_[at_ == 0 ? 0 : at_ - 1]; }

Token Cursor::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Cursor::accept(std::string_view symbol) {
  if (!peek().is(symbol)) return false;
  take();
  return true;
}

bool Cursor::expect(std::string_view symbol, std::string_view where) {
  if (accept(symbol)) return true;
  return fail_expected(std::string(symbol), std::string(where));
}

bool Cursor::starts_line() const noexcept {
  if (at_ == 0) return true;
  const Position& a = previous().where;
  const Position& b = peek().where;
  return a.line != b.line || a.file != b.file;
}

bool Cursor::at_route_block() const noexcept {
  if (!peek().is(TokenKind::identifier)) return false;
  if (std::find(route_words.begin(), route_words.end(), peek().text) == route_words.end()) return false;
  return peek(1).is("[") || peek(1).is("{");
}

bool Cursor::fail(std::string what, std::string hint) {
  return fail_at(peek().where, std::move(what), std::move(hint));
}

bool Cursor::fail_at(Position where, std::string what, std::string hint) {
  if (std::exchange(complained_at_, at_) != at_) diagnostics_.error(where, std::move(what), std::move(hint));
  return false;
}

void Cursor::warn(Position where, std::string what, std::string hint) {
  diagnostics_.warning(where, std::move(what), std::move(hint));
}

bool Cursor::fail_expected(std::string_view wanted, std::string hint) {
  return fail("expected " + std::string(wanted) + " before " + describe(peek()), std::move(hint));
}

std::string Cursor::take_bare(Bare where) {
  std::string text;
  bool address = where == Bare::value;
  int brackets = 0;
  for (bool first = true; !at_end(); first = false) {
    const Token& token = peek();
    const bool inside = brackets > 0;
    if (!first && token.space_before && !inside) break;
    if (is_text(token)) {
      text += take().text;
    } else if (token.is(":") || token.is(".")) {
      address = true;
      text += take().text;
    } else if (token.is("[") || (address && where == Bare::value && token.is("("))) {
      ++brackets;
      text += take().text;
    } else if (inside && (token.is("]") || token.is(")"))) {
      --brackets;
      address = true;
      text += take().text;
    } else if (inside && token.is(",")) {
      text += take().text;
    } else if (address && (token.is("-") || token.is("/"))) {
      text += take().text;
    } else if (where == Bare::value && (token.is("*") || token.is("+") || token.is("@"))) {
      text += take().text;
    } else {
      break;
    }
  }
  return text;
}

Cursor::Nesting::Nesting(Cursor& cursor) : cursor_(cursor), fits_(++cursor.depth_ <= nesting_limit) {
  if (!fits_) cursor.fail("nested more than 100 deep", "put the inner part into a route of its own");
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "the end of the file";
    case TokenKind::string: return "the string " + in_quotes(token.text);
    default: return in_quotes(token.text);
  }
}

}  // namespace sipwsd::cfg
