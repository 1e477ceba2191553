#pragma once
// The texts behind `listen=` and `alias=` (reference/routing-language.md 2).

#include "sipwsd/result.h"

#include "src/config/settings.h"

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::config {

// [proto:]host[:port], host an IPv4 address, an [IPv6 address], a name, an interface, `*` for every address, or
// several in parentheses. Without a protocol it is udp and tcp. Ports: 5060, tls 5061, ws 80, wss 443; 0 is any.
Result<std::vector<ListenSpec>> parse_listen(std::string_view text);
// What follows `advertise`: host[:port].
Result<void> parse_advertise(std::string_view text, std::vector<ListenSpec>& specs);
// As parse_listen reads it: ws:127.0.0.1:8080, tcp:[::1]:5060.
std::string to_text(const ListenSpec& spec);

// host, host:port or proto:host:port, several parted by spaces; lower case, the protocol left out.
Result<std::vector<std::string>> parse_aliases(std::string_view text);

// 127.0.0.0/8, ::1, localhost, lo: nothing from another machine arrives there.
bool is_loopback(const ListenSpec& spec);

}  // namespace sipwsd::config
