// The HTTP under the handshake (RFC 9112, as far as RFC 6455 4.2.1 leans on it), strict: S01, S07. And what is no HTTP.

#include "tests/conformance/bytes.h"
#include "tests/conformance/request.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

Outcome accepted() { return answers({head::accepted()}); }
Outcome refused(const std::string& reply) { return closes(reply); }

std::string with_line(std::string line) { return Request().add(std::move(line)).text(); }

std::string replaced(std::string text, std::string_view what, std::string_view by) { return text.replace(text.find(what), what.size(), by); }

void line_rows(Rows& rows) {
  Section s(rows, "9112/2.2", Profile::edge, From::first_byte);
  const std::string good = Request().text();
  s.row("one empty line before the request is let pass", "\r\n" + good, accepted());
  s.row("two are not", "\r\n\r\n" + good, refused(head::bad_request));
  s.row("a bare LF before the request", "\n" + good, refused(head::bad_request));
  s.row("a bare CR before the request", "\r" + good, refused(head::bad_request));
  for (std::size_t at = good.find("\r\n"), n = 1; at != std::string::npos; at = good.find("\r\n", at + 2), ++n) {
    auto text = good;
    s.row("line " + std::to_string(n) + " ends in LF alone", text.erase(at, 1), refused(head::bad_request));
  }
  s.row("a line ends in CR alone", replaced(good, "\r\nUpgrade", "\rUpgrade"), refused(head::bad_request));
  s.row("CR inside a value", with_line("X: a\rb"), refused(head::bad_request));
  s.row("CR CR LF", replaced(good, "\r\nUpgrade", "\r\r\nUpgrade"), refused(head::bad_request));
  s.row("NUL in the first line", replaced(good, "GET /", "GET /\0"s), refused(head::bad_request));
  s.row("NUL in a name", with_line("X\0: y"s), refused(head::bad_request));
  s.row("NUL in a value", with_line("X: a\0b"s), refused(head::bad_request));
  s.row("NUL behind websocket", replaced(good, ": websocket", ": websocket\0"s), refused(head::bad_request));
  for (const int c : {0x01, 0x07, 0x08, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f})
    s.row("control character " + std::to_string(c) + " in a value", with_line("X: a"s + static_cast<char>(c) + "b"),
          refused(head::bad_request));
}

void field_rows(Rows& rows) {
  Section s(rows, "9112/5", Profile::edge, From::first_byte);
  const std::string good = Request().text();
  s.row("a folded line (obs-fold)", replaced(good, ": websocket", ":\r\n websocket"), refused(head::bad_request));
  s.row("a folded line with a tab", with_line("X: a\r\n\tb"), refused(head::bad_request));
  s.row("a space before the first header", replaced(good, "Host:", " Host:"), refused(head::bad_request));
  s.row("a space before the colon", replaced(good, "Upgrade:", "Upgrade :"), refused(head::bad_request));
  s.row("a tab before the colon", replaced(good, "Upgrade:", "Upgrade\t:"), refused(head::bad_request));
  s.row("a line without a colon", with_line("nonsense"), refused(head::bad_request));
  s.row("an empty name", with_line(": x"), refused(head::bad_request));
  for (const std::string name : {"X Y", "X(Y)", "X\"Y", "X/Y", "X@Y", "X[Y]", "X{Y}", "X\xc3\xa4", "X=Y", "X,Y", "X;Y", "X<Y>", "X?Y", "X\\Y"})
    s.row("`" + name + "` is no name", with_line(name + ": z"), refused(head::bad_request));
  s.row("every character a name may have", with_line("!#$%&'*+-.^_`|~09azAZ: z"), accepted());
  s.row("an empty value", with_line("X:"), accepted());
  s.row("a tab in a value", with_line("X: a\tb"), accepted());
  s.row("bytes above 127 in a value (obs-text)", with_line("User-Agent: T\xc3\xa9l\xc3\xa9phone \xff"), accepted());
  s.row("colons in a value", with_line("X: a:b::c"), accepted());
  s.row("a name that begins like ours", with_line("Sec-WebSocket-Key-2: x"), accepted());
  s.row("a quoted string with a comma", with_line("X: \"a, b\""), accepted());
}

void body_rows(Rows& rows) {
  Section s(rows, "9112/6", Profile::edge, From::first_byte);
  for (const std::string line : {"Content-Length: 0", "Content-Length: 5", "content-length: 5", "Content-Length:", "Content-Length: -1",
                                 "Content-Length: 5, 5", "Transfer-Encoding: chunked", "transfer-encoding: identity", "Transfer-Encoding:"})
    s.row("`" + line + "`: a body has no place here (S01)", with_line(line), refused(head::bad_request));
  s.row("both", Request().add("Content-Length: 5").add("Transfer-Encoding: chunked").text(), refused(head::bad_request));
  for (const std::string line : {"TE: trailers", "Expect: 100-continue", "Trailer: X", "Cookie: a=b; c=d", "Authorization: Basic dTpw",
                                 "Pragma: no-cache", "Cache-Control: no-cache", "Sec-Fetch-Mode: websocket", "Keep-Alive: 5",
                                 "Accept-Encoding: gzip, deflate, br", "Via: 1.1 proxy", "Range: bytes=0-1", "If-Match: *"})
    s.row("`" + line + "` changes nothing", with_line(line), accepted());
}

void limit_rows(Rows& rows) {
  Section s(rows, "6455/10.4-head", Profile::edge, From::first_byte);
  const auto with_headers = [](int count) {
    Request request;
    for (int i = 6; i < count; ++i) request.add("X-" + std::to_string(i) + ": y");
    return request.text();
  };
  s.row("64 headers", with_headers(64), accepted());
  s.row("65 headers (S01)", with_headers(65), refused(head::too_large));
  s.row("1000 headers", with_headers(1000), refused(head::too_large));
  s.row("a line of 4096 bytes", with_line("X: " + std::string(4093, 'x')), accepted());
  s.row("a line of 4097 bytes (S01)", with_line("X: " + std::string(4094, 'x')), refused(head::too_large));
  s.row("a first line of 4096 bytes", Request().first_line("GET /" + std::string(4082, 'a') + " HTTP/1.1").text(), accepted());
  s.row("a first line of 4097 bytes", Request().first_line("GET /" + std::string(4083, 'a') + " HTTP/1.1").text(), refused(head::too_large));
  s.row("a first line that never ends", "GET /" + std::string(5000, 'a'), refused(head::too_large));
  s.row("a name that never ends", Request().text().substr(0, 30) + "\r\n" + std::string(5000, 'n'), refused(head::too_large));
  s.row("a head of 8192 bytes", Request().pad_to(8192).text(), accepted());
  s.row("a head of 8193 bytes (S01)", Request().pad_to(8193).text(), refused(head::too_large));
  s.row("a head of 100 kB", Request().pad_to(100'000).text(), refused(head::too_large));
}

void foreign_rows(Rows& rows) {
  Section s(rows, "9112/3", Profile::edge, From::first_byte);
  s.row("a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + all_bytes(200), refused(head::bad_request));
  s.row("SIP", "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n", refused(head::bad_request));
  s.row("MSRP", "MSRP a786hjs2 SEND\r\nTo-Path: msrp://a\r\n\r\n", refused(head::bad_request));
  s.row("SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", refused(head::bad_request));
  s.row("SMTP", "EHLO example.org\r\n\r\n", refused(head::bad_request));
  s.row("SOCKS 5", "\x05\x01\x00"s, refused(head::bad_request));
  s.row("a frame before the handshake", frame(op::text, "Hello"), refused(head::bad_request));
  s.row("all bytes there are", all_bytes(256), refused(head::bad_request));
  s.row("zeros", std::string(100, '\0'), refused(head::bad_request));
  s.row("ones, of which a first line may still be made", std::string(100, '\xff'), waits());
  s.row("a plain GET", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", refused(head::bad_request_with_offer));
  s.row("a plain GET for a file", "GET /etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", refused(head::bad_request_with_offer));
  s.row("a reply", "HTTP/1.1 101 Switching Protocols\r\n\r\n", refused(head::bad_request));
}

// Whatever a client's own library makes of it.
void client_rows(Rows& rows) {
  Section s(rows, "6455/4.1", Profile::edge, From::first_byte);
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  s.row("a handshake as Chromium writes it",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36\r\n"
        "Upgrade: websocket\r\nOrigin: https://phone.example.org\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
        "Accept-Language: en-US,en;q=0.9\r\n" + key +
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
        accepted());
  s.row("as Firefox writes it",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0\r\n"
        "Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nSec-WebSocket-Version: 13\r\n"
        "Origin: https://phone.example.org\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" + key +
            "DNT: 1\r\nConnection: keep-alive, Upgrade\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: websocket\r\nSec-Fetch-Site: same-site\r\n"
            "Pragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n",
        accepted());
  s.row("as Safari writes it",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key +
            "Origin: https://phone.example.org\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: x-webkit-deflate-frame\r\nSec-Fetch-Site: same-site\r\n\r\n",
        accepted());
  s.row("as ws for Node.js writes it",
        "GET / HTTP/1.1\r\nSec-WebSocket-Version: 13\r\n" + key +
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            "Sec-WebSocket-Protocol: sip\r\nHost: 127.0.0.1\r\n\r\n",
        accepted());
  s.row("as nginx passes it on",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nHost: 127.0.0.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n"
        "X-Forwarded-Proto: https\r\nSec-WebSocket-Version: 13\r\n" + key + "Sec-WebSocket-Protocol: sip\r\n\r\n",
        accepted());
  s.row("as RFC 7118 8.1 writes it",
        "GET / HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key +
            "Origin: http://www.example.com\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n",
        accepted());
}

void half_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1-half", Profile::edge, From::first_byte);
  const std::string good = Request().text();
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{14}, std::size_t{16}, good.size() / 2, good.size() - 2, good.size() - 1})
    s.row("the first " + std::to_string(size) + " bytes of a request are waited with", good.substr(0, size), waits());

  Section p(rows, "6455/4.2.2(5)pipelined", Profile::edge, From::first_byte);
  const std::string ping = frame(op::ping, "p");
  p.row("a frame behind the request is a frame, once (S07)", good + ping, answers({head::accepted(), "pong p"}));
  p.row("ten frames behind the request", good + ping + ping + ping + ping + ping + ping + ping + ping + ping + ping,
        answers({head::accepted(), "pong p", "pong p", "pong p", "pong p", "pong p", "pong p", "pong p", "pong p", "pong p", "pong p"}));
  p.row("a Close behind the request", good + frame(op::close, close_payload(1000)), closes("close 1000", {head::accepted()}));
  p.row("a second request is no frame", good + good, fails(1002, {head::accepted()}));
  p.row("CRLF behind the request is no frame", good + "\r\n" + std::string(10, '\0'), fails(1002, {head::accepted()}));
  p.row("a frame behind a refused request is not looked at", Request().leave_out("Host").text() + ping, refused(head::bad_request));
  p.row("a second request behind a refused one is not answered", Request().leave_out("Host").text() + good, refused(head::bad_request));
}

}  // namespace

void add_head_rows(Rows& rows) {
  client_rows(rows);
  line_rows(rows);
  field_rows(rows);
  body_rows(rows);
  limit_rows(rows);
  foreign_rows(rows);
  half_rows(rows);
}

}  // namespace sipwsd::test::conformance
