// Header by header (RFC 3261 20; RFC 5393 for Max-Breadth): values right, odd and wrong. What a proxy needs it reads
// strictly; what only the other end needs it passes on as it came.

#include <fmt/format.h>

#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

std::string with_via(std::string_view value) { return SipText().change("Via", "Via: " + std::string(value)); }
std::string with_from(std::string_view value) { return SipText().change("From", "From: " + std::string(value)); }
std::string with_to(std::string_view value) { return SipText().change("To", "To: " + std::string(value)); }
std::string with_cseq(std::string_view value) { return SipText().change("CSeq", "CSeq: " + std::string(value)); }
std::string with_hops(std::string_view value) { return SipText().change("Max-Forwards", "Max-Forwards: " + std::string(value)); }
std::string with_route(std::string_view value) { return SipText().add("Route: " + std::string(value)); }

void add_via(SipRows& rows) {
  SipSection s(rows, "3261/20.42");
  s.row("a missing Via: nobody to answer", SipText().leave_out("Via"), dropped());
  for (const std::string value :
       {"", "nonsense", "SIP/2.0", "SIP/2.0/TCP", "SIP/2.0/TCP ;branch=z9hG4bK1", "SIP/2.0 client.example.org", "SIP/2.0/TCP client.example.org:",
        "SIP/2.0/TCP client.example.org:0", "SIP/2.0/TCP client.example.org:65536", "SIP/2.0/TCP client.example.org:99999999999999999999",
        "SIP/2.0/TCP client.example.org;;branch=z9hG4bK1", "SIP/2.0/TCP client.example.org;branch=", "SIP/2.0/TCP client.example.org (a comment)",
        "SIP/2.0/TCP [2001:db8::1", "SIP/2.0/TCP [fe80::1%25eth0]", "SIP/2.0/TCP 2001:db8::1", "SIP/2.0/TCP -a", "SIP/2.0/TCP a..b",
        "SIP/2.0/TCP client.example.org;x=\"open", ", SIP/2.0/TCP client.example.org", "<SIP/2.0/TCP client.example.org>"})
    s.row("`" + value + "` leads nowhere", with_via(value), dropped());
  s.row("a transport nobody knows", with_via("SIP/2.0/CARRIERPIGEON client.example.org;branch=z9hG4bK74bf9"), reaches());
  s.row("no branch (RFC 2543)", with_via("SIP/2.0/TCP client.example.org"), reaches());
  s.row("the highest port", with_via("SIP/2.0/TCP client.example.org:65535;branch=z9hG4bK74bf9"), reaches()).sent_by_port = 65535;
  s.row("white space around the colon", with_via("SIP/2.0/TCP client.example.org : 5060 ;branch=z9hG4bK74bf9"), reaches());
  s.row("an underscore in the host", with_via("SIP/2.0/TCP my_phone;branch=z9hG4bK74bf9"), reaches());
  s.row("a host that never is in DNS (RFC 7118)", with_via("SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK74bf9"), reaches());
  s.row("maddr and ttl are not obeyed: a response goes where its request came from", with_via("SIP/2.0/TCP client.example.org;maddr=224.0.1.75;ttl=16;branch=z9hG4bK74bf9"),
        reaches());
  s.row("a `received` of the client's own is written over", SipText().change("Via", "Via: SIP/2.0/TCP client.example.org;received=192.0.2.99;branch=z9hG4bK74bf9").change("CSeq", "CSeq: x"),
        answered("400 Bad CSeq\nVia: SIP/2.0/TCP client.example.org;branch="));
  s.row("rport is filled in (RFC 3581)", SipText().change("Via", "Via: SIP/2.0/TCP client.example.org;rport;branch=z9hG4bK74bf9").change("CSeq", "CSeq: x"),
        answered("400 Bad CSeq\nVia: SIP/2.0/TCP client.example.org;rport=")).sent_by_port = 40'060;
  s.row("alias (RFC 5923)", with_via("SIP/2.0/TCP client.example.org;alias;branch=z9hG4bK74bf9"), reaches());
  s.row("the second is for others to read", with_via("SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9, nonsense"), reaches());
  s.row("another version, in a message of ours", with_via("SIP/3.0/TCP client.example.org;branch=z9hG4bK74bf9"), reaches());
}

void add_from_and_to(SipRows& rows) {
  SipSection s(rows, "3261/20.20");
  s.row("a missing From", SipText().leave_out("From"), answered("400 Missing From"));
  s.row("an empty one", with_from(""), answered("400 Missing From"));
  s.row("two", SipText().add("f: <sip:alice@example.org>;tag=9fxced76sl"), answered("400 Header Given Twice"));
  for (const std::string value :
       {"nonsense", "<sip:alice@example.org", "sip:alice@example.org>", "<>", "<sip:>", "< sip:alice@example.org>", "<sip:alice@example.org >;tag=1",
        "\"Alice <sip:alice@example.org>;tag=1", "\"Alice\\\" <sip:alice@example.org>", "Alice, Bob <sip:alice@example.org>", "\"A\" \"B\" <sip:alice@example.org>",
        "<sip:alice@example.org>;", "<sip:alice@example.org>;;tag=1", "<sip:alice@example.org>;tag=1;tag=2", "<sip:alice@example.org>;TAG=1;tag=1",
        "<sip:alice@example.org>;tag", "<sip:alice@example.org>;tag=", "<sip:alice@example.org>;tag=\"1\"", "<sip:alice@example.org>;tag=1 2",
        "<sip:alice@example.org>;x=\"open", "sip:alice@example.org?subject=x", "sip:alice,bob@example.org", "<sip:alice@example.org> (Alice)",
        "<<sip:alice@example.org>>", "<sip:alice@example.org>, <sip:bob@example.org>"})
    s.row("`" + value + "`", with_from(value), answered("400 Bad From"));
  for (const std::string value :
       {"sip:alice@example.org", "sip:alice@example.org;tag=1", "<sip:alice@example.org>", "<sip:alice@example.org>;tag=1;x;y=z;w=\"a;b,c<\\\"\"",
        "\"\" <sip:alice@example.org>;tag=1", "\"<sip:bob@example.com>;tag=2\" <sip:alice@example.org>;tag=1", "\"a \\\"b\\\" \\\\\" <sip:alice@example.org>;tag=1",
        "Alice A. B-C <sip:alice@example.org>;tag=1", "Alice<sip:alice@example.org>;tag=1", "<tel:+12015550123>;tag=1", "<urn:service:sos>;tag=1",
        "<mailto:alice@example.org>;tag=1", "<sip:alice;x=y?z@example.org;a=b?c=d>;tag=1", "<sips:alice@example.org:5061>;tag=1",
        "<sip:[2001:db8::1]>;tag=z9hG4bK/+==", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1"})
    s.row("`" + value + "` is good", with_from(value), reaches());

  SipSection t(rows, "3261/20.39");
  t.row("a missing To", SipText().leave_out("To"), answered("400 Missing To"));
  t.row("two", SipText().add("To: <sip:bob@example.org>"), answered("400 Header Given Twice"));
  for (const std::string value : {"nonsense", "<sip:user@example.com>;tag=\"\"", "<sip:user@example.com>;tag=1;tag=1", "\"open <sip:user@example.com>", "sip:user@@example.com"})
    t.row("`" + value + "`", with_to(value), answered("400 Bad To"));
  t.row("somebody else: the Request-URI counts", with_to("\"Carol\" <sip:carol@chicago.example.net>"), reaches());
  t.row("an anonymous address", with_to("<sip:anonymous@anonymous.invalid>"), reaches());
}

void add_identity(SipRows& rows) {
  SipSection c(rows, "3261/20.8");
  c.row("a missing Call-ID", SipText().leave_out("Call-ID"), answered("400 Missing Call-ID"));
  c.row("an empty one", SipText().change("Call-ID", "Call-ID:"), answered("400 Missing Call-ID"));
  c.row("two", SipText().add("i: other"), answered("400 Header Given Twice"));
  c.row("white space within", SipText().change("Call-ID", "Call-ID: abcd efgh"), answered("400 Bad Call-ID"));
  c.row("a fold within", SipText().change("Call-ID", "Call-ID: abcd\r\n efgh"), answered("400 Bad Call-ID"));
  c.row("every character a word may have", SipText().change("Call-ID", "Call-ID: 0000-.!%*_+`'~()<>:\\\"/[]?{}@(a)<b>"), reaches());
  c.row("4 KiB of it", SipText().change("Call-ID", "Call-ID: " + std::string(4096, 'c')), reaches());

  SipSection s(rows, "3261/20.16");
  s.row("a missing CSeq", SipText().leave_out("CSeq"), answered("400 Missing CSeq"));
  s.row("two", SipText().add("CSEQ: 2 OPTIONS"), answered("400 Header Given Twice"));
  for (const std::string value : {"2147483648 OPTIONS", "4294967296 OPTIONS", "18446744073709551618 OPTIONS", "-1 OPTIONS", "+2 OPTIONS", "2.0 OPTIONS", "2", "OPTIONS",
                                  "OPTIONS 2", "2OPTIONS", "2 OPTIONS x", "2 OPTI@NS", "0x2 OPTIONS", "2,OPTIONS", "2 OPTIONS;x"})
    s.row("`" + value + "`", with_cseq(value), answered("400 Bad CSeq"));
  s.row("10^100", with_cseq("1" + std::string(100, '0') + " OPTIONS"), answered("400 Bad CSeq"));
  s.row("another method", with_cseq("2 INVITE"), answered("400 CSeq Method Mismatch"));
  s.row("the method in small letters", with_cseq("2 options"), answered("400 CSeq Method Mismatch"));
  s.row("0", with_cseq("0 OPTIONS"), reaches());
  s.row("2^31 - 1", with_cseq("2147483647 OPTIONS"), reaches());
  s.row("leading zeros and white space", with_cseq("00000000000000000002  \t  OPTIONS"), reaches());
}

void add_hops(SipRows& rows) {
  SipSection s(rows, "3261/20.22");
  for (const std::string value : {"256", "-1", "300", "4294967297", "1.0", "x", "", "7 0", "70;x", "\"70\"", "+70"})
    s.row("`" + value + "`", with_hops(value), answered("400 Bad Max-Forwards"));
  s.row("two", SipText().add("Max-Forwards: 70"), answered("400 Header Given Twice"));
  s.row("none: a proxy adds one (16.6)", SipText().leave_out("Max-Forwards"), reaches());
  for (const std::string value : {"1", "255", "0070"}) s.row(value, with_hops(value), reaches());
  s.row("0", with_hops("0"), answered("483"));
  s.row("000", with_hops("000"), answered("483"));

  SipSection b(rows, "5393/5.3.3");
  for (const std::string value : {"-1", "x", "", "6 0", "60;x"})
    b.row("`" + value + "`", SipText().add("Max-Breadth: " + value), answered("400 Bad Max-Breadth"));
  b.row("two", SipText().add("Max-Breadth: 60").add("max-breadth: 60"), answered("400 Header Given Twice"));
}

void add_extensions(SipRows& rows) {
  SipSection p(rows, "3261/20.29");
  p.row("an extension no proxy has", SipText().add("Proxy-Require: foo"), answered("420 Bad Extension\nUnsupported: foo"));
  p.row("over several lines, forms and commas", SipText().add("Proxy-Require: foo , bar").add("PROXY-REQUIRE :\r\n baz"),
        answered("420 Bad Extension\nUnsupported: foo, bar, baz"));
  p.row("an empty one asks for nothing", SipText().add("Proxy-Require:"), reaches());
  p.row("what is no token never comes back", SipText().add("Proxy-Require: foo, <b>\"x\", bar"), answered("420 Bad Extension\nUnsupported: foo, bar"));
  p.row("without hops, that counts (16.3)", SipText().change("Max-Forwards", "Max-Forwards: 0").add("Proxy-Require: foo"), answered("483"));

  SipSection r(rows, "3261/20.32");
  r.row("Require is for the other end", SipText().add("Require: foo"), reaches());
  r.row("and for us when we are it", SipText().uri("sip:example.com").add("Require: foo, path"), answered("420 Bad Extension\nUnsupported: foo"));

  SipSection g(rows, "3261/20.32-registrar", SipProfile::registrar);
  g.row("a registrar has no such extension",
        SipText("REGISTER").uri("sip:example.com").change("From", "From: <sip:user@example.com>;tag=1").add("Require: foo").add("require : bar"),
        answered("420 Bad Extension\nUnsupported: foo, bar"));
}

void add_routes(SipRows& rows) {
  SipSection s(rows, "3261/20.34");
  s.row("ours", with_route("<sip:example.com;lr>"), reaches());
  s.row("several of ours", with_route("<sip:example.com;lr>,<sip:example.net;lr>,\r\n <sip:example.org;lr=on>"), reaches());
  s.row("in any case, with white space", SipText().add("ROUTE\t:\r\n \"us\" <SIP:EXAMPLE.COM;LR> ; x=y"), reaches());
  for (const std::string value : {"", "sip:example.com;lr", "<sip:example.com;lr", "nonsense", "<>", ",<sip:example.com;lr>", "<sip:example.com;lr>;;"})
    s.row("`" + value + "`", with_route(value), answered("400 Bad Route"));
  for (const std::string value :
       {"<sip:192.0.2.1;lr>", "<sip:127.0.0.1:22;lr>", "<sip:attacker.example;lr>", "<sip:x.invalid;lr>", "<sips:attacker.example;lr>", "<sip:[::1]:25;lr>",
        "<sip:example.com;lr>, <sip:192.0.2.1;lr>", "<sip:192.0.2.1;lr>, <sip:example.com;lr>", "<tel:+12015550123>", "<http://192.0.2.1/>"})
    s.row("`" + value + "`: no relay for that (S25)", with_route(value), answered("403"));
}

void add_others(SipRows& rows) {
  SipSection s(rows, "3261/20");
  for (const std::string line :
       {"Expires: 99999999999999999999", "Expires: never", "Contact: nonsense", "Contact: *", "Contact: <sip:a@b>;;;", "Record-Route: nonsense", "Date: yesterday",
        "Content-Type: nonsense", "Event: ;;", "Authorization: NoOneKnowsThisScheme x=y", "Authorization: Digest", "Proxy-Authorization: Digest realm=\"open",
        "Timestamp: x", "Warning: 1812 overture \"In Progress\"", "Retry-After: x", "Reason: ;;", "Path: nonsense", "Service-Route: x", "Replaces: nonsense", "Refer-To: nonsense",
        "Session-Expires: x", "Min-SE: x", "RAck: x", "Accept: ;", "P-Asserted-Identity: nonsense", "Supported: ,,,", "Identity: x", "Date: Fri, 01 Jan 2010 16:00:00 EST"})
    s.row("`" + line + "` is for the other end", SipText().leave_out(line.starts_with("Contact") ? "Contact" : "-").add(line), reaches());
  for (const std::string line : {"Expires: 1", "Content-Type: text/plain", "Event: a", "Refer-To: <sip:a@b>", "Replaces: a;to-tag=b;from-tag=c", "RAck: 1 1 INVITE"})
    s.row("`" + line + "` twice means two things", SipText().add(line).add(line), answered("400 Header Given Twice"));
  s.row("free text may stand twice", SipText().add("Subject: a").add("s: b").add("User-Agent: c").add("User-Agent: d").add("Date: e").add("Date: f"), reaches());
}

SipText registration(std::string contact) {
  return SipText("REGISTER")
      .uri("sip:example.com")
      .change("From", "From: <sip:user@example.com>;tag=1")
      .change("Contact", std::move(contact));
}

void add_registrations(SipRows& rows) {
  SipSection s(rows, "3261/10.3-registrar", SipProfile::registrar);
  for (const std::string seconds : {"4294967296", "18446744073709551616", "100000000000000000000000000000000000000000000000", "never", "-1", ""}) {
    s.row("Expires: " + seconds + " is cut down, or is nothing", registration("Contact: <sip:u@192.0.2.1>").add("Expires: " + seconds), answered("200 OK\nContact: <sip:u@192.0.2.1>"));
    if (!seconds.empty())
      s.row("and in the Contact", registration("Contact: <sip:u@192.0.2.1>;expires=" + seconds), answered("200 OK\nContact: <sip:u@192.0.2.1>"));
  }
  for (const std::string contact : {"<sip:u@192.0.2.1", "nonsense", "<sip:u@192.0.2.1>;;", "*, <sip:u@192.0.2.1>", "<sip:u@192.0.2.1>,", "sip:u@192.0.2.1?a=b", "<sip:u@fe80::1>",
                                    "<sip:u@[fe80::1%25eth0]>", "<sip:u@192.0.2.1:0>", "<sip:u@192.0.2.1:65536>"})
    s.row("Contact: " + contact, registration("Contact: " + contact), answered("400 Bad Contact"));
  s.row("a star without Expires: 0", registration("Contact: *"), answered("400"));
  s.row("a star that stays", registration("Contact: *").add("Expires: 60"), answered("400"));
  s.row("a star with somebody beside it", registration("Contact: *\r\nm: <sip:u@192.0.2.1>").add("Expires: 0"), answered("400"));
  s.row("however its Contact is spelt", registration("M\t:\r\n \"U\"\r\n <sip:u@192.0.2.1>\r\n ;\r\n EXPIRES\r\n =\r\n 60"), answered("200 OK\nContact: <sip:u@192.0.2.1>"));
  s.row("to a domain of others", registration("Contact: <sip:u@192.0.2.1>").uri("sip:attacker.example"), answered("403"));
  s.row("for somebody in a domain of others", registration("Contact: <sip:u@192.0.2.1>").change("To", "To: <sip:user@attacker.example>"), answered("404"));
}

}  // namespace

void add_rfc3261_header_rows(SipRows& rows) {
  add_via(rows);
  add_from_and_to(rows);
  add_identity(rows);
  add_hops(rows);
  add_extensions(rows);
  add_routes(rows);
  add_others(rows);
  add_registrations(rows);
}

}  // namespace sipwsd::test::conformance
