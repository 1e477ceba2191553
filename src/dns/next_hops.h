#pragma once
// RFC 3263 4.1 and 4.2 as a pure function: what a URI says about the next hop, and what is known of names, become an
// ordered list of places; or it says that more must be asked first. Asked again with the answers, it goes the same way a
// step further: NAPTR, then SRV, then addresses.
//
// Where the RFC leaves it to us: without a NAPTR record all transports with an SRV record are places, in the order UDP,
// TCP, TLS; a question that nobody could answer counts as "no such record", so that a name server which knows only
// addresses serves as well.

#include "src/base/random.h"
#include "src/dns/host_name.h"
#include "src/dns/place.h"
#include "src/dns/records.h"

#include <string>
#include <vector>

namespace sipwsd::dns {

inline constexpr std::size_t most_targets = 8;  // names of servers that are looked up for one query
inline constexpr std::size_t most_places = 16;

// Where the answers are.
class Knowledge {
 public:
  // Null: not in the file.
  virtual const std::vector<Endpoint>* in_hosts_file(const std::string& name) const = 0;
  // Null: not known yet; whoever implements this notes that it is wanted. Valid until the function returns.
  virtual const Records* find(Question question) = 0;

 protected:
  ~Knowledge() = default;
};

struct NextHops {
  bool is_complete = true;  // false: something wasn't known; `places` are what there is without it
  std::vector<Place> places;
};

// `host` is classify(query.host). `chance` orders SRV records of one priority: the same numbers for the same query each
// time it is asked.
NextHops find_next_hops(const Query& query, const Host& host, const Reach& reach, const Choices& choices,
                        Knowledge& knowledge, base::Random& chance);

}  // namespace sipwsd::dns
