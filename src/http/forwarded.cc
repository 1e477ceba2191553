#include "src/http/forwarded.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/http/characters.h"
#include "src/http/ip_address.h"

namespace sipwsd::http {
namespace {

Error malformed(const char* why) { return {Errc::malformed, why}; }

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

// --- one node: an address, or a name that hides it -----------------------------------------------------------------------

// RFC 7239 6.3: "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
bool is_obfuscated(std::string_view text) noexcept {
  return text.size() > 1 && text.front() == '_' && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alnum(c) || c == '.' || c == '_' || c == '-';
         });
}

// RFC 7239 6, and what X-Forwarded-For holds besides: an IPv6 address without brackets, which then has no port.
// Empty for `unknown` and obfuscated names.
Result<std::optional<Endpoint>> parse_node(std::string_view text) {
  std::optional<Endpoint> address;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return malformed("a forwarded address has no closing bracket");
    address = parse_ip_address(text.substr(1, end - 1), AddressFamily::ipv6);
    if (!address) return malformed("a forwarded IPv6 address is none");
    port = text.substr(end + 1);
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    address = parse_ip_address(text, AddressFamily::ipv6);
    if (!address) return malformed("a forwarded IPv6 address is none");
  } else {
    const auto name = text.substr(0, text.find(':'));
    port = text.substr(name.size());
    if (!equals_nocase(name, "unknown") && !is_obfuscated(name)) {
      address = parse_ip_address(name, AddressFamily::ipv4);
      if (!address) return malformed("a forwarded address is none");
    }
  }
  if (port.empty()) return address;
  if (port.front() != ':') return malformed("a forwarded address has something behind it that is no port");
  port.remove_prefix(1);
  if (is_obfuscated(port)) return address;
  const auto number = base::parse_decimal<std::uint16_t>(port);
  if (!number || port.size() > 5) return malformed("a forwarded port is none");
  if (address) address->port = *number;
  return address;
}

Result<std::optional<bool>> parse_proto(std::string_view scheme) {
  if (equals_nocase(scheme, "https") || equals_nocase(scheme, "wss")) return std::optional{true};
  if (equals_nocase(scheme, "http") || equals_nocase(scheme, "ws")) return std::optional{false};
  if (!is_token(scheme)) return malformed("a forwarded protocol is none");
  return std::optional<bool>{};
}

// --- hops of one header line ---------------------------------------------------------------------------------------------

struct Hop {
  std::string_view node;   // empty: not told
  std::string_view proto;  // empty: not told
};
using Hops = std::vector<Hop>;

// One line of Forwarded, left to right: a quoted string may hold a comma.
class ForwardedLine {
 public:
  explicit ForwardedLine(std::string_view text) : rest_(text) {}

  Result<Hops> read() {
    Hops hops;
    for (;;) {
      skip_spaces();
      while (take(',')) skip_spaces();  // empty list elements (RFC 9110 5.6.1.2)
      if (rest_.empty()) return hops;
      const auto hop = read_element();
      if (!hop) return hop.error();
      hops.push_back(*hop);
    }
  }

 private:
  // RFC 7239 4: [ pair ] *( ";" [ pair ] ); each parameter at most once.
  Result<Hop> read_element() {
    Hop hop;
    bool has_node = false, has_proto = false;
    while (!rest_.empty() && rest_.front() != ',') {
      if (take(';')) {
        skip_spaces();
        continue;
      }
      const auto name = take_while(is_token_character);
      if (name.empty() || !take('=')) return malformed("a Forwarded parameter has no name or no value");
      const auto value = read_value();
      if (!value) return value.error();
      skip_spaces();
      if (!rest_.empty() && rest_.front() != ';' && rest_.front() != ',')
        return malformed("a Forwarded parameter does not end");
      if (equals_nocase(name, "for")) {
        if (std::exchange(has_node, true)) return malformed("a Forwarded element says for= twice");
        if (value->empty()) return malformed("a Forwarded element has an empty for=");
        hop.node = *value;
      } else if (equals_nocase(name, "proto")) {
        if (std::exchange(has_proto, true)) return malformed("a Forwarded element says proto= twice");
        if (value->empty()) return malformed("a Forwarded element has an empty proto=");
        hop.proto = *value;
      }
    }
    return hop;
  }

  // A quoted string is taken without undoing its escapes: what is wanted here has nothing to escape, and fails later.
  // Unquoted, a port and IPv6 brackets are taken as well: several proxies forget the quotes of RFC 7239 4.
  Result<std::string_view> read_value() {
    if (!take('"')) {
      const auto value = take_while([](char c) { return is_token_character(c) || c == ':' || c == '[' || c == ']'; });
      if (value.empty()) return malformed("a Forwarded parameter has no value");
      return value;
    }
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') ++i;
      else if (rest_[i] == '"') {
        const auto value = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    return malformed("a quoted string in Forwarded does not end");
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <typename Is>
  std::string_view take_while(Is is) {
    const auto size = static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is) - rest_.begin());
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  void skip_spaces() { static_cast<void>(take_while(is_space)); }

  std::string_view rest_;
};

// X-Forwarded-For has no grammar of its own: a comma-separated list of nodes, no quotes.
Result<Hops> read_x_forwarded_for(std::string_view line) {
  Hops hops;
  static_cast<void>(any_element(line, [&](std::string_view node) {
    hops.push_back({node, {}});
    return false;
  }));
  return hops;
}

// --- the walk over them, from the right ----------------------------------------------------------------------------------

struct Walk {
  std::optional<Endpoint> address;  // of the farthest hop so far
  std::string_view proto;           // told by the same proxy
  std::size_t hops = 0;             // seen; 0: the header is not there
  bool has_ended = false;           // at the client, or at a proxy that hides it
};

Result<void> walk_line(Walk& walk, const Hops& hops, const IsTrustedProxy& is_trusted_proxy) {
  for (auto hop = hops.rbegin(); hop != hops.rend() && !walk.has_ended; ++hop) {
    ++walk.hops;
    walk.proto = hop->proto;
    walk.address.reset();
    if (!hop->node.empty()) {
      const auto node = parse_node(hop->node);
      if (!node) return node.error();
      walk.address = *node;
    }
    walk.has_ended = !walk.address || !is_trusted_proxy(*walk.address);
  }
  return {};
}

// Lines of one name are one list (RFC 9110 5.3): the last line is the right end. Only lines the walk comes to are read.
template <typename ReadLine>
Result<Walk> walk_header(const HeaderList& headers, std::string_view name, ReadLine read_line,
                         const IsTrustedProxy& is_trusted_proxy) {
  std::vector<std::string_view> lines;
  for (const Header& header : headers)
    if (equals_nocase(header.name, name)) lines.push_back(header.value);
  Walk walk;
  for (auto line = lines.rbegin(); line != lines.rend() && !walk.has_ended; ++line) {
    const auto hops = read_line(*line);
    if (!hops) return hops.error();
    if (auto walked = walk_line(walk, *hops, is_trusted_proxy); !walked) return walked.error();
  }
  return walk;
}

// Proxies either replace X-Forwarded-Proto or add to it like to X-Forwarded-For: the element of the same proxy, or the
// farthest there is.
Result<std::optional<bool>> x_forwarded_proto(const HeaderList& headers, std::size_t hops) {
  std::vector<std::string_view> protos;
  static_cast<void>(headers.any_element_of("X-Forwarded-Proto", [&](std::string_view element) {
    protos.push_back(element);
    return false;
  }));
  if (protos.empty()) return std::optional<bool>{};
  const auto from_right = std::min(std::max<std::size_t>(hops, 1), protos.size());
  return parse_proto(protos[protos.size() - from_right]);
}

bool same_address(const std::optional<Endpoint>& a, const std::optional<Endpoint>& b) {
  if (!a || !b) return !a && !b;
  return a->family == b->family && a->address == b->address;
}

}  // namespace

Result<ForwardedClient> forwarded_client(const HeaderList& headers, const IsTrustedProxy& is_trusted_proxy) {
  const auto standard = walk_header(
      headers, "Forwarded", [](std::string_view line) { return ForwardedLine{line}.read(); }, is_trusted_proxy);
  if (!standard) return standard.error();
  const auto customary = walk_header(headers, "X-Forwarded-For", read_x_forwarded_for, is_trusted_proxy);
  if (!customary) return customary.error();
  const bool has_both = standard->hops != 0 && customary->hops != 0;
  if (has_both && !same_address(standard->address, customary->address))
    return malformed("Forwarded and X-Forwarded-For name different clients");

  ForwardedClient client;
  client.address = standard->hops != 0 ? standard->address : customary->address;
  if (client.address && customary->address && client.address->port == 0) client.address->port = customary->address->port;

  std::optional<bool> told;
  if (!standard->proto.empty()) {
    const auto proto = parse_proto(standard->proto);
    if (!proto) return proto.error();
    told = *proto;
  }
  const auto customary_proto = x_forwarded_proto(headers, customary->hops != 0 ? customary->hops : standard->hops);
  if (!customary_proto) return customary_proto.error();
  if (told && *customary_proto && told != *customary_proto)
    return malformed("Forwarded and X-Forwarded-Proto name different protocols");
  client.tls = told ? told : *customary_proto;
  return client;
}

}  // namespace sipwsd::http
