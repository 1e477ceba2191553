#pragma once
// The syntax tree of a configuration: top-level items in the order of the file, and route blocks with every statement
// and expression of the language (reference/routing-language.md 2-4). Names are as written: which parameters,
// functions, variables and routes exist is decided above this floor. Trees are bounded in depth by the parser.

#include "src/cfg/source.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sipwsd::cfg {

// --- expressions

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct IntegerLiteral { std::int64_t value = 0; };
struct StringLiteral { std::string text; };
struct RegexLiteral { std::string pattern, flags; };  // switch only
struct Variable { std::string text; };                // $ru, $hdr(Host), $(hdr(Via)[1]{s.len})
struct Select { std::string text; };                  // @to.tag
struct Word { std::string text; };                    // method, uri, myself, WS, msg:len, 10.0.0.0/8, udp:10.0.0.1:5060
struct Call {                                         // is_method("INVITE"), route(RELAY), strlen(e)
  std::string name;
  std::vector<ExpressionPtr> arguments;
};

enum class UnaryOperator : std::uint8_t { logical_not, negate, complement, defined, to_int, to_string };
struct Unary {
  UnaryOperator op{};
  ExpressionPtr operand;
};

enum class BinaryOperator : std::uint8_t {
  logical_or, logical_and, bit_or, bit_and, bit_xor, shift_left, shift_right,
  equal, not_equal, matches, equal_string, not_equal_string, equal_int, not_equal_int,
  less, greater, less_equal, greater_equal,
  add, subtract, multiply, divide, modulo,
};
struct Binary {
  BinaryOperator op{};
  ExpressionPtr left, right;
};

struct Expression {
  Position where;
  std::variant<IntegerLiteral, StringLiteral, RegexLiteral, Variable, Select, Word, Call, Unary, Binary> node;
};

// --- statements

struct Statement;
using Block = std::vector<Statement>;

struct Branch {
  ExpressionPtr condition;
  Block body;
};
struct If {  // if, then every `else if`; `otherwise` is the last else
  std::vector<Branch> branches;
  std::optional<Block> otherwise;
};
struct While {
  ExpressionPtr condition;
  Block body;
};
struct Case {  // execution falls through into the next one
  Position where;
  ExpressionPtr constant;  // integer, string or regex; null is `default`
  Block body;
};
struct Switch {
  ExpressionPtr subject;
  std::vector<Case> cases;
};
enum class Jump : std::uint8_t { break_, return_, exit, drop };
struct Leave {
  Jump jump{};
  ExpressionPtr value;  // may be null
};
enum class AssignOperator : std::uint8_t { set, append };
struct Assign {
  std::string target;  // a variable
  AssignOperator op{};
  ExpressionPtr value;
};
struct Evaluate { ExpressionPtr call; };
struct Nested { Block body; };  // { } as a statement

struct Statement {
  Position where;
  std::variant<If, While, Switch, Leave, Assign, Evaluate, Nested> node;
};

// --- top level

enum class RouteKind : std::uint8_t { request, named, onreply, failure, branch, onsend, event };
struct RouteBlock {
  Position where;
  RouteKind kind{};
  std::string name;  // empty for the main one of its kind; "xhttp:request" for an event
  Block body;
};

// What may stand behind a parameter: a number, a string, or bare text such as yes, LOG_DAEMON, udp:10.0.0.1:5060.
struct Value {
  enum class Kind : std::uint8_t { integer, string, word } kind{};
  std::string text;  // as written, without quotes
  std::int64_t number = 0;
  Position where;
};

struct Global {  // name = values; also `group.name = value`
  Position where;
  std::string name;
  std::vector<Value> values;  // never empty
};
struct LoadModule {
  Position where;  // of the name
  std::string name;
};
struct ModParam {
  Position where;
  Value modules;  // "a|b"
  Value name;
  Value value;
};
struct FlagName {  // flags ACC:1, MISSED:2
  Position where;
  std::string name;
  std::optional<std::int64_t> number;
};

using Item = std::variant<Global, LoadModule, ModParam, FlagName, RouteBlock>;

struct Program {
  std::vector<Item> items;  // in the order of the file: a modparam must follow its loadmodule
};

}  // namespace sipwsd::cfg
