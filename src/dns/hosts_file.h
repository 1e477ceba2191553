#pragma once
// hosts(5): an address, then its names, a line; # begins a comment. Several lines may add to one name.

#include "src/dns/watched_file.h"

#include "sipwsd/endpoint.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sipwsd::dns {

// Names are lower case, without a dot at the end; addresses without port and transport, in the file's order. Lines that
// make no sense are passed over, as every other reader of that file does.
using HostTable = std::unordered_map<std::string, std::vector<Endpoint>>;
HostTable parse_hosts(std::string_view text);

class HostsFile {
 public:
  // Empty: no file. So is one that can't be read, or is larger than a MiB.
  explicit HostsFile(const std::string& path);

  // Null: not in it.
  [[nodiscard]] const std::vector<Endpoint>* find(const std::string& name) const;
  // Reads it if it has changed.
  void refresh();
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

 private:
  void read();

  WatchedFile file_;
  HostTable table_;
};

}  // namespace sipwsd::dns
