#pragma once
// A name server's reply (RFC 1035 4.1) to one question: the records of the name, or of the end of its chain of aliases.
// c-ares has parsers too, but they drop the times to live of SRV and NAPTR records and the SOA that negative answers are
// kept by. Sections other than the answers are not believed, except that SOA.

#include "sipwsd/result.h"

#include "src/dns/records.h"

#include <cstdint>
#include <span>

namespace sipwsd::dns {

// Errc::malformed: no whole reply, or not to this question. Records that make no sense by themselves (a target with bytes
// that no host name has, an address nobody can be sent to) are left out; so is what comes after the first 64.
Result<Records> parse_reply(std::span<const std::uint8_t> packet, const Question& question);

}  // namespace sipwsd::dns
