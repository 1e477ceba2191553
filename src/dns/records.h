#pragma once
// What is asked of name servers and what they say (RFC 1035, 2782, 3403), as values. Names are lower case without a dot
// at the end.

#include "sipwsd/endpoint.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sipwsd::dns {

enum class RecordType : std::uint16_t { a = 1, cname = 5, soa = 6, aaaa = 28, srv = 33, naptr = 35 };

struct Question {
  RecordType type = RecordType::a;
  std::string name;
  friend bool operator==(const Question&, const Question&) = default;
};

// RFC 2782. An empty target: the service is decidedly not available at this domain.
struct Srv {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;
  friend bool operator==(const Srv&, const Srv&) = default;
};

// RFC 3403 4.1, as far as RFC 3263 uses it: there is no regular expression in the record.
struct Naptr {
  std::uint16_t order = 0, preference = 0;
  std::string flags, services, replacement;
  friend bool operator==(const Naptr&, const Naptr&) = default;
};

struct Records {
  enum class Outcome : std::uint8_t {
    found,
    none,    // no such name, or no such record of it
    failed,  // nobody could say
  };
  Outcome outcome = Outcome::failed;
  std::vector<Endpoint> addresses;  // of A or AAAA; no port, no transport
  std::vector<Srv> srv;
  std::vector<Naptr> naptr;
  // How long this may be believed; for `none` after RFC 2308 5. Nothing: the reply did not say.
  std::optional<std::uint32_t> ttl;
  friend bool operator==(const Records&, const Records&) = default;
};

}  // namespace sipwsd::dns
