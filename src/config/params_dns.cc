// Globals about resolving (src/dns): Kamailio's names where it has them (reference/routing-language.md 2).

#include "src/base/network.h"
#include "src/base/text.h"
#include "src/cfg/diagnostic.h"
#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

// 192.0.2.1, 192.0.2.1:5353, 2001:db8::1, [2001:db8::1]:5353; the port is 53 where there is none.
Result<Endpoint> parse_server(std::string_view text) {
  const Error wrong{Errc::malformed, cfg::in_quotes(text) + " is no address; write IP or IP:PORT, [IP]:PORT for IPv6"};
  std::string_view host = text;
  std::uint16_t port = 53;
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (text.starts_with('[') ? text[colon - 1] == ']' : text.find(':') == colon);
  if (has_port) {
    const auto number = base::parse_decimal<std::uint16_t>(text.substr(colon + 1));
    if (!number || *number == 0) return wrong;
    port = *number;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = base::Network::parse(host);
  if (!address || host.find('/') != std::string_view::npos) return wrong;
  Endpoint server = address->address();
  server.port = port;
  return server;
}

Result<void> read_servers(Settings& settings, std::string_view text) {
  std::string list(text);
  for (char& c : list)
    if (c == ',') c = ' ';
  for (const std::string_view word : base::split(list, ' ')) {
    if (word.empty()) continue;
    const auto server = parse_server(word);
    if (!server) return server.error();
    settings.dns_servers.push_back(*server);
  }
  return {};
}
std::string write_servers(const Settings& settings) {
  std::string text;
  for (const Endpoint& server : settings.dns_servers)
    text += (text.empty() ? "" : " ") + server.host_text() + ":" + std::to_string(server.port);
  return text;
}

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"dns_servers", TextForm{read_servers, write_servers, [](Settings& s) { s.dns_servers.clear(); }}, {}, refuse_start,
     "IP[:PORT]", "name servers, parted by spaces or commas; may be given again; empty takes those of /etc/resolv.conf",
     {}, {}, Reload::running},
    {"dns_hosts_file", &Settings::dns_hosts_file, {0, 4096}, refuse_start, "FILE",
     "names and addresses that need no name server; read again when it changes; empty is none", {}, {}, Reload::running},
    {"dns_retr_time", &Settings::dns_retr_time, {1, 60}, refuse_start, "SECONDS",
     "a question without an answer for so long is sent again; the time doubles with each attempt", {}, {},
     Reload::running},
    {"dns_retr_no", &Settings::dns_retr_no, {0, 10}, refuse_start, "N",
     "how often a question is sent again to each name server", {}, {}, Reload::running},
    {"dns_timeout", &Settings::dns_timeout, {100, 60'000}, refuse_start, "MILLISECONDS",
     "longest time to find where a request goes, with all the questions it takes", {}, {}, Reload::running},
    {"dns_max_queries", &Settings::dns_max_queries, {1, 16'384}, refuse_start, "N",
     "questions that one worker may have open; what needs more is answered as if there were no such name", {}, {},
     Reload::running},
    {"dns_try_naptr", &Settings::dns_try_naptr, {}, refuse_start, "",
     "let NAPTR records choose the transport (RFC 3263 4.1)", {}, {}, Reload::running},
    {"dns_try_ipv6", &Settings::dns_try_ipv6, {}, refuse_start, "", "ask for IPv6 addresses too", {}, {},
     Reload::running},
    {"dns_cache_flags", &Settings::dns_cache_flags, {0, 7}, refuse_start, "N",
     "bits: 1 only IPv4 addresses, 2 only IPv6 addresses, 4 IPv6 before IPv4", {}, {}, Reload::running},
    {"dns_cache_min_ttl", &Settings::dns_cache_min_ttl, {0, 86'400}, refuse_start, "SECONDS",
     "answers are kept at least so long", {}, {}, Reload::running},
    {"dns_cache_max_ttl", &Settings::dns_cache_max_ttl, {0, 604'800}, refuse_start, "SECONDS",
     "answers are kept at most so long", {}, {}, Reload::running},
    {"dns_cache_negative_ttl", &Settings::dns_cache_negative_ttl, {0, 86'400}, refuse_start, "SECONDS",
     "that there is no such name or record is kept at most so long", {}, {}, Reload::running},
    {"dns_cache_mem", &Settings::dns_cache_mem, {1, 1'048'576}, refuse_start, "KIB",
     "memory of one worker for answers; what was not used for longest goes first", {}, {}, Reload::running},
    {"dst_blacklist_expire", &Settings::dst_blacklist_expire, {0, 3600}, refuse_start, "SECONDS",
     "an address that could not be reached is tried after the others of its name for so long", {}, {}, Reload::running},
});

}  // namespace

ParamGroup dns_params() noexcept { return {"core", "DNS", rows}; }

}  // namespace sipwsd::config
