#pragma once
// One management command as it was asked, whatever transport brought it.

#include <string>
#include <vector>

namespace sipwsd::mi {

struct Argument {
  std::string name;   // empty for a positional one
  std::string value;  // may be empty only when it is named
};

struct Request {
  std::string command;
  std::vector<Argument> arguments;
};

}  // namespace sipwsd::mi
