#include "src/mi/reply.h"

#include <string_view>

namespace sipwsd::mi {
namespace {

constexpr std::size_t max_line = 8192;

// A value may be anything a client sent; one that holds a line end must not become a line of its own.
void append_text(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
}

// False: a line was too long.
bool write_node(std::string& out, const Node& node, const std::string& indent, int level) {
  const std::size_t start = out.size();
  for (int i = 0; i < level; ++i) out += indent;
  if (!node.name.empty()) out.append(node.name).append(":: ");
  append_text(out, node.value);
  for (const auto& [name, value] : node.attributes) {
    out.append(" ").append(name).append("=");
    append_text(out, value);
  }
  out += '\n';
  if (out.size() - start > max_line) {
    out.resize(start);
    return false;
  }
  for (const auto& child : node.children)
    if (!write_node(out, child, indent, level + 1)) return false;
  return true;
}

}  // namespace

std::string to_text(const Reply& reply, const std::string& indent) {
  std::string out = std::to_string(reply.code) + " " + reply.reason + "\n";
  for (const auto& node : reply.nodes)
    if (!write_node(out, node, indent, 0)) break;
  out += '\n';
  return out;
}

}  // namespace sipwsd::mi
