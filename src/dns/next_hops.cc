#include "src/dns/next_hops.h"

#include "sipwsd/bytes.h"

#include "src/dns/srv_order.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace sipwsd::dns {
namespace {

using enum TransportProtocol;

// RFC 3261 19.1.2.
constexpr std::uint16_t default_port(TransportProtocol transport) noexcept { return transport == tls ? 5061 : 5060; }

// The rows of RFC 3263 4.1 that we can send over, in our order of preference.
struct Service {
  TransportProtocol transport;
  std::string_view naptr_service;
  std::string_view srv_prefix;
};
constexpr auto services = std::to_array<Service>({
    {udp, "SIP+D2U", "_sip._udp."},
    {tcp, "SIP+D2T", "_sip._tcp."},
    {tls, "SIPS+D2T", "_sips._tcp."},
});

// What is said of a name that never reaches DNS.
const Records nothing{};

// A name that may have SRV records, and what they are servers for.
struct SrvName {
  TransportProtocol transport;
  std::string name;
};

class Search {
 public:
  Search(const Query& query, const Host& host, const Reach& reach, const Choices& choices, Knowledge& knowledge,
         base::Random& chance)
      : query_(query), host_(host), reach_(reach), choices_(choices), knowledge_(knowledge), chance_(chance) {}
  NextHops run();

 private:
  enum class Servers : std::uint8_t { found, none_known };

  [[nodiscard]] bool may_use(TransportProtocol transport) const noexcept {
    return reach_.has(transport) && (!query_.is_sips || transport == tls);
  }
  [[nodiscard]] std::optional<TransportProtocol> transport_said() const noexcept;
  [[nodiscard]] TransportProtocol transport_unsaid() const noexcept;

  void with_transport(TransportProtocol transport);
  void without_transport();
  void with_srv(const std::vector<SrvName>& names);
  [[nodiscard]] std::vector<SrvName> srv_names_by_naptr();
  [[nodiscard]] std::vector<SrvName> srv_names_of_host() const;
  [[nodiscard]] Servers add_servers(const SrvName& name);
  void add_host(const Host& host, std::uint16_t port, TransportProtocol transport);
  void add_addresses_of_name(const std::string& name, std::uint16_t port, TransportProtocol transport);
  void add(Endpoint address, std::uint16_t port, TransportProtocol transport);
  [[nodiscard]] const Records* find(RecordType type, std::string name);
  [[nodiscard]] std::uint16_t port_or_default(TransportProtocol transport) const noexcept {
    return query_.port != 0 ? query_.port : default_port(transport);
  }

  const Query& query_;
  const Host& host_;
  const Reach& reach_;
  const Choices& choices_;
  Knowledge& knowledge_;
  base::Random& chance_;
  std::size_t targets_ = 0;
  NextHops result_;
};

// Nothing: the URI doesn't say. none: it says one that can't be used. A sips URI's transport=tcp is TLS over TCP (RFC 5630
// 3.1.3); transport=tls is RFC 3261's old word for that.
std::optional<TransportProtocol> Search::transport_said() const noexcept {
  if (query_.transport == TransportProtocol::none) return std::nullopt;
  const TransportProtocol said = query_.is_sips && query_.transport == tcp ? tls : query_.transport;
  return may_use(said) ? said : TransportProtocol::none;
}

// RFC 3263 4.1: UDP for sip, TLS for sips; but what we have no socket for is no choice.
TransportProtocol Search::transport_unsaid() const noexcept {
  for (const Service& service : services)
    if (may_use(service.transport)) return service.transport;
  return TransportProtocol::none;
}

NextHops Search::run() {
  const auto said = transport_said();
  const TransportProtocol transport = said.value_or(transport_unsaid());
  if (transport == TransportProtocol::none || host_.kind == Host::Kind::nowhere) return std::move(result_);
  const bool is_address = host_.kind != Host::Kind::name || knowledge_.in_hosts_file(host_.name) != nullptr;
  if (is_address || query_.port != 0)
    add_host(host_, port_or_default(transport), transport);
  else if (said)
    with_transport(transport);
  else
    without_transport();
  return std::move(result_);
}

void Search::with_transport(TransportProtocol transport) {
  for (const Service& service : services)
    if (service.transport == transport) with_srv({{transport, std::string(service.srv_prefix) + host_.name}});
}

void Search::without_transport() {
  if (choices_.naptr) {
    const std::vector<SrvName> names = srv_names_by_naptr();
    if (!result_.is_complete) return;
    if (!names.empty()) return with_srv(names);
  }
  with_srv(srv_names_of_host());
}

// The records for services we can use, in the order the server wants (RFC 3403 4.1): the first is the choice, the others
// are for when it fails. Flag "s": the replacement has SRV records. Others are no RFC 3263 records.
std::vector<SrvName> Search::srv_names_by_naptr() {
  const Records* found = find(RecordType::naptr, host_.name);
  if (found == nullptr) return {};
  std::vector<const Naptr*> usable;
  const auto service_of = [](const Naptr& naptr) {
    return std::find_if(services.begin(), services.end(),
                        [&](const Service& service) { return equals_nocase(service.naptr_service, naptr.services); });
  };
  for (const Naptr& naptr : found->naptr) {
    const auto service = service_of(naptr);
    if (service != services.end() && may_use(service->transport) && equals_nocase(naptr.flags, "s") &&
        !naptr.replacement.empty())
      usable.push_back(&naptr);
  }
  std::stable_sort(usable.begin(), usable.end(), [](const Naptr* a, const Naptr* b) {
    return std::tuple(a->order, a->preference) < std::tuple(b->order, b->preference);
  });
  std::vector<SrvName> names;
  for (const Naptr* naptr : usable)
    if (names.size() < services.size()) names.push_back({service_of(*naptr)->transport, naptr->replacement});
  return names;
}

std::vector<SrvName> Search::srv_names_of_host() const {
  std::vector<SrvName> names;
  for (const Service& service : services)
    if (may_use(service.transport)) names.push_back({service.transport, std::string(service.srv_prefix) + host_.name});
  return names;
}

// RFC 3263 4.2: servers by SRV; where none of the names has such records, the host itself at the default port.
void Search::with_srv(const std::vector<SrvName>& names) {
  bool found = false;
  for (const SrvName& name : names)
    if (add_servers(name) == Servers::found) found = true;
  if (found || !result_.is_complete) return;
  const TransportProtocol transport = names.front().transport;
  add_host(host_, default_port(transport), transport);
}

Search::Servers Search::add_servers(const SrvName& name) {
  const Records* answer = find(RecordType::srv, name.name);
  if (answer == nullptr || answer->srv.empty()) return Servers::none_known;
  for (const Srv& srv : in_order_to_try(answer->srv, chance_)) {
    if (srv.target.empty()) continue;  // RFC 2782: "decidedly not available", and no reason to try the host itself
    if (targets_ == most_targets) break;
    ++targets_;
    add_host(classify(srv.target), srv.port, name.transport);
  }
  return Servers::found;
}

void Search::add_host(const Host& host, std::uint16_t port, TransportProtocol transport) {
  switch (host.kind) {
    case Host::Kind::address: add(host.address, port, transport); break;
    case Host::Kind::name: add_addresses_of_name(host.name, port, transport); break;
    case Host::Kind::localhost: {
      if (knowledge_.in_hosts_file(host.name) != nullptr) return add_addresses_of_name(host.name, port, transport);
      for (const std::string_view loopback : {"127.0.0.1", "::1"}) add(classify(loopback).address, port, transport);
      break;
    }
    case Host::Kind::nowhere: break;
  }
}

void Search::add_addresses_of_name(const std::string& name, std::uint16_t port, TransportProtocol transport) {
  const Reach::Families reachable = reach_.of(transport);
  const auto add_of = [&](AddressFamily family, RecordType type, bool is_wanted) {
    if (!is_wanted) return;
    if (const auto* addresses = knowledge_.in_hosts_file(name)) {
      for (const Endpoint& address : *addresses)
        if (address.family == family) add(address, port, transport);
    } else if (const Records* answer = find(type, name)) {
      for (const Endpoint& address : answer->addresses) add(address, port, transport);
    }
  };
  const auto add_ipv6 = [&] { add_of(AddressFamily::ipv6, RecordType::aaaa, reachable.ipv6 && choices_.ask_ipv6); };
  if (choices_.prefer_ipv6) add_ipv6();
  add_of(AddressFamily::ipv4, RecordType::a, reachable.ipv4 && choices_.ask_ipv4);
  if (!choices_.prefer_ipv6) add_ipv6();
}

void Search::add(Endpoint address, std::uint16_t port, TransportProtocol transport) {
  const Reach::Families reachable = reach_.of(transport);
  if (!(address.family == AddressFamily::ipv4 ? reachable.ipv4 : reachable.ipv6)) return;
  address.port = port;
  address.protocol = transport;
  const bool is_there = std::any_of(result_.places.begin(), result_.places.end(),
                                    [&](const Place& place) { return place.remote == address; });
  if (is_there || result_.places.size() == most_places) return;
  result_.places.push_back({address, {}});
  if (transport == tls)
    result_.places.back().server_name = host_.kind == Host::Kind::address ? host_.address.address_text() : host_.name;
}

const Records* Search::find(RecordType type, std::string name) {
  if (!may_be_asked(name)) return &nothing;
  const Records* known = knowledge_.find({type, std::move(name)});
  if (known == nullptr) result_.is_complete = false;
  return known;
}

}  // namespace

NextHops find_next_hops(const Query& query, const Host& host, const Reach& reach, const Choices& choices,
                        Knowledge& knowledge, base::Random& chance) {
  return Search(query, host, reach, choices, knowledge, chance).run();
}

}  // namespace sipwsd::dns
