#pragma once
// Statements and blocks of route blocks (reference/routing-language.md 3).

#include "src/cfg/ast.h"
#include "src/cfg/cursor.h"

namespace sipwsd::cfg {

// From { to }. A broken statement is reported and left out; false when the block never ends.
bool parse_block(Cursor& cursor, Block& block);

}  // namespace sipwsd::cfg
