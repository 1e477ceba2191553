// links: dns base
// Any bytes as a hosts file, and as the host of a URI: every name that comes out of either is one.
#include "src/dns/hosts_file.h"

#include "src/dns/host_name.h"

#include <cstdint>
#include <cstdlib>

using namespace sipwsd::dns;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& [name, addresses] : parse_hosts(text)) {
    require(!addresses.empty() && classify(name).name == name);
    for (const auto& address : addresses) require(is_unicast(address));
  }
  const Host host = classify(text);
  require((host.kind == Host::Kind::address) == (host.address.family != sipwsd::AddressFamily::none));
  require(host.kind != Host::Kind::address || is_unicast(host.address));
  require(host.kind != Host::Kind::name || may_be_asked(host.name));
  return 0;
}
