#include "src/config/next_hop.h"

#include "sipwsd/bytes.h"

#include "src/base/text.h"
#include "src/cfg/diagnostic.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace sipwsd::config {
namespace {

constexpr std::string_view form = "write sip:HOST:PORT;transport=udp, tcp or tls, like sip:192.0.2.1:5060;transport=tcp";

Error wrong(std::string_view text, std::string_view why) {
  return {Errc::malformed, cfg::in_quotes(text) + " " + std::string(why) + "; " + std::string(form)};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

// What looks like a number is one: 192.0.2.300 is nobody's name.
bool is_ipv4_or_name(const std::string& text) {
  in_addr address{};
  return text.find_first_not_of("0123456789.") != std::string::npos || inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

struct Transport {
  std::string_view word;
  TransportProtocol protocol;
};
constexpr std::array transports{Transport{"udp", TransportProtocol::udp}, Transport{"tcp", TransportProtocol::tcp},
                                Transport{"tls", TransportProtocol::tls}};

}  // namespace

Result<UpstreamSpec> parse_upstream(std::string_view text) {
  UpstreamSpec spec;
  std::string_view rest = base::trim(text);
  if (starts_with_nocase(rest, "sips:")) {
    spec.is_sips = true;
    rest.remove_prefix(5);
  } else if (starts_with_nocase(rest, "sip:")) {
    rest.remove_prefix(4);
  }
  const auto semicolon = rest.find(';');
  std::string_view parameters = semicolon == std::string_view::npos ? std::string_view{} : rest.substr(semicolon + 1);
  rest = base::trim(rest.substr(0, semicolon));
  if (rest.find('@') != std::string_view::npos) return wrong(text, "names a user, not a server");

  std::string_view port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return wrong(text, "has no ]");
    spec.host = lower(rest.substr(1, close - 1));
    if (!is_ipv6(spec.host)) return wrong(spec.host, "is no IPv6 address");
    rest.remove_prefix(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return wrong(text, "goes on behind the address");
    port = rest.empty() ? rest : rest.substr(1);
  } else {
    const auto colon = rest.find(':');
    spec.host = lower(rest.substr(0, colon));
    if (!is_name(spec.host) || !is_ipv4_or_name(spec.host)) return wrong(text, "has no address and no name");
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
    if (colon != std::string_view::npos && port.empty()) return wrong(text, "has an empty port");
  }
  if (!port.empty()) {
    const auto number = base::parse_decimal<std::uint16_t>(port);
    if (!number || *number == 0) return wrong(port, "is no port");
    spec.port = *number;
  }
  for (const auto parameter : base::split(parameters, ';')) {
    const auto equals = parameter.find('=');
    const auto name = base::trim(parameter.substr(0, equals));
    if (name.empty() || equals_nocase(name, "lr")) continue;
    if (!equals_nocase(name, "transport") || equals == std::string_view::npos) return wrong(parameter, "means nothing here");
    const auto word = base::trim(parameter.substr(equals + 1));
    const auto found = std::find_if(transports.begin(), transports.end(),
                                    [&](const Transport& t) { return equals_nocase(t.word, word); });
    if (found == transports.end()) return wrong(word, "is no transport to a server");
    spec.transport = found->protocol;
  }
  if (spec.is_sips && spec.transport == TransportProtocol::udp) return wrong(text, "is sips, which UDP can't be");
  return spec;
}

std::string to_text(const UpstreamSpec& spec) {
  std::string out = spec.is_sips ? "sips:" : "sip:";
  out += spec.host.find(':') == std::string::npos ? spec.host : "[" + spec.host + "]";
  if (spec.port != 0) out += ":" + std::to_string(spec.port);
  if (spec.transport != TransportProtocol::none) out += ";transport=" + std::string(name(spec.transport));
  return out;
}

Result<void> add_peers(Settings& settings, std::string_view text) {
  auto networks = settings.peers;
  auto names = settings.peer_names;
  std::string words(text);
  std::replace(words.begin(), words.end(), ',', ' ');
  for (const auto word : base::split(words, ' ')) {
    if (word.empty()) continue;
    const std::string name = lower(word);
    const bool is_number = name.find_first_not_of("0123456789./") == std::string::npos || name.find(':') != std::string::npos;
    if (!is_number) {
      if (!is_name(name)) return Error{Errc::malformed, cfg::in_quotes(word) + " is no address, network or name; write pbx.example.org or 192.0.2.0/24"};
      names.push_back(name);
    } else if (auto added = networks.add(word); !added) {
      return added;
    }
  }
  settings.peers = std::move(networks);
  settings.peer_names = std::move(names);
  return {};
}

bool is_server_of_ours(const Settings& settings, const Endpoint& remote) {
  if (is_websocket(remote.protocol)) return false;  // those are clients
  if (settings.peers.contains(remote)) return true;
  if (settings.upstream.empty()) return false;
  const std::string address = remote.address_text();
  return std::any_of(settings.upstream.begin(), settings.upstream.end(),
                     [&](const UpstreamSpec& spec) { return spec.host == address; });
}

std::string peers_text(const Settings& settings) {
  std::string out = settings.peers.to_string();
  for (const auto& name : settings.peer_names) out += (out.empty() ? "" : " ") + name;
  return out;
}

}  // namespace sipwsd::config
