#include "src/cfg/statement_parser.h"

#include "src/cfg/expression_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace sipwsd::cfg {
namespace {

std::optional<Statement> parse_statement(Cursor& cursor);

constexpr auto statement_words = std::to_array<std::string_view>(
    {"if", "else", "while", "switch", "case", "default", "break", "return", "exit", "drop", "route"});

// Behind the next `;`, or in front of the `}` that ends this block; blocks on the way are skipped whole.
void skip_statement(Cursor& cursor) {
  int depth = 0;
  while (!cursor.at_end() && !cursor.at_route_block()) {
    if (depth == 0 && cursor.peek().is("}")) return;
    const Token token = cursor.take();
    if (token.is("{")) ++depth;
    if (token.is("}") && --depth == 0) return;
    if (token.is(";") && depth == 0) return;
  }
}

// `;` ends it; the one before a `}` may not be left out either.
bool end_statement(Cursor& cursor) {
  if (cursor.accept(";")) return true;
  explain_foreign_operator(cursor);
  return cursor.fail_expected(";");
}

// A block, or one statement; `;` alone is an empty one.
bool parse_body(Cursor& cursor, Block& body) {
  if (cursor.peek().is("{")) return parse_block(cursor, body);
  if (cursor.accept(";")) return true;
  auto statement = parse_statement(cursor);
  if (!statement) return false;
  body.push_back(std::move(*statement));
  return true;
}

bool parse_branch(Cursor& cursor, If& node) {
  Branch branch;
  branch.condition = parse_expression(cursor);
  if (!branch.condition) return false;
  if (!parse_body(cursor, branch.body)) return false;
  node.branches.push_back(std::move(branch));
  return true;
}

bool parse_if(Cursor& cursor, If& node) {
  if (!parse_branch(cursor, node)) return false;
  while (cursor.peek().is_word("else")) {
    cursor.take();
    if (cursor.peek().is_word("if")) {
      cursor.take();
      if (!parse_branch(cursor, node)) return false;
      continue;
    }
    return parse_body(cursor, node.otherwise.emplace());
  }
  return true;
}

bool parse_while(Cursor& cursor, While& node) {
  node.condition = parse_expression(cursor);
  return node.condition && parse_body(cursor, node.body);
}

// All constants of a switch have one type, and no integer comes twice.
bool check_case(Cursor& cursor, const Switch& node, const Expression& constant) {
  for (const Case& other : node.cases) {
    if (!other.constant) continue;
    const auto* number = std::get_if<IntegerLiteral>(&constant.node);
    const auto* seen = std::get_if<IntegerLiteral>(&other.constant->node);
    if ((number == nullptr) != (seen == nullptr))
      return cursor.fail_at(constant.where, "the constants of a switch must all be numbers or all be text",
                            "compare one kind here and the other in an if");
    if (number != nullptr && number->value == seen->value)
      return cursor.fail_at(constant.where, "case " + std::to_string(number->value) + " is there already",
                            "remove one");
  }
  return true;
}

bool parse_case(Cursor& cursor, Switch& node) {
  Case entry;
  const Token word = cursor.take();
  entry.where = word.where;
  if (word.text == "case") {
    entry.constant = parse_constant(cursor);
    if (!entry.constant || !check_case(cursor, node, *entry.constant)) return false;
  } else if (std::any_of(node.cases.begin(), node.cases.end(), [](const Case& c) { return !c.constant; })) {
    return cursor.fail_at(word.where, "a second default in one switch", "remove one");
  }
  if (!cursor.expect(":", "")) return false;
  node.cases.push_back(std::move(entry));
  return true;
}

bool parse_switch(Cursor& cursor, Switch& node) {
  node.subject = parse_expression(cursor);
  if (!node.subject) return false;
  const Position open = cursor.peek().where;
  if (!cursor.expect("{", "write switch (value) { case 1: ... }")) return false;
  while (!cursor.peek().is("}")) {
    if (cursor.at_end() || cursor.at_route_block()) {
      cursor.unclosed = true;
      return cursor.fail_at(open, "this { is never closed", "write the missing }");
    }
    if (cursor.peek().is_word("case") || cursor.peek().is_word("default")) {
      if (!parse_case(cursor, node)) skip_statement(cursor);
      continue;
    }
    if (node.cases.empty()) {
      cursor.fail_expected("case");
      skip_statement(cursor);
    } else if (!cursor.accept(";")) {
      auto statement = parse_statement(cursor);
      if (cursor.unclosed) return false;
      if (statement)
        node.cases.back().body.push_back(std::move(*statement));
      else
        skip_statement(cursor);
    }
    if (cursor.exhausted()) return false;
  }
  cursor.take();
  return true;
}

std::optional<Jump> jump(const Token& token) {
  if (token.is_word("break")) return Jump::break_;
  if (token.is_word("return")) return Jump::return_;
  if (token.is_word("exit")) return Jump::exit;
  if (token.is_word("drop")) return Jump::drop;
  return std::nullopt;
}

bool parse_leave(Cursor& cursor, Leave& node) {
  if (cursor.peek().is("(") && cursor.peek(1).is(")")) {
    cursor.take();
    cursor.take();
  } else if (!cursor.peek().is(";") && node.jump != Jump::break_) {
    node.value = parse_expression(cursor);
    if (!node.value) return false;
  }
  return end_statement(cursor);
}

bool parse_assign(Cursor& cursor, Assign& node) {
  node.target = cursor.take().text;
  if (cursor.accept("+=")) {
    node.op = AssignOperator::append;
  } else if (cursor.peek().is("-=")) {
    return cursor.fail("there is no operator -=", "write " + node.target + " = " + node.target + " - ...");
  } else if (!cursor.accept("=")) {
    return cursor.fail_expected("=", "a statement that begins with a variable assigns to it");
  }
  node.value = parse_expression(cursor);
  return node.value && end_statement(cursor);
}

bool parse_call(Cursor& cursor, Evaluate& node) {
  const Token& name = cursor.peek();
  if (!cursor.peek(1).is("(")) {
    if (name.text == "else") return cursor.fail("else without an if", "is there a ; or } too many in front of it?");
    if (name.text == "case" || name.text == "default") return cursor.fail(name.text + " outside a switch", "remove it");
    return cursor.fail("expected ( after " + in_quotes(name.text),
                       did_you_mean(name.text, statement_words, "functions are called as " + name.text + "()"));
  }
  node.call = parse_expression(cursor);
  if (!node.call) return false;
  if (!std::holds_alternative<Call>(node.call->node))
    return cursor.fail_at(node.call->where, "the value of this is not used", "a statement is a call or an assignment");
  return end_statement(cursor);
}

template <typename Node, typename Rule>
std::optional<Statement> statement(Cursor& cursor, Position where, Node node, Rule rule) {
  if (!rule(cursor, node)) return std::nullopt;
  return Statement{where, std::move(node)};
}

std::optional<Statement> parse_statement(Cursor& cursor) {
  const Cursor::Nesting nesting(cursor);
  if (!nesting) return std::nullopt;
  const Token& token = cursor.peek();
  const Position where = token.where;
  if (token.is("{"))
    return statement(cursor, where, Nested{}, [](Cursor& c, Nested& node) { return parse_block(c, node.body); });
  if (token.is(TokenKind::variable)) return statement(cursor, where, Assign{}, parse_assign);
  if (!token.is(TokenKind::identifier)) {
    cursor.fail_expected("a statement");
    return std::nullopt;
  }
  if (const auto leave = jump(token)) {
    cursor.take();
    return statement(cursor, where, Leave{*leave, nullptr}, parse_leave);
  }
  const auto keyword = [&](std::string_view word) {
    if (!token.is_word(word)) return false;
    cursor.take();
    return true;
  };
  if (keyword("if")) return statement(cursor, where, If{}, parse_if);
  if (keyword("while")) return statement(cursor, where, While{}, parse_while);
  if (keyword("switch")) return statement(cursor, where, Switch{}, parse_switch);
  return statement(cursor, where, Evaluate{}, parse_call);
}

}  // namespace

bool parse_block(Cursor& cursor, Block& block) {
  const Cursor::Nesting nesting(cursor);
  if (!nesting) return false;
  const Position open = cursor.peek().where;
  if (!cursor.expect("{", "")) return false;
  while (!cursor.peek().is("}")) {
    if (cursor.at_end() || cursor.at_route_block()) {
      cursor.unclosed = true;
      return cursor.fail_at(open, "this { is never closed", "write the missing }");
    }
    if (cursor.accept(";")) continue;
    auto statement = parse_statement(cursor);
    if (cursor.unclosed || cursor.exhausted()) return false;
    if (statement)
      block.push_back(std::move(*statement));
    else
      skip_statement(cursor);
  }
  cursor.take();
  return true;
}

}  // namespace sipwsd::cfg
