#include "src/cfg/parser.h"

#include "src/cfg/expression_parser.h"
#include "src/cfg/statement_parser.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace sipwsd::cfg {
namespace {

constexpr auto top_level_words = std::to_array<std::string_view>({"loadmodule", "loadpath", "modparam", "flags",
    "route", "request_route", "onreply_route", "reply_route", "failure_route", "branch_route", "onsend_route",
    "event_route", "include_file", "import_file"});

bool is_top_level_word(const Token& token) {
  return token.is(TokenKind::identifier) &&
         std::find(top_level_words.begin(), top_level_words.end(), token.text) != top_level_words.end();
}

class TopLevel {
 public:
  explicit TopLevel(Cursor& cursor) : cursor_(cursor) {}
  Program run();

 private:
  bool item();
  bool global();
  bool load_module();
  bool load_path();
  bool mod_param();
  bool flags();
  bool route_block();
  std::optional<Value> value();
  bool another_value() const;
  std::optional<std::string> route_name();
  void skip_item();

  Cursor& cursor_;
  Program program_;
  std::map<std::pair<RouteKind, std::string>, Position> routes_;
};

Program TopLevel::run() {
  while (!cursor_.at_end() && !cursor_.exhausted()) {
    if (cursor_.accept(";")) continue;
    if (!item() && !std::exchange(cursor_.unclosed, false)) skip_item();
  }
  return std::move(program_);
}

// To the first word of a later line that is outside all braces.
void TopLevel::skip_item() {
  int depth = 0;
  do {
    const Token token = cursor_.take();
    if (token.is("{")) ++depth;
    if (token.is("}") && depth > 0) --depth;
  } while (!cursor_.at_end() && !cursor_.at_route_block() &&
           (depth > 0 || !cursor_.starts_line() || !cursor_.peek().is(TokenKind::identifier)));
}

bool TopLevel::item() {
  const Token& token = cursor_.peek();
  if (!token.is(TokenKind::identifier)) {
    if (token.is("}")) return cursor_.fail("this } closes nothing", "remove it");
    return cursor_.fail_expected("a parameter, loadmodule, modparam or a route block");
  }
  const Token& next = cursor_.peek(1);
  if (cursor_.at_route_block()) return route_block();
  if (token.text == "loadmodule" && !next.is("=")) return load_module();
  if ((token.text == "loadpath" || token.text == "mpath") && !next.is("=")) return load_path();
  if (token.text == "modparam") return mod_param();
  if (token.text == "flags" && !next.is("=")) return flags();
  if (next.is("=") || next.is(".")) return global();
  if (is_top_level_word(token)) return cursor_.fail("expected { after " + in_quotes(token.text));
  if (next.is("(") || next.is("{") || next.is("[") || next.is(TokenKind::string))
    return cursor_.fail(in_quotes(token.text) + " means nothing at the top level",
                        did_you_mean(token.text, top_level_words, "functions are called inside route blocks"));
  cursor_.take();
  return cursor_.fail_expected("= after " + in_quotes(token.text), "parameters are set as name=value");
}

std::optional<Value> TopLevel::value() {
  Value value;
  value.where = cursor_.peek().where;
  const bool negative = cursor_.peek().is("-") && cursor_.peek(1).is(TokenKind::integer);
  const Token& token = cursor_.peek(negative ? 1 : 0);
  const Token& next = cursor_.peek(negative ? 2 : 1);
  if (token.is(TokenKind::string)) {
    value.kind = Value::Kind::string;
    value.text = cursor_.take().text;
    return value;
  }
  const bool alone = next.space_before || next.is(";") || next.is(",") || next.is(")") || next.is(TokenKind::end);
  if (token.is(TokenKind::integer) && alone) {
    value.kind = Value::Kind::integer;
    if (negative) cursor_.take();
    const Token number = cursor_.take();
    value.text = (negative ? "-" : "") + number.text;
    value.number = negative ? -number.number : number.number;
    return value;
  }
  value.kind = Value::Kind::word;
  value.text = cursor_.take_bare(Cursor::Bare::value);
  if (value.text.empty()) {
    cursor_.fail_expected("a value");
    return std::nullopt;
  }
  return value;
}

// Values need no separator and a global needs no end, so what follows must not look like the next item.
bool TopLevel::another_value() const {
  const Token& token = cursor_.peek();
  const Token& next = cursor_.peek(1);
  switch (token.kind) {
    case TokenKind::string:
    case TokenKind::integer:
    case TokenKind::word: return true;
    case TokenKind::symbol: return token.is("[") || token.is("*") || token.is("-");
    case TokenKind::identifier: break;
    default: return false;
  }
  if (is_top_level_word(token) || next.is("=") || next.is("{")) return false;
  if (next.is(".") && cursor_.peek(3).is("=")) return false;
  return !cursor_.starts_line() || !(next.is("(") || next.is(TokenKind::string));
}

bool TopLevel::global() {
  Global global;
  global.where = cursor_.peek().where;
  global.name = cursor_.take().text;
  if (cursor_.accept(".")) {
    if (!cursor_.peek().is(TokenKind::identifier)) return cursor_.fail_expected("a name");
    global.name += "." + cursor_.take().text;
  }
  if (!cursor_.expect("=", "parameters are set as name=value")) return false;
  do {
    auto next = value();
    if (!next) return false;
    global.values.push_back(std::move(*next));
  } while (another_value());
  if (!cursor_.accept(";") && !cursor_.at_end() && !cursor_.peek().is(TokenKind::identifier))
    return cursor_.fail_expected("; or the next line");
  program_.items.emplace_back(std::move(global));
  return true;
}

bool TopLevel::load_module() {
  cursor_.take();
  const bool parentheses = cursor_.accept("(");
  if (!cursor_.peek().is(TokenKind::string))
    return cursor_.fail_expected("a module name", "write loadmodule \"name\"");
  const Position where = cursor_.peek().where;
  program_.items.emplace_back(LoadModule{where, take_string(cursor_)});
  return !parentheses || cursor_.expect(")", "");
}

// `loadpath "a:b"`: the same as the global mpath.
bool TopLevel::load_path() {
  Global global;
  const Token name = cursor_.take();
  global.where = name.where;
  global.name = "mpath";
  if (!cursor_.peek().is(TokenKind::string))
    return cursor_.fail_expected("a path", "write " + name.text + " \"directory\"");
  Value path;
  path.kind = Value::Kind::string;
  path.where = cursor_.peek().where;
  path.text = take_string(cursor_);
  global.values.push_back(std::move(path));
  program_.items.emplace_back(std::move(global));
  return true;
}

bool TopLevel::mod_param() {
  constexpr std::string_view form = "write modparam(\"module\", \"parameter\", value)";
  cursor_.take();
  if (!cursor_.expect("(", form)) return false;
  const auto text = [&]() -> std::optional<Value> {
    if (!cursor_.peek().is(TokenKind::string)) {
      cursor_.fail_expected("a string", std::string(form));
      return std::nullopt;
    }
    Value value;
    value.kind = Value::Kind::string;
    value.where = cursor_.peek().where;
    value.text = take_string(cursor_);
    return value;
  };
  ModParam param;
  auto modules = text();
  if (!modules || !cursor_.expect(",", form)) return false;
  auto name = text();
  if (!name || !cursor_.expect(",", form)) return false;
  auto setting = cursor_.peek().is(TokenKind::string) ? text() : value();
  if (!setting || !cursor_.expect(")", form)) return false;
  param.where = modules->where;
  param.modules = std::move(*modules);
  param.name = std::move(*name);
  param.value = std::move(*setting);
  program_.items.emplace_back(std::move(param));
  return true;
}

bool TopLevel::flags() {
  cursor_.take();
  do {
    if (!cursor_.peek().is(TokenKind::identifier)) return cursor_.fail_expected("a flag name");
    FlagName flag{cursor_.peek().where, cursor_.take().text, std::nullopt};
    if (cursor_.accept(":")) {
      if (!cursor_.peek().is(TokenKind::integer)) return cursor_.fail_expected("a flag number");
      flag.number = cursor_.take().number;
    }
    program_.items.emplace_back(std::move(flag));
  } while (cursor_.accept(","));
  return true;
}

// [NAME] with an identifier, a number, a string, or mod:name; [0] is the same as no name at all.
std::optional<std::string> TopLevel::route_name() {
  if (!cursor_.accept("[")) return std::string();
  std::string name;
  while (!cursor_.peek().is("]")) {
    const Token& token = cursor_.peek();
    const bool part = token.is(TokenKind::identifier) || token.is(TokenKind::integer) || token.is(TokenKind::word) ||
                      token.is(TokenKind::string) || token.is(":") || token.is("-") || token.is(".");
    if (!part) {
      cursor_.fail_expected("]");
      return std::nullopt;
    }
    name += cursor_.take().text;
  }
  cursor_.take();
  if (name.empty()) {
    cursor_.fail_at(cursor_.previous().where, "a route name is missing", "write it between [ and ]");
    return std::nullopt;
  }
  return name == "0" ? std::string() : name;
}

bool TopLevel::route_block() {
  const Token word = cursor_.take();
  RouteBlock block;
  block.where = word.where;
  auto name = route_name();
  if (!name) return false;
  block.name = std::move(*name);
  const bool named = !block.name.empty();
  if (word.text == "request_route") block.kind = RouteKind::request;
  else if (word.text == "route") block.kind = named ? RouteKind::named : RouteKind::request;
  else if (word.text == "failure_route") block.kind = RouteKind::failure;
  else if (word.text == "branch_route") block.kind = RouteKind::branch;
  else if (word.text == "onsend_route") block.kind = RouteKind::onsend;
  else if (word.text == "event_route") block.kind = RouteKind::event;
  else block.kind = RouteKind::onreply;
  if (block.kind == RouteKind::event && !named)
    return cursor_.fail_at(word.where, "an event_route needs the name of its event",
                           "write event_route[xhttp:request]");
  const auto [first, fresh] = routes_.try_emplace({block.kind, block.name}, block.where);
  if (!fresh)
    cursor_.fail_at(word.where, "this route is defined a second time",
                    "the first is in line " + std::to_string(first->second.line));
  const bool whole = parse_block(cursor_, block.body);
  program_.items.emplace_back(std::move(block));
  return whole;
}

}  // namespace

Program parse_tokens(std::vector<Token> tokens, Diagnostics& diagnostics) {
  Cursor cursor(std::move(tokens), diagnostics);
  return TopLevel(cursor).run();
}

Program parse(Sources& sources, std::uint32_t file, const std::vector<Definition>& definitions, const Reader& reader,
              Diagnostics& diagnostics) {
  Preprocessor preprocessor(sources, diagnostics, reader);
  for (const auto& definition : definitions) preprocessor.define(definition.name, definition.text);
  return parse_tokens(preprocessor.run(file), diagnostics);
}

}  // namespace sipwsd::cfg
