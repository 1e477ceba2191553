// What an element does before it looks at headers, and what it does with the rest (RFC 3261 7.1, 7.2, 8.2, 16.3, 17): versions,
// methods, requests that nobody answers, responses that nobody waits for.

#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

std::string line(std::string_view start_line) { return SipText().start_line(std::string(start_line)); }

void add_versions(SipRows& rows) {
  SipSection s(rows, "3261/7.1");
  for (const std::string version : {"SIP/1.0", "SIP/2.1", "SIP/3.0", "SIP/7.0", "SIP/0.0", "SIP/20.0", "SIP/99999999999999999999.0"})
    s.row(version, line("OPTIONS sip:user@example.com " + version), answered("505 Version Not Supported"));
  s.row("505 comes before what else is wrong", SipText().start_line("OPTIONS < > SIP/3.0").leave_out("From").change("CSeq", "CSeq: x"),
        answered("505 Version Not Supported"));
  s.row("in small letters", line("OPTIONS sip:user@example.com sip/2.0"), reaches());
  for (const std::string start : {"OPTIONS sip:user@example.com SIP/2", "OPTIONS sip:user@example.com SIP/2.0.0", "OPTIONS sip:user@example.com SIP/2.x", "OPTIONS sip:user@example.com SIP2.0",
                                  "OPTIONS sip:user@example.com", "OPTIONS sip:user@example.com SIP/2.0 ", "OPTIONS sip:user@example.com  SIP/2.0",
                                  "OPTIONS  sip:user@example.com SIP/2.0", "OPTIONS sip:user@example.com SIP/ 2.0"})
    s.row("`" + start + "`", line(start), answered("400 Malformed Request-Line"));
  for (const std::string start : {" OPTIONS sip:user@example.com SIP/2.0", "OPT@NS sip:user@example.com SIP/2.0", "GET / HTTP/1.1", "nonsense", "OPTIONS\tsip:user@example.com SIP/2.0", "\"OPTIONS\" sip:user@example.com SIP/2.0"})
    s.row("`" + start + "` is no SIP", line(start), dropped());
}

void add_methods(SipRows& rows) {
  SipSection s(rows, "3261/16.3");
  for (const std::string method : {"INVITE", "BYE", "MESSAGE", "INFO", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "UPDATE", "PRACK", "options", "NEWMETHOD", "a-.!%*_+`'~"})
    s.row(method + " is passed on", SipText(method), reaches());
  s.row("as long as a method may be", SipText(std::string(500, 'M')), reaches());
  s.row("a CANCEL of nothing", SipText("CANCEL"), answered("481"));
  s.row("a broken CANCEL", SipText("CANCEL").leave_out("From"), answered("400 Missing From"));
  s.row("an ACK of nothing", SipText("ACK"), dropped());
  s.row("a broken ACK", SipText("ACK").change("CSeq", "CSeq: x"), dropped());
  s.row("one without hops", SipText("ACK").change("Max-Forwards", "Max-Forwards: 0"), dropped());
  s.row("one of another version", SipText("ACK").start_line("ACK sip:user@example.com SIP/3.0"), dropped());
  s.row("one to nobody", SipText("ACK").uri("sip:nobody@example.com"), dropped());
  s.row("one to somewhere else", SipText("ACK").uri("sip:user@192.0.2.1"), dropped());
  s.row("one with a foreign Route", SipText("ACK").add("Route: <sip:192.0.2.1;lr>"), dropped());
  s.row("an INVITE without hops", SipText("INVITE").change("Max-Forwards", "Max-Forwards: 0"), answered("483"));
  s.row("an OPTIONS without hops, to ourselves", SipText().uri("sip:example.com").change("Max-Forwards", "Max-Forwards: 0"), answered("200 OK"));
}

void add_responses(SipRows& rows) {
  SipSection s(rows, "3261/7.2");
  for (const std::string start : {"SIP/2.0 200 OK", "SIP/2.0 180 Ringing", "SIP/2.0 100 ", "SIP/2.0 100", "SIP/2.0 699 \xff", "SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 1000 x", "SIP/2.0 20 x",
                                  "SIP/2.0 2x0 OK", "SIP/2.0 -200 OK", "SIP/2.0  200 OK", "SIP/2.0 200OK", "SIP/3.0 200 OK", "SIP/2.0", "SIP/2.0 ", "SIP/2.0\t200 OK", "SIP/"})
    s.row("`" + start + "`: nobody waits for it", line(start), dropped());
  for (const std::string name : {"Via", "From", "To", "Call-ID", "CSeq"})
    s.row("without " + name, SipText().start_line("SIP/2.0 200 OK").leave_out(name), dropped());
  s.row("with a wrong length", SipText().start_line("SIP/2.0 200 OK").change("Content-Length", "Content-Length: 9999"), dropped()).on_stream = waits_for_the_rest();
  s.row("with what looks like a Via of ours", SipText().start_line("SIP/2.0 200 OK").change("Via", "Via: SIP/2.0/WS 127.0.0.1;branch=z9hG4bK0000000000000000000000000000000000000000"), dropped());
}

}  // namespace

void add_rfc3261_element_rows(SipRows& rows) {
  add_versions(rows);
  add_methods(rows);
  add_responses(rows);
}

}  // namespace sipwsd::test::conformance
