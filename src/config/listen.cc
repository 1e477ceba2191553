#include "src/config/listen.h"

#include "sipwsd/bytes.h"

#include "src/base/text.h"
#include "src/cfg/diagnostic.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

namespace sipwsd::config {
namespace {

struct ProtocolRow {
  std::string_view name;
  TransportProtocol protocol;
  std::uint16_t port;
};
constexpr auto protocols = std::to_array<ProtocolRow>({
    {"ws", TransportProtocol::ws, 80},
    {"wss", TransportProtocol::wss, 443},
    {"tcp", TransportProtocol::tcp, 5060},
    {"tls", TransportProtocol::tls, 5061},
    {"udp", TransportProtocol::udp, 5060},
});

const ProtocolRow* protocol_named(std::string_view word) {
  for (const auto& row : protocols)
    if (equals_nocase(word, row.name)) return &row;
  return nullptr;
}

Error wrong(std::string_view text, std::string_view why, std::string_view hint) {
  return {Errc::malformed, cfg::in_quotes(text) + " " + std::string(why) + "; " + std::string(hint)};
}

constexpr std::string_view form = "write PROTO:ADDRESS:PORT, like ws:127.0.0.1:8080 or tls:[2001:db8::1]:5061";

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}
bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
};

// host, [host], host:port; `*` is an empty host.
Result<HostPort> parse_host_port(std::string_view text) {
  HostPort result;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return wrong(text, "has no ]", form);
    result.host = text.substr(1, close - 1);
    if (!is_ipv6(result.host)) return wrong(result.host, "is no IPv6 address", form);
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      return is_ipv6(std::string(text))
                 ? wrong(text, "is an IPv6 address without brackets", "write [" + std::string(text) + "]")
                 : wrong(text, "is no address", form);
    const std::string_view host = text.substr(0, colon);
    if (host != "*" && !is_name(host)) return wrong(host, "is no address and no name", form);
    const bool numeric =
        std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    if (numeric && !is_ipv4(std::string(host))) return wrong(host, "is no IPv4 address", form);
    result.host = host == "*" ? std::string_view() : host;
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  if (rest.empty()) return result;
  if (!rest.starts_with(':')) return wrong(text, "is no address", form);
  const auto port = base::parse_decimal<std::uint16_t>(rest.substr(1));
  if (!port) return wrong(rest.substr(1), "is no port", "write a number from 0 to 65535");
  result.port = port;
  return result;
}

// The hosts of `(a, b)`, or the one host; and the `:port` behind.
struct HostList {
  std::vector<std::string_view> hosts;
  std::string_view port;
};

Result<HostList> split_hosts(std::string_view text) {
  HostList list;
  if (!text.starts_with('(')) {
    list.hosts.push_back(text);
    return list;
  }
  const auto close = text.find(')');
  if (close == std::string_view::npos) return wrong(text, "has no )", form);
  list.hosts = base::split(text.substr(1, close - 1), ',');
  list.port = text.substr(close + 1);
  return list;
}

}  // namespace

Result<std::vector<ListenSpec>> parse_listen(std::string_view text) {
  text = base::trim(text);
  std::vector<ProtocolRow> wanted;
  const auto colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  if (const auto* row = colon == std::string_view::npos ? nullptr : protocol_named(word)) {
    wanted.push_back(*row);
    text.remove_prefix(colon + 1);
  } else if (equals_nocase(word, "sctp") && colon != std::string_view::npos) {
    return wrong(word, "is not served here", "the protocols are ws, wss, tcp, tls and udp");
  } else if (std::count(text.begin(), text.end(), ':') == 2 && is_name(word)) {
    constexpr auto names = std::to_array<std::string_view>({"ws", "wss", "tcp", "tls", "udp"});
    return wrong(word, "is no protocol", cfg::did_you_mean(word, names, std::string(form)));
  } else {
    wanted = {*protocol_named("udp"), *protocol_named("tcp")};
  }
  const auto list = split_hosts(text);
  if (!list) return list.error();
  std::vector<ListenSpec> specs;
  for (const std::string_view host : list->hosts) {
    const auto address = parse_host_port(std::string(host) + std::string(list->port));
    if (!address) return address.error();
    for (const auto& row : wanted)
      specs.push_back({row.protocol, address->host, address->port.value_or(row.port), {}, 0});
  }
  return specs;
}

Result<void> parse_advertise(std::string_view text, std::vector<ListenSpec>& specs) {
  const auto address = parse_host_port(base::trim(text));
  if (!address) return address.error();
  if (address->host.empty()) return wrong(text, "can't be advertised", "write the address clients use");
  for (auto& spec : specs) {
    spec.advertised_host = address->host;
    spec.advertised_port = address->port.value_or(0);
  }
  return {};
}

std::string to_text(const ListenSpec& spec) {
  const auto host = [](const std::string& name) {
    return name.find(':') == std::string::npos ? name : "[" + name + "]";
  };
  std::string text = std::string(name(spec.protocol)) + ":" + (spec.host.empty() ? "*" : host(spec.host)) + ":" +
                     std::to_string(spec.port);
  if (spec.advertised_host.empty()) return text;
  text += " advertise " + host(spec.advertised_host);
  if (spec.advertised_port != 0) text += ":" + std::to_string(spec.advertised_port);
  return text;
}

Result<std::vector<std::string>> parse_aliases(std::string_view text) {
  std::vector<std::string> aliases;
  while (!(text = base::trim(text)).empty()) {
    const auto end = std::find_if(text.begin(), text.end(), base::is_lws);
    std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(word.size());
    const auto colon = word.find(':');
    if (colon != std::string_view::npos && (protocol_named(word.substr(0, colon)) || word.starts_with("sctp:")))
      word.remove_prefix(colon + 1);
    auto address = parse_host_port(word);
    if (!address || address->host.empty())
      return wrong(word, "is no domain", "write host, host:port or proto:host:port");
    std::string alias = std::move(address->host);
    std::transform(alias.begin(), alias.end(), alias.begin(), ascii_lower);
    if (alias.find(':') != std::string::npos) alias = "[" + alias + "]";
    if (address->port) alias += ":" + std::to_string(*address->port);
    aliases.push_back(std::move(alias));
  }
  if (aliases.empty()) return Error{Errc::malformed, "alias is empty; write a domain, like example.org"};
  return aliases;
}

bool is_loopback(const ListenSpec& spec) {
  if (equals_nocase(spec.host, "localhost") || spec.host == "lo") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, spec.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, spec.host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace sipwsd::config
