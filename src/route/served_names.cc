#include "src/route/served_names.h"

#include <algorithm>

#include "sipwsd/bytes.h"
#include "src/http/authority.h"
#include "src/os/socket_address.h"

namespace sipwsd::route {
namespace {

std::string_view without_brackets(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' ? host.substr(1, host.size() - 2) : host;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

// Two spellings of one IPv6 address are one host.
std::string canonical(std::string_view host) {
  host = without_brackets(host);
  if (host.find(':') != std::string_view::npos)
    if (const auto address = os::parse_address(host)) return address->address_text();
  return lower(host);
}

bool is_wildcard(const Endpoint& endpoint) {
  return std::all_of(endpoint.address.begin(), endpoint.address.end(), [](auto byte) { return byte == 0; });
}

}  // namespace

ServedNames::ServedNames(const config::Settings& settings, const std::vector<Endpoint>& listeners) {
  for (const auto& alias : settings.alias) {
    const auto served = ws::served_host(alias);
    if (served) add(canonical(served->host), served->port.value_or(0));
  }
  bool anywhere = false;
  for (const auto& listener : listeners) {
    anywhere |= is_wildcard(listener);
    if (is_wildcard(listener)) continue;
    add(listener.address_text(), listener.port);
    if (listener.is_loopback()) add("localhost", listener.port);
  }
  for (const auto& spec : settings.listen) {
    if (!spec.advertised_host.empty()) add(canonical(spec.advertised_host), spec.advertised_port);
    if (!spec.host.empty() && spec.host != "*" && !os::parse_address(spec.host)) add(lower(spec.host), spec.port);
  }
  if (!anywhere || !settings.alias.empty())
    for (const Name& name : names_)
      http_hosts_.push_back({.host = name.host.find(':') == std::string::npos ? name.host : "[" + name.host + "]",
                             .port = name.port == 0 ? std::nullopt : std::optional<std::uint16_t>(name.port)});
}

void ServedNames::add(std::string host, std::uint16_t port) { names_.push_back({std::move(host), port}); }

bool ServedNames::is_ours(const sip::Uri& uri) const noexcept {
  if (!uri.is_sip()) return false;
  const std::string host = canonical(uri.host);
  return std::any_of(names_.begin(), names_.end(), [&](const Name& name) {
    return name.host == host && (name.port == 0 || !uri.port || *uri.port == name.port);
  });
}

bool ServedNames::is_ours(const sip::Uri& uri, const Endpoint& arrived_at) const noexcept {
  if (is_ours(uri)) return true;
  return uri.is_sip() && canonical(uri.host) == arrived_at.address_text() && (!uri.port || *uri.port == arrived_at.port);
}

bool ServedNames::serves_host(std::string_view host, const Endpoint& arrived_at) const noexcept {
  if (http_hosts_.empty()) return true;
  const auto authority = http::parse_authority(host);
  if (authority && canonical(authority->host) == arrived_at.address_text() && (!authority->port || *authority->port == arrived_at.port))
    return true;
  return authority && std::any_of(http_hosts_.begin(), http_hosts_.end(), [&](const ws::ServedHost& served) {
    return http::same_host(served.host, authority->host) && (!served.port || !authority->port || *served.port == *authority->port);
  });
}

bool ServedNames::is_ours(std::string_view uri) const noexcept {
  const auto parsed = sip::parse_uri(uri);
  return parsed && is_ours(*parsed);
}

}  // namespace sipwsd::route
