#include "src/cfg/expression_parser.h"

#include <array>
#include <utility>

namespace sipwsd::cfg {
namespace {

struct OperatorRow {
  std::string_view spelling;
  BinaryOperator op;
  int precedence;  // higher binds tighter
};

constexpr auto binary_operators = std::to_array<OperatorRow>({
    {"or", BinaryOperator::logical_or, 1},        {"||", BinaryOperator::logical_or, 1},
    {"and", BinaryOperator::logical_and, 2},      {"&&", BinaryOperator::logical_and, 2},
    {"|", BinaryOperator::bit_or, 3},             {"&", BinaryOperator::bit_and, 4},
    {"^", BinaryOperator::bit_xor, 5},            {"<<", BinaryOperator::shift_left, 6},
    {">>", BinaryOperator::shift_right, 6},       {"==", BinaryOperator::equal, 7},
    {"!=", BinaryOperator::not_equal, 7},         {"=~", BinaryOperator::matches, 7},
    {"!~", BinaryOperator::matches, 7},           {"eq", BinaryOperator::equal_string, 7},
    {"ne", BinaryOperator::not_equal_string, 7},  {"ieq", BinaryOperator::equal_int, 7},
    {"ine", BinaryOperator::not_equal_int, 7},    {"<", BinaryOperator::less, 8},
    {">", BinaryOperator::greater, 8},            {"<=", BinaryOperator::less_equal, 8},
    {">=", BinaryOperator::greater_equal, 8},     {"+", BinaryOperator::add, 9},
    {"-", BinaryOperator::subtract, 9},           {"*", BinaryOperator::multiply, 10},
    {"/", BinaryOperator::divide, 10},            {"mod", BinaryOperator::modulo, 10},
});

template <typename Node>
ExpressionPtr make(Position where, Node node) {
  return std::make_unique<Expression>(Expression{where, std::move(node)});
}

const OperatorRow* binary_operator(const Token& token) {
  if (!token.is(TokenKind::identifier) && !token.is(TokenKind::symbol)) return nullptr;
  for (const auto& row : binary_operators)
    if (token.text == row.spelling) return &row;
  return nullptr;
}

ExpressionPtr parse_unary(Cursor& cursor);

ExpressionPtr parse_binary(Cursor& cursor, int lowest) {
  const Cursor::Nesting nesting(cursor);
  if (!nesting) return nullptr;
  ExpressionPtr left = parse_unary(cursor);
  while (left) {
    const OperatorRow* row = binary_operator(cursor.peek());
    if (row == nullptr || row->precedence < lowest) break;
    if (++cursor.operators > Cursor::operator_limit) {
      cursor.fail("an expression with more than 1000 operators", "use variables for its parts");
      return nullptr;
    }
    const Token token = cursor.take();
    ExpressionPtr right = parse_binary(cursor, row->precedence + 1);
    if (!right) return nullptr;
    left = make(token.where, Binary{row->op, std::move(left), std::move(right)});
    if (token.text == "!~") left = make(token.where, Unary{UnaryOperator::logical_not, std::move(left)});
  }
  return left;
}

ExpressionPtr prefixed(Cursor& cursor, UnaryOperator op, int tokens) {
  const Position where = cursor.peek().where;
  for (int i = 0; i < tokens; ++i) cursor.take();
  ExpressionPtr operand = parse_unary(cursor);
  if (!operand) return nullptr;
  if (op == UnaryOperator::negate)
    if (auto* literal = std::get_if<IntegerLiteral>(&operand->node)) {
      literal->value = -literal->value;
      operand->where = where;
      return operand;
    }
  return make(where, Unary{op, std::move(operand)});
}

// 32 bits, signed: a bit pattern in another base than ten may set the sign.
ExpressionPtr integer(Cursor& cursor, bool negative) {
  const Token token = cursor.take();
  std::int64_t value = token.number;
  const bool decimal =
      token.text == "0" || (token.text[0] != '0' && token.text.back() != 'b' && token.text.back() != 'B');
  if (!decimal) value = static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  if (decimal && value == 2'147'483'648 && !negative) {
    cursor.fail_at(token.where, "the number is too large", "the largest is 2147483647");
    return nullptr;
  }
  return make(token.where, IntegerLiteral{value});
}

ExpressionPtr select(Cursor& cursor) {
  const Position where = cursor.take().where;
  std::string text = "@" + cursor.take_bare(Cursor::Bare::value);
  if (text.size() == 1) {
    cursor.fail_expected("a name");
    return nullptr;
  }
  return make(where, Select{std::move(text)});
}

// A word, an address, or a call.
ExpressionPtr named(Cursor& cursor) {
  const Position where = cursor.peek().where;
  const Token& next = cursor.peek(1);
  if (cursor.peek().is(TokenKind::identifier) && next.is("(")) {
    Call call{cursor.take().text, {}};
    if (!parse_arguments(cursor, call.arguments)) return nullptr;
    return make(where, std::move(call));
  }
  if (cursor.peek().is(TokenKind::identifier) && binary_operator(cursor.peek()) != nullptr) {
    cursor.fail_expected("a value");
    return nullptr;
  }
  const bool longer = !next.space_before && (next.is(".") || next.is(":"));
  if (cursor.peek().is(TokenKind::word) && !longer) {
    cursor.fail(in_quotes(cursor.peek().text) + " is no number", "numbers are 32 bits: 10, 0x1f, 017, 101b");
    return nullptr;
  }
  return make(where, Word{longer ? cursor.take_bare(Cursor::Bare::expression) : cursor.take().text});
}

ExpressionPtr parse_primary(Cursor& cursor, bool negative) {
  const Token& token = cursor.peek();
  const Token& next = cursor.peek(1);
  switch (token.kind) {
    case TokenKind::integer:
      if (!next.space_before && (next.is(".") || next.is(":"))) return named(cursor);
      return integer(cursor, negative);
    case TokenKind::string: {
      const Position where = token.where;
      return make(where, StringLiteral{take_string(cursor)});
    }
    case TokenKind::variable: {
      Token variable = cursor.take();
      return make(variable.where, Variable{std::move(variable.text)});
    }
    case TokenKind::identifier:
    case TokenKind::word: return named(cursor);
    default: break;
  }
  if (token.is("@")) return select(cursor);
  if (token.is("[")) {
    const Position where = token.where;
    return make(where, Word{cursor.take_bare(Cursor::Bare::expression)});
  }
  if (token.is("(")) {
    cursor.take();
    ExpressionPtr inner = parse_binary(cursor, 1);
    if (!inner) return nullptr;
    if (!cursor.peek().is(")")) explain_foreign_operator(cursor);
    if (!cursor.expect(")", "")) return nullptr;
    return inner;
  }
  cursor.fail_expected("a value");
  return nullptr;
}

ExpressionPtr parse_unary(Cursor& cursor) {
  const Cursor::Nesting nesting(cursor);
  if (!nesting) return nullptr;
  const Token& token = cursor.peek();
  if (token.is("!") || token.is_word("not")) return prefixed(cursor, UnaryOperator::logical_not, 1);
  if (token.is("~")) return prefixed(cursor, UnaryOperator::complement, 1);
  if (token.is_word("defined")) return prefixed(cursor, UnaryOperator::defined, 1);
  if (token.is("(") && cursor.peek(2).is(")")) {
    if (cursor.peek(1).is_word("int")) return prefixed(cursor, UnaryOperator::to_int, 3);
    if (cursor.peek(1).is_word("str")) return prefixed(cursor, UnaryOperator::to_string, 3);
  }
  if (token.is("-")) {
    if (!cursor.peek(1).is(TokenKind::integer)) return prefixed(cursor, UnaryOperator::negate, 1);
    const Position where = cursor.take().where;
    ExpressionPtr literal = parse_primary(cursor, true);
    if (!literal) return nullptr;
    if (auto* value = std::get_if<IntegerLiteral>(&literal->node)) {
      value->value = -value->value;
      literal->where = where;
      return literal;
    }
    return make(where, Unary{UnaryOperator::negate, std::move(literal)});
  }
  return parse_primary(cursor, false);
}

}  // namespace

ExpressionPtr parse_expression(Cursor& cursor) {
  if (cursor.expressions == 0) cursor.operators = 0;
  ++cursor.expressions;
  ExpressionPtr expression = parse_binary(cursor, 1);
  --cursor.expressions;
  return expression;
}

ExpressionPtr parse_constant(Cursor& cursor) {
  const Token token = cursor.peek();
  const bool negative = token.is("-") && cursor.peek(1).is(TokenKind::integer);
  if (negative) cursor.take();
  if (cursor.peek().is(TokenKind::integer)) {
    ExpressionPtr constant = integer(cursor, negative);
    if (constant && negative) {
      auto& literal = std::get<IntegerLiteral>(constant->node);
      literal.value = -literal.value;
      constant->where = token.where;
    }
    return constant;
  }
  if (token.is(TokenKind::string)) return make(token.where, StringLiteral{take_string(cursor)});
  if (token.is(TokenKind::regex)) {
    cursor.take();
    return make(token.where, RegexLiteral{token.text, token.extra});
  }
  cursor.fail_expected("a constant", "write case 1:, case \"text\": or case /regex/:");
  return nullptr;
}

bool parse_arguments(Cursor& cursor, std::vector<ExpressionPtr>& arguments) {
  if (!cursor.expect("(", "")) return false;
  if (cursor.accept(")")) return true;
  do {
    ExpressionPtr argument = parse_expression(cursor);
    if (!argument) return false;
    arguments.push_back(std::move(argument));
  } while (cursor.accept(","));
  if (!cursor.peek().is(")")) explain_foreign_operator(cursor);
  return cursor.expect(")", "arguments are parted by commas");
}

void explain_foreign_operator(Cursor& cursor) {
  const Token& token = cursor.peek();
  if (token.is(".")) cursor.fail("there is no operator .", "join strings with +");
  else if (token.is("%")) cursor.fail("there is no operator %", "write mod");
  else if (token.is("?")) cursor.fail("there is no operator ?", "write if ... else ...");
  else if (token.is("=")) cursor.fail("= assigns, it does not compare", "write ==");
}

std::string take_string(Cursor& cursor) {
  Token first = cursor.take();
  while (first.joins && cursor.peek().is(TokenKind::string) && cursor.peek().joins) first.text += cursor.take().text;
  return std::move(first.text);
}

}  // namespace sipwsd::cfg
