#pragma once
// Tokens and trees as text, so that tests can be tables.

#include "src/base/overload.h"
#include "src/cfg/parser.h"

#include <map>
#include <string>
#include <vector>

namespace sipwsd::cfg::test {

inline std::string dump(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "END";
    case TokenKind::identifier: return token.text;
    case TokenKind::integer: return "#" + std::to_string(token.number);
    case TokenKind::word: return "?" + token.text;
    case TokenKind::string: return (token.joins ? "\"" : "'") + token.text + (token.joins ? "\"" : "'");
    case TokenKind::variable: return token.text;
    case TokenKind::regex: return "/" + token.text + "/" + token.extra;
    case TokenKind::symbol: return token.text;
    case TokenKind::directive: return "#!" + token.text + "<" + token.extra + ">";
  }
  return "?";
}

inline std::string dump(const std::vector<Token>& tokens) {
  std::string out;
  for (const auto& token : tokens)
    if (!token.is(TokenKind::end)) out += (out.empty() ? "" : " ") + dump(token);
  return out;
}

inline std::string dump(const Expression& e);
inline std::string dump(const ExpressionPtr& e) { return e ? dump(*e) : "-"; }

inline std::string dump(UnaryOperator op) {
  switch (op) {
    case UnaryOperator::logical_not: return "not";
    case UnaryOperator::negate: return "neg";
    case UnaryOperator::complement: return "~";
    case UnaryOperator::defined: return "defined";
    case UnaryOperator::to_int: return "int";
    case UnaryOperator::to_string: return "str";
  }
  return "?";
}

inline std::string dump(BinaryOperator op) {
  constexpr const char* names[] = {"or", "and", "|", "&", "^", "<<", ">>", "==", "!=", "=~", "eq", "ne",
                                   "ieq", "ine", "<", ">", "<=", ">=", "+", "-", "*", "/", "mod"};
  return names[static_cast<std::size_t>(op)];
}

inline std::string dump(const Expression& e) {
  return std::visit(
      base::Overload{[](const IntegerLiteral& n) { return std::to_string(n.value); },
                     [](const StringLiteral& n) { return '"' + n.text + '"'; },
                     [](const RegexLiteral& n) { return "/" + n.pattern + "/" + n.flags; },
                     [](const Variable& n) { return n.text; }, [](const Select& n) { return n.text; },
                     [](const Word& n) { return n.text; },
                     [](const Call& n) {
                       std::string out = n.name + "(";
                       for (const auto& a : n.arguments) out += (out.back() == '(' ? "" : ",") + dump(a);
                       return out + ")";
                     },
                     [](const Unary& n) { return "(" + dump(n.op) + " " + dump(n.operand) + ")"; },
                     [](const Binary& n) { return "(" + dump(n.left) + " " + dump(n.op) + " " + dump(n.right) + ")"; }},
      e.node);
}

inline std::string dump(const Block& block);

inline std::string dump(const Statement& s) {
  return std::visit(
      base::Overload{
          [](const If& n) {
            std::string out;
            for (const auto& b : n.branches) out += (out.empty() ? "if " : " elif ") + dump(b.condition) + dump(b.body);
            if (n.otherwise) out += " else" + dump(*n.otherwise);
            return out;
          },
          [](const While& n) { return "while " + dump(n.condition) + dump(n.body); },
          [](const Switch& n) {
            std::string out = "switch " + dump(n.subject);
            for (const auto& c : n.cases)
              out += " [" + (c.constant ? dump(c.constant) : "default") + "]" + dump(c.body);
            return out;
          },
          [](const Leave& n) {
            constexpr const char* names[] = {"break", "return", "exit", "drop"};
            return names[static_cast<std::size_t>(n.jump)] + (n.value ? " " + dump(n.value) : std::string());
          },
          [](const Assign& n) { return n.target + (n.op == AssignOperator::set ? " = " : " += ") + dump(n.value); },
          [](const Evaluate& n) { return dump(n.call); }, [](const Nested& n) { return dump(n.body); }},
      s.node);
}

inline std::string dump(const Block& block) {
  std::string out = "{";
  for (const auto& s : block) out += (out.size() == 1 ? "" : "; ") + dump(s);
  return out + "}";
}

inline std::string dump(const Value& value) {
  switch (value.kind) {
    case Value::Kind::integer: return "#" + std::to_string(value.number);
    case Value::Kind::string: return '"' + value.text + '"';
    case Value::Kind::word: return value.text;
  }
  return "?";
}

inline std::string dump(const Item& item) {
  return std::visit(base::Overload{[](const Global& n) {
                                     std::string out = n.name + " =";
                                     for (const auto& v : n.values) out += " " + dump(v);
                                     return out;
                                   },
                                   [](const LoadModule& n) { return "load " + n.name; },
                                   [](const ModParam& n) {
                                     return "param " + n.modules.text + "." + n.name.text + " = " + dump(n.value);
                                   },
                                   [](const FlagName& n) {
                                     return "flag " + n.name + (n.number ? ":" + std::to_string(*n.number) : "");
                                   },
                                   [](const RouteBlock& n) {
                                     constexpr const char* names[] = {"request", "named",  "onreply", "failure",
                                                                      "branch",  "onsend", "event"};
                                     return std::string(names[static_cast<std::size_t>(n.kind)]) + "[" + n.name + "]" +
                                            dump(n.body);
                                   }},
                    item);
}

inline std::string dump(const Program& program) {
  std::string out;
  for (const auto& item : program.items) out += (out.empty() ? "" : "\n") + dump(item);
  return out;
}

// A file system of strings, and the whole front end over it.
struct Files {
  std::map<std::string, std::string> texts;
  Reader reader() const {
    return [this](const std::string& path) -> Result<std::string> {
      const auto found = texts.find(path);
      if (found == texts.end()) return Error{Errc::not_found, "No such file or directory"};
      return found->second;
    };
  }
};

struct Outcome {
  Sources sources;
  Diagnostics diagnostics;
  Program program;
  // `line:column what; hint`, one a line
  std::string complaints() const {
    std::string out;
    for (const auto& d : diagnostics.all())
      out += (out.empty() ? "" : "\n") + std::to_string(d.where.line) + ":" + std::to_string(d.where.column) + " " +
             d.what + (d.hint.empty() ? "" : "; " + d.hint);
    return out;
  }
};

inline Outcome parse_text(std::string text, const Files& files = {}, const std::vector<Definition>& definitions = {}) {
  Outcome outcome;
  const auto file = outcome.sources.add("test.cfg", std::move(text));
  outcome.program = parse(outcome.sources, file, definitions, files.reader(), outcome.diagnostics);
  return outcome;
}

}  // namespace sipwsd::cfg::test
