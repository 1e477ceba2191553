// The torture test messages of RFC 4475, as its appendix has them to the byte (tests/sip/samples.h): what the section asks
// of an element, done by this one.

#include "tests/conformance/sip_row.h"
#include "tests/sip/samples.h"

namespace sipwsd::test::conformance {
namespace {

std::string torture(std::string_view name) { return sip::test::sample(name).text; }

void add_valid(SipRows& rows) {
  SipSection s(rows, "4475/3.1.1");
  s.row("wsinv: folds, white space and compact forms wherever they may stand", torture("wsinv"), reaches());
  s.row("intmeth: every character that may stand there; a method nobody knows is passed on", torture("intmeth"), reaches());
  s.row("esc01: escapes mean their character in a URI", torture("esc01"), reaches());
  s.row("esc02: a percent sign in a method is a percent sign: this is no REGISTER", torture("esc02"), answered("404"));
  s.row("lwsdisp: no space before the angle bracket", torture("lwsdisp"), reaches());
  s.row("longreq: long values", torture("longreq"), reaches());
  s.row("semiuri: a semicolon in the user", torture("semiuri"), reaches());
  s.row("transports: Vias of transports nobody knows", torture("transports"), reaches());
  s.row("mpart01: binary bodies; the Route leads to who is no peer", torture("mpart01"), answered("403")).sent_by_port = 5070;
  s.row("unreason: a response nobody waits for", torture("unreason"), dropped());
  s.row("noreason: a response without a reason phrase, which nobody waits for", torture("noreason"), dropped());

  SipSection r(rows, "4475/3.1.1-registrar", SipProfile::registrar);
  r.row("escnull: a NUL in a user", torture("escnull"), answered("200"));
  auto& two = r.row("dblreq: two requests in one frame, and three bytes too many; of a datagram only the first is read", torture("dblreq"),
                    answered_all({"200", "480"}));
  two.only_in_packets = true;
  two.in_datagram = answered("200");
}

void add_invalid(SipRows& rows) {
  SipSection s(rows, "4475/3.1.2");
  s.row("badinv01: a Via that leads nowhere", torture("badinv01"), dropped());
  s.row("clerr: Content-Length larger than the message; a stream waits for the rest", torture("clerr"), answered("400 Content-Length Mismatch"))
      .on_stream = waits_for_the_rest();
  s.row("ncl: a negative Content-Length; a stream has no next message", torture("ncl"), answered("400 Bad Content-Length")).on_stream =
      ends_with("400 Bad Content-Length");
  s.row("scalar02: numbers too large", torture("scalar02"), answered("400 Bad CSeq"));
  s.row("scalarlg: numbers too large in a response", torture("scalarlg"), dropped());
  s.row("quotbal: a quote without its end", torture("quotbal"), answered("400 Bad To")).sent_by_port = 5050;
  s.row("ltgtruri: angle brackets around the Request-URI", torture("ltgtruri"), answered("400 Bad Request-URI"));
  s.row("lwsruri: white space in the Request-URI", torture("lwsruri"), answered("400 Malformed Request-Line"));
  s.row("lwsstart: two spaces in the Request-Line", torture("lwsstart"), answered("400 Malformed Request-Line"));
  s.row("trws: white space behind the Request-Line", torture("trws"), answered("400 Malformed Request-Line"));
  s.row("escruri: headers in the Request-URI", torture("escruri"), answered("400 Headers in Request-URI"));
  s.row("baddate: what a proxy does not need it does not read", torture("baddate"), reaches());
  s.row("badaspec: spaces within the angle brackets", torture("badaspec"), answered("400 Bad To"));
  s.row("baddn: a comma in a display name without quotes", torture("baddn"), answered("400 Bad From"));
  s.row("badvers: SIP/7.0", torture("badvers"), answered("505 Version Not Supported"));
  s.row("mismatch01: another method in CSeq", torture("mismatch01"), answered("400 CSeq Method Mismatch"));
  s.row("mismatch02: and of a method nobody knows", torture("mismatch02"), answered("501 Not Implemented"));
  s.row("bigcode: a status of 2^32 + 5", torture("bigcode"), dropped());

  SipSection r(rows, "4475/3.1.2-registrar", SipProfile::registrar);
  r.row("regbadct: a Contact that needs angle brackets", torture("regbadct"), answered("400 Bad Contact"));
}

void add_application(SipRows& rows) {
  SipSection t(rows, "4475/3.2");
  t.row("badbranch: the cookie and nothing behind it", torture("badbranch"), reaches());

  SipSection s(rows, "4475/3.3");
  s.row("insuf: From, To and Call-ID are missing", torture("insuf"), answered("400 Missing From"));
  s.row("unkscm: a scheme nobody knows", torture("unkscm"), answered("416"));
  s.row("novelsc: one that is no SIP", torture("novelsc"), answered("416"));
  s.row("bext01: Proxy-Require", torture("bext01"),
        answered("420 Bad Extension\nUnsupported: noProxiesSupportThis, norDoAnyProxiesSupportThis"));
  s.row("invut: a body nobody knows", torture("invut"), reaches());
  s.row("multi01: what may stand only once stands twice", torture("multi01"), answered("400 Header Given Twice"));
  s.row("mcl01: two lengths; a stream has no next message", torture("mcl01"), answered("400 Content-Length Given Twice")).on_stream =
      ends_with("400 Content-Length Given Twice");
  s.row("bcast: a response that would go to everybody", torture("bcast"), dropped());
  s.row("zeromf: no hops left", torture("zeromf"), answered("483"));
  s.row("sdp01: a body the callee will not like", torture("sdp01"), reaches());

  SipSection r(rows, "4475/3.3-registrar", SipProfile::registrar);
  r.row("unksm2: an address of record of another scheme", torture("unksm2"), answered("400"));
  r.row("regaut01: an authentication scheme nobody knows, where none is needed", torture("regaut01"), answered("200"));
  r.row("cparam01: a Contact parameter", torture("cparam01"),
        answered("200 OK\nContact: <sip:+19725552222@gw1.example.net>"));
  r.row("cparam02: a URI parameter", torture("cparam02"),
        answered("200 OK\nContact: <sip:+19725552222@gw1.example.net;unknownparam>"));
  r.row("regescrt: an escaped header in a Contact", torture("regescrt"), answered("200"));

  SipSection o(rows, "4475/3.4");
  o.row("inv2543: an INVITE of RFC 2543; a stream needs its length", torture("inv2543"), reaches()).on_stream =
      ends_with("400 Missing Content-Length");
}

}  // namespace

void add_rfc4475_rows(SipRows& rows) {
  add_valid(rows);
  add_invalid(rows);
  add_application(rows);
}

}  // namespace sipwsd::test::conformance
