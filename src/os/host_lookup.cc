#include "src/os/host_lookup.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "src/os/fd.h"
#include "src/os/socket_address.h"

namespace sipwsd::os {
namespace {

void add(std::vector<Endpoint>& to, const sockaddr* address) {
  if (address == nullptr || (address->sa_family != AF_INET && address->sa_family != AF_INET6)) return;
  SocketAddress copy;
  copy.length = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  std::memcpy(&copy.storage, address, copy.length);
  // A link-local address can't be bound without its interface's number, and is no use in a Contact.
  if (address->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr))
    return;
  Endpoint endpoint = to_endpoint(copy, TransportProtocol::none);
  endpoint.port = 0;
  if (std::find(to.begin(), to.end(), endpoint) == to.end()) to.push_back(endpoint);
}

std::vector<Endpoint> every_address() {
  std::vector<Endpoint> out(1);
  out[0].family = AddressFamily::ipv4;
  if (const Fd probe{socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)}; probe.is_open()) {
    out.emplace_back();
    out[1].family = AddressFamily::ipv6;
  }
  return out;
}

std::vector<Endpoint> addresses_of_interface(const std::string& name) {
  std::vector<Endpoint> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next)
    if (name == one->ifa_name) add(out, one->ifa_addr);
  return out;
}

}  // namespace

Result<std::vector<Endpoint>> look_up_host(const std::string& host) {
  if (host.empty() || host == "*") return every_address();
  if (auto address = parse_address(host)) return std::vector<Endpoint>{*address};
  if (auto found = addresses_of_interface(host); !found.empty()) return found;

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &list); failure != 0)
    return Error{Errc::not_found, "\"" + host + "\" is no address, interface or known name: " + gai_strerror(failure)};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<Endpoint> out;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) add(out, one->ai_addr);
  if (out.empty()) return Error{Errc::not_found, "\"" + host + "\" has no IPv4 or IPv6 address"};
  return out;
}

}  // namespace sipwsd::os
