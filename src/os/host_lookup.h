#pragma once
// What `listen` may name: a numeric address, a network interface, a host name, or nothing (every address). Asks the
// system's resolver, so for start-up only.

#include <string>
#include <vector>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

namespace sipwsd::os {

// Addresses without port and protocol, each once. Empty text and "*": 0.0.0.0, and :: where the system has IPv6.
// Errc::not_found: neither address, interface nor name.
Result<std::vector<Endpoint>> look_up_host(const std::string& host);

}  // namespace sipwsd::os
