#pragma once
// The tokens of a whole configuration, directives obeyed: conditions, defines, substitutions, includes
// (reference/routing-language.md 1, Preprocessor). Works on tokens, so a directive may stand inside an expression.
// Bounded: include depth, expansion depth, nesting of conditions, length of a text and number of tokens.

#include "sipwsd/result.h"

#include "src/cfg/lexer.h"
#include "src/cfg/substitution.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::cfg {

// The text of a file; Errc::not_found when there is none, which import_file does not mind.
using Reader = std::function<Result<std::string>(const std::string& path)>;

class Preprocessor {
 public:
  static constexpr std::size_t include_depth = 10;
  static constexpr std::size_t condition_depth = 256;
  static constexpr std::size_t expansion_depth = 32;
  static constexpr std::size_t text_limit = 65'536;
  static constexpr std::size_t token_limit = 1'000'000;

  Preprocessor(Sources& sources, Diagnostics& diagnostics, Reader reader);

  // -A ID[=text]: in force before the first line.
  void define(std::string name, std::string text);
  // Ends with a TokenKind::end. Once only.
  std::vector<Token> run(std::uint32_t file);

 private:
  struct Condition {
    Position where;
    bool taken = false;      // some branch of it has been taken
    bool active = false;     // the present branch is read
    bool in_else = false;
  };
  enum class Redefine { refuse, keep, replace };
  enum class Missing { error, ignore };
  enum class Defines { none, text, quoted };

  Token read_file(std::uint32_t file);  // returns its end
  void obey(const Token& directive, std::vector<Condition>& conditions);
  void obey_condition(const Token& directive, std::vector<Condition>& conditions);
  void obey_define(const Token& directive, Redefine redefine);
  void obey_subst(const Token& directive, Defines defines);
  void include(const Token& path, Missing missing);

  void accept(Token token);
  void put(Token token);
  bool expand(const Token& word);
  bool substitute(Token& token);
  void read_fragment(const std::string& text, const Token& used);
  bool is_defined(std::string_view name) const { return defines_.contains(name); }

  Sources& sources_;
  Diagnostics& diagnostics_;
  Reader reader_;
  std::map<std::string, std::string, std::less<>> defines_;  // name -> text; without a text the name stays as it is
  std::vector<Substitution> substitutions_;
  std::vector<Token> out_;
  std::vector<std::uint32_t> open_files_;       // innermost last
  std::vector<std::string> expanding_;          // innermost last
  std::optional<Missing> awaiting_path_;        // include_file was read, its string is next
  bool substituting_ = true;
};

// A letter or _, then letters, digits and _.
bool is_identifier(std::string_view text) noexcept;

}  // namespace sipwsd::cfg
