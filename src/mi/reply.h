#pragma once
// The answer to a command: a code, a reason and a tree of nodes, as text (the FIFO transport):
//
//   200 OK
//   Name:: value attribute=value
//   <TAB>Child:: value
//   <empty line>

#include <string>
#include <utility>
#include <vector>

namespace sipwsd::mi {

struct Node {
  std::string name;
  std::string value;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Node> children;
};

struct Reply {
  int code = 200;
  std::string reason = "OK";
  std::vector<Node> nodes;

  static Reply ok() { return {}; }
  static Reply error(int code, std::string reason) { return {code, std::move(reason), {}}; }
  Reply& line(std::string value) {
    nodes.push_back({{}, std::move(value), {}, {}});
    return *this;
  }
  Reply& item(std::string name, std::string value) {
    nodes.push_back({std::move(name), std::move(value), {}, {}});
    return *this;
  }
};

// `indent` once a level. A line longer than 8192 bytes ends the text there; what is written stays valid lines.
std::string to_text(const Reply& reply, const std::string& indent);

}  // namespace sipwsd::mi
