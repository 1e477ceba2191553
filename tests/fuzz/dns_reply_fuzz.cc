// links: dns base
// Any bytes as a name server's reply, to each kind of question: what comes out is bounded and clean, and reading it again
// gives the same.
#include "src/dns/host_name.h"
#include "src/dns/reply.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace sipwsd;
using namespace sipwsd::dns;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_clean(const std::string& name) {
  return name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || is_name_character(c); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> packet(data, size);
  for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::srv, RecordType::naptr}) {
    const Question question{type, "a.b"};
    const auto records = parse_reply(packet, question);
    if (!records) continue;
    require(*parse_reply(packet, question) == *records);
    require(records->addresses.size() + records->srv.size() + records->naptr.size() <= 64);
    const bool has_some = !records->addresses.empty() || !records->srv.empty() || !records->naptr.empty();
    require(has_some == (records->outcome == Records::Outcome::found));
    for (const Endpoint& address : records->addresses) require(is_unicast(address));
    for (const Srv& srv : records->srv) require(is_clean(srv.target) && (srv.port != 0 || srv.target.empty()));
    for (const Naptr& naptr : records->naptr) require(is_clean(naptr.replacement));
  }
  return 0;
}
