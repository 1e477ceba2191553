#pragma once
// Puts a row to its daemon, cut in one of four ways, and says what was wrong; empty when nothing was.

#include <string>
#include <vector>

#include "tests/conformance/daemons.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {

enum class Cut {
  whole,               // in one write
  bytes,               // byte by byte (a long payload in small pieces, once its header is there)
  between_neighbours,  // in one write with a message before it, and one behind it
  behind_the_get,      // in one write with the handshake (S07)
};

// Those that say something about this row.
std::vector<Cut> cuts_for(const Row& row);
std::string name_of(Cut cut);

// What came back, in the words of Row::replies.
std::string described(const Frame& frame);
// For a terminal: what is no visible ASCII as its number.
std::string printable(std::string_view text);

std::string run(const Row& row, Transport transport, Cut cut);

}  // namespace sipwsd::test::conformance
