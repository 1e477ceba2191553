// Request-URIs (RFC 3261 19.1, RFC 3966): what is none, what is one and nobody's, and what is the callee's however it is
// spelt. None of them makes the daemon look up or connect to anything (S25, S27).

#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

std::string to(std::string_view uri) { return SipText().uri(uri); }

void add_bad(SipRows& rows) {
  SipSection s(rows, "3261/19.1.1-bad");
  for (const std::string uri :
       {"user@example.com", "example.com", "*", "sip", "sip:", "sip:@example.com", "sip:user@", "sip:user@@example.com", "sip:a@b@example.com",
        "sip:user@example.com:", "sip:user@example.com:0", "sip:user@example.com:65536", "sip:user@example.com:99999999999999999999", "sip:user@example.com:-1",
        "sip:user@example.com:5060x", "sip:user@example.com:5060:5060", "sip:user@example.com;", "sip:user@example.com;;lr", "sip:user@example.com;=x",
        "sip:us%er@example.com", "sip:us%4@example.com", "sip:us%zz@example.com", "sip:user@example.com;x=%1", "sip:user@-example.com", "sip:user@.example.com",
        "sip:user@example..com", "sip:user@exa%6Dple.com", "sip:user@example.com/path", "sip:user@[2001:db8::10", "sip:user@2001:db8::10", "sip:user@[]", "sip:user@[1:2]",
        "sip:user@[fe80::1%25eth0]", "sip:user@[::g]", "sip:user@[2001:db8::10]x", "<sip:user@example.com>", "\"sip:user@example.com\"", "sip:user@example.com,sip:b@c",
        "tel:", "tel:;x", "1sip:user@example.com", ":user@example.com", "sip:user@exam\\ple.com", "sip:user@example.com;a;;b"})
    s.row("`" + uri + "`", to(uri), answered("400"));
  s.row("an escaped header", to("sip:user@example.com?Route=%3Csip:attacker.example%3E"), answered("400 Headers in Request-URI"));
  s.row("several", to("sip:user@example.com;lr?subject=a&Route=b"), answered("400 Headers in Request-URI"));
  s.row("none at all", SipText().start_line("OPTIONS  SIP/2.0"), answered("400 Malformed Request-Line"));
  s.row("white space within", to("sip:user @example.com"), answered("400 Malformed Request-Line"));
  s.row("a tab before the version", SipText().start_line("OPTIONS sip:user@example.com\tSIP/2.0"), answered("400 Malformed Request-Line"));
}

void add_foreign(SipRows& rows) {
  SipSection s(rows, "3261/8.2.2.1");
  for (const std::string uri : {"tel:+12015550123", "tel:911;phone-context=example.com", "mailto:user@example.com", "http://example.com/", "urn:service:sos", "im:user@example.com",
                                "sipx:user@example.com", "data:,x", "javascript:alert(1)"})
    s.row("`" + uri + "`: a scheme that is not served", to(uri), answered("416"));
  for (const std::string uri :
       {"sip:user@attacker.example", "sip:user@192.0.2.1", "sip:user@127.0.0.1:22", "sip:user@[::1]:25", "sip:user@x.invalid", "sip:user@invalid.", "sip:user@sub.example.com",
        "sip:user@exa_mple.com", "sip:user@example.com.attacker.example", "sip:attacker.example;lr", "sip:user@255.255.255.255", "sip:user@224.0.1.75"})
    s.row("`" + uri + "`: nobody of ours (S25)", to(uri), answered("403"));
  for (const std::string uri : {"sip:nobody@example.com", "sip:USER@example.com", "sip:user%00@example.com", "sip:%FF%FE@example.com", "sip:user%40example.com@example.com"})
    s.row("`" + uri + "`: a user we do not have", to(uri), answered("480"));
}

void add_good(SipRows& rows) {
  SipSection s(rows, "3261/19.1.4");
  for (const std::string uri :
       {"sip:user@example.com", "SIP:user@example.com", "sip:user@EXAMPLE.com", "sip:user@example.com.", "sip:%75%73er@example.com", "sip:u%73er@example.com;transport=udp",
        "sip:user:password@example.com", "sip:user:@example.com", "sip:user@example.com;lr", "sip:user@example.com;transport=carrierpigeon", "sip:user@example.com;user=phone;x=%41;method=INVITE",
        "sip:user@example.com;x;y=z;lr=on", "sip:user@[2001:db8::10]", "sip:user@[2001:DB8::10]"})
    s.row("`" + uri + "` is the callee", to(uri), reaches());
  s.row("maddr is not followed (S25)", to("sip:user@example.com;maddr=192.0.2.1;ttl=16"), reaches());
  s.row("nor the transport", to("sip:user@example.com;transport=tcp"), reaches());
}

}  // namespace

void add_rfc3261_uri_rows(SipRows& rows) {
  add_bad(rows);
  add_foreign(rows);
  add_good(rows);
}

}  // namespace sipwsd::test::conformance
