#pragma once
// The texts behind `upstream=` and `peers=`: the SIP servers we may send to without a client having registered there.

#include "src/config/settings.h"

#include "sipwsd/result.h"

#include <string>
#include <string_view>

namespace sipwsd::config {

// sip:host[:port][;transport=udp|tcp|tls], sips:host[:port], or host[:port].
Result<UpstreamSpec> parse_upstream(std::string_view text);
std::string to_text(const UpstreamSpec& spec);

// Addresses, networks and names, parted by spaces or commas. Names are compared as they are written in a URI.
Result<void> add_peers(Settings& settings, std::string_view text);
std::string peers_text(const Settings& settings);

// Does that address belong to a server of ours: a peer, or an upstream that is given by its address? Such servers speak for
// many, so they have no limits of a single client.
bool is_server_of_ours(const Settings& settings, const Endpoint& remote);

}  // namespace sipwsd::config
