// The torture test messages for IPv6, RFC 5118. The daemon serves [2001:db8::10] and [2001:db8::10:5070].

#include "tests/conformance/sip_row.h"
#include "tests/sip/samples.h"

namespace sipwsd::test::conformance {
namespace {

std::string torture(std::string_view name) { return sip::test::sample(name).text; }

}  // namespace

void add_rfc5118_rows(SipRows& rows) {
  SipSection r(rows, "5118/4-registrar", SipProfile::registrar);
  r.row("4.1: references in Request-URI, Via and Contact", torture("ipv6-good"),
        answered("200 OK\nContact: <sip:caller@[2001:db8::1]>"));
  r.row("4.2: an address without its brackets", torture("ipv6-bad"), answered("400 Bad Request-URI"));
  r.row("4.3: what looks like a port is part of the address", torture("port-ambiguous"), answered("200"));
  r.row("4.4: the port behind the brackets", torture("port-unambiguous"), answered("200"));

  SipSection s(rows, "5118/4");
  s.row("4.5: received with brackets", torture("via-received-param-with-delim"), answered("481"));
  s.row("4.5: received without", torture("via-received-param-no-delim"), answered("200 OK"));
  s.row("4.6: in the body", torture("ipv6-in-sdp"), reaches());
  s.row("4.7: both families in the Vias", torture("mult-ip-in-header"), answered("481")).sent_by_port = 6050;
  s.row("4.8: both families in the body", torture("mult-ip-in-sdp"), reaches());
  s.row("4.9: IPv4 addresses as IPv6", torture("ipv4-mapped-ipv6"), reaches()).sent_by_port = 19823;
  s.row("4.10: three colons, as a mistake in the grammar makes them: read, and a domain of others", torture("3-colons"), answered("403"));
  s.row("4.10: two", torture("2-colons"), answered("403"));
}

}  // namespace sipwsd::test::conformance
