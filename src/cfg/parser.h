#pragma once
// Tokens to the syntax tree, by recursive descent with one function a rule. After an error it goes on at the next
// statement or top-level item, so that one run reports several.

#include "src/cfg/ast.h"
#include "src/cfg/diagnostic.h"
#include "src/cfg/preprocessor.h"

#include <string>
#include <utility>
#include <vector>

namespace sipwsd::cfg {

// The tokens must end with a TokenKind::end, as the preprocessor's do.
Program parse_tokens(std::vector<Token> tokens, Diagnostics& diagnostics);

struct Definition {
  std::string name, text;  // -A NAME=text
};
// The whole front end: file text in, tree out. What is wrong is in `diagnostics`; the tree then holds the rest.
Program parse(Sources& sources, std::uint32_t file, const std::vector<Definition>& definitions,
              const Reader& reader, Diagnostics& diagnostics);

}  // namespace sipwsd::cfg
