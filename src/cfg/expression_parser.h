#pragma once
// Expressions (reference/routing-language.md 4), by precedence climbing. A null pointer means: wrong, and reported.

#include "src/cfg/ast.h"
#include "src/cfg/cursor.h"

namespace sipwsd::cfg {

ExpressionPtr parse_expression(Cursor& cursor);
// What may stand behind `case`: an integer, a string or a /regex/.
ExpressionPtr parse_constant(Cursor& cursor);
// The arguments of a call, from its ( to its ).
bool parse_arguments(Cursor& cursor, std::vector<ExpressionPtr>& arguments);
// Complains about an operator of other languages, when the next token is one, in words that name ours.
void explain_foreign_operator(Cursor& cursor);
// "a" "b" is one string; 'c' stands alone.
std::string take_string(Cursor& cursor);

}  // namespace sipwsd::cfg
