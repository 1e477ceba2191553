// SIP over WebSocket (RFC 7118): one message a frame, text or binary, and the keepalive of RFC 5626 inside it.

#include "tests/conformance/bytes.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

std::string options(std::string_view more = {}, std::string_view body = {}) {
  return "OPTIONS sip:example.org SIP/2.0\r\n"
         "Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks\r\n"
         "Max-Forwards: 70\r\n"
         "From: <sip:alice@example.org>;tag=asdyka899\r\n"
         "To: <sip:example.org>\r\n"
         "Call-ID: asidkj3ss\r\n"
         "CSeq: 1 OPTIONS\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

}  // namespace

void add_sip_rows(Rows& rows) {
  Section k(rows, "7118/6", Profile::edge, From::opened);
  k.row("a double CRLF is answered by one (RFC 5626 3.5.1)", frame(op::text, "\r\n\r\n"), answers({"text \r\n"}));
  k.row("in a binary frame by one in a binary frame", frame(op::binary, "\r\n\r\n"), answers({"binary \r\n"}));
  k.row("in fragments", byte_fragments(op::first_text, "\r\n\r\n"), answers({"text \r\n"}));
  k.row("one CRLF is an answer and gets none", frame(op::text, "\r\n"), nothing());
  k.row("an empty message gets nothing", frame(op::text, ""), nothing());
  k.row("a Ping is answered beside it", frame(op::ping, "p") + frame(op::text, "\r\n\r\n"), answers({"pong p", "text \r\n"}));

  Section m(rows, "7118/5", Profile::edge, From::opened);
  m.row("a request in a text frame", frame(op::text, options()), answers({"text SIP/2.0 200 *"}));
  m.row("a request in a binary frame (5.2)", frame(op::binary, options()), answers({"text SIP/2.0 200 *"}));
  m.row("without Content-Length, the frame is its length (5.3)", frame(op::text, options("Content-Type: text/plain\r\n", "a body")),
        answers({"text SIP/2.0 200 *"}));
  m.row("with a Content-Length of zero", frame(op::text, options("Content-Length: 0\r\n")), answers({"text SIP/2.0 200 *"}));
  m.row("a request in fragments", fragments(op::first_text, {options().substr(0, 20), options().substr(20, 100), "", options().substr(120)}),
        answers({"text SIP/2.0 200 *"}));
  m.row("a body that is not UTF-8 has to come in a binary frame", frame(op::binary, options("Content-Type: application/octet-stream\r\n", "\xff\xfe")),
        answers({"text SIP/2.0 200 *"}));
  m.row("in a text frame it fails the connection (6455 8.1)", frame(op::text, options("Content-Type: application/octet-stream\r\n", "\xff\xfe")), fails(1007));

  Section g(rows, "7118/5-garbage", Profile::edge, From::opened);
  for (const std::string text : {"garbage", "INVITE", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "\0\0\0", " "})
    g.row("`" + text.substr(0, text.find('\r')) + "` is no SIP: dropped, and the connection lives", frame(op::text, text), nothing());
  g.row("64 kB of garbage", frame(op::binary, all_bytes(65'536)), nothing());
  g.row("garbage, then a request", frame(op::text, "garbage") + frame(op::text, options()), answers({"text SIP/2.0 200 *"}));
  g.row("a request without Via is not answered", frame(op::text, "OPTIONS sip:example.org SIP/2.0\r\nCall-ID: a\r\n\r\n"), nothing());
}

}  // namespace sipwsd::test::conformance
