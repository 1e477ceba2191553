#include "src/dns/hosts_file.h"

#include "src/dns/host_name.h"

#include <algorithm>
#include <fstream>
#include <utility>

namespace sipwsd::dns {
namespace {

constexpr std::size_t most_bytes = 1024 * 1024;
constexpr std::string_view blanks = " \t\r\v\f";

// Takes the next word off the text; empty at its end.
std::string_view next_word(std::string_view& text) noexcept {
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  const std::size_t end = std::min(text.find_first_of(blanks, begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

void add_line(HostTable& table, std::string_view line) {
  line = line.substr(0, line.find('#'));
  const Host address = classify(next_word(line));
  if (address.kind != Host::Kind::address) return;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    Host name = classify(word);
    if (name.name.empty()) continue;
    auto& addresses = table[std::move(name.name)];
    if (std::find(addresses.begin(), addresses.end(), address.address) == addresses.end())
      addresses.push_back(address.address);
  }
}

}  // namespace

HostTable parse_hosts(std::string_view text) {
  HostTable table;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(table, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return table;
}

HostsFile::HostsFile(const std::string& path) : file_(path) { read(); }

const std::vector<Endpoint>* HostsFile::find(const std::string& name) const {
  const auto found = table_.find(name);
  return found == table_.end() ? nullptr : &found->second;
}

void HostsFile::refresh() {
  if (file_.has_changed()) read();
}

void HostsFile::read() {
  table_.clear();
  if (path().empty()) return;
  std::ifstream file(path(), std::ios::binary);
  std::string text(most_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (size <= most_bytes) table_ = parse_hosts(std::string_view(text).substr(0, size));
}

}  // namespace sipwsd::dns
