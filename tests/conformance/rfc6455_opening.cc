// The opening handshake (RFC 6455 4.1, 4.2): what must be in the request, field by field, and the answer.

#include "tests/conformance/bytes.h"
#include "tests/conformance/request.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

Outcome accepted() { return answers({head::accepted()}); }
Outcome refused(const std::string& reply) { return closes(reply); }

void first_line_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(1)", Profile::edge, From::first_byte);
  const auto line = [](std::string text) { return Request().first_line(std::move(text)).text(); };
  s.row("a GET of HTTP/1.1 is accepted", Request().text(), accepted());
  for (const std::string version : {"1.2", "1.9"})
    s.row("HTTP/" + version + " is HTTP/1.1 or higher", line("GET / HTTP/" + version), accepted());
  s.row("HTTP/1.0 has no upgrade", line("GET / HTTP/1.0"), refused(head::bad_request));
  for (const std::string version : {"0.9", "2.0", "3.0", "9.9"})
    s.row("HTTP/" + version + " is another protocol", line("GET / HTTP/" + version), refused(head::unsupported));
  s.row("the preface of HTTP/2 is answered 505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(head::unsupported));
  for (const std::string version : {"HTTP/1", "HTTP/1.", "HTTP/11.1", "HTTP/1.11", "HTTP/a.b", "HTTP/1,1", "HTTP1.1", "HTTPS/1.1",
                                    "http/1.1", "SIP/2.0", "HTTP/-1.1"})
    s.row("`" + version + "` is no HTTP version", line("GET / " + version), refused(head::bad_request));
  for (const std::string method : {"POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "GETX", "CONNECT"})
    s.row(method + " is not GET", line(method + " / HTTP/1.1"), refused(head::not_allowed));
  s.row("a method that is no token", line("G(T / HTTP/1.1"), refused(head::bad_request));
  s.row("no version", line("GET /"), refused(head::bad_request));
  s.row("no target", line("GET HTTP/1.1"), refused(head::bad_request));
  s.row("nothing but a method", line("GET"), refused(head::bad_request));
  s.row("two spaces", line("GET  / HTTP/1.1"), refused(head::bad_request));
  s.row("a tab for a space", line("GET\t/\tHTTP/1.1"), refused(head::bad_request));
  s.row("a space behind the version", line("GET / HTTP/1.1 "), refused(head::bad_request));
  s.row("a space in the target", line("GET /a b HTTP/1.1"), refused(head::bad_request));
  s.row("a space before the method", line(" GET / HTTP/1.1"), refused(head::bad_request));
}

void target_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(1)target", Profile::edge, From::first_byte);
  const auto get = [](const std::string& target) { return Request().first_line("GET " + target + " HTTP/1.1").text(); };
  for (const std::string target : {"/a", "/a/b/c", "/?", "/?token=a&b=c", "/%2e%2e/x", "//", "/..", "/;x=y", "/~!$&'()*+,=:@",
                                   "http://127.0.0.1/", "http://127.0.0.1", "ws://127.0.0.1/ws?x", "wss://example.org/",
                                   "HTTPS://EXAMPLE.ORG/a", "ws://example.org?x"})
    s.row("the target `" + target + "` is a path or an http URI", get(target), accepted());
  s.row("the host of an absolute target counts, not Host (RFC 9112 3.2.2)",
        Request().first_line("GET ws://127.0.0.1/ HTTP/1.1").change("Host", "Host: elsewhere.test").text(), accepted());
  s.row("a foreign host in an absolute target is refused", get("ws://elsewhere.test/"), refused(head::forbidden));
  for (const std::string target : {"*", "127.0.0.1:80", "example.org", "/a#b", "#", "ftp://127.0.0.1/", "http:///", "http://", "http:/a",
                                   "ws://user@127.0.0.1/", "ws://127.0.0.1:x/", "ws://127.0.0.1:99999/", "ws://[::1/",
                                   "javascript:0", "/\xc3\xa4", "/\x7f"})
    s.row("`" + target + "` is neither", get(target), refused(head::bad_request));
}

void host_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(2)", Profile::edge, From::first_byte);
  const auto host = [](const std::string& value) { return Request().change("Host", "Host: " + value).text(); };
  for (const std::string value : {"127.0.0.1:", "localhost", "LOCALHOST", "example.org", "Example.Org", "example.org.", "example.org:5060"})
    s.row("Host `" + value + "` is served", host(value), accepted());
  for (const std::string value : {"elsewhere.test", "example.org.elsewhere.test", "xexample.org", "org", "127.0.0.2", "[2001:db8::1]",
                                  "localhost.elsewhere.test", "2130706433"})
    s.row("Host `" + value + "` is not (S06)", host(value), refused(head::forbidden));
  for (const std::string value : {"", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "a b", "example.org/", "http://example.org",
                                  "example.org, example.org", "user@example.org", "[::1", "[::g]", "[]", ":80", "ex\xc3\xa4mple.org"})
    s.row("Host `" + value + "` is no host", host(value), refused(head::bad_request));
  s.row("a host of 256 bytes is no host", host(std::string(256, 'a')), refused(head::bad_request));
  s.row("no Host", Request().leave_out("Host").text(), refused(head::bad_request));
  s.row("two Hosts", Request().add("Host: 127.0.0.1").text(), refused(head::bad_request));
  s.row("two different Hosts", Request().add("Host: example.org").text(), refused(head::bad_request));
  s.row("no Host, though the target is absolute",
        Request().first_line("GET ws://127.0.0.1/ HTTP/1.1").leave_out("Host").text(), refused(head::bad_request));
}

void upgrade_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(3)", Profile::edge, From::first_byte);
  const auto upgrade = [](const std::string& lines) { return Request().change("Upgrade", lines).text(); };
  for (const std::string value : {"websocket", "WebSocket", "WEBSOCKET", "websocket, h2c", "h2c, websocket", "h2c,websocket", ",websocket",
                                  "websocket,", " websocket ", "\twebsocket\t", "a, b ,\twebsocket , c", "websocket, websocket"})
    s.row("Upgrade `" + value + "` has the token", upgrade("Upgrade:" + value), accepted());
  s.row("Upgrade in two lines is one list", upgrade("Upgrade: h2c\r\nUpgrade: websocket"), accepted());
  s.row("the name in any case", upgrade("uPGRADE: websocket"), accepted());
  for (const std::string value : {"", "h2c", "xwebsocket", "websocketx", "web socket", "websocket/13", "\"websocket\"", "websocket;q=1",
                                  "websocket h2c", "web, socket", ","})
    s.row("Upgrade `" + value + "` has not (S03)", upgrade("Upgrade: " + value), refused(head::bad_request_with_offer));
  s.row("no Upgrade", Request().leave_out("Upgrade").text(), refused(head::bad_request_with_offer));
}

void connection_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(4)", Profile::edge, From::first_byte);
  const auto connection = [](const std::string& lines) { return Request().change("Connection", lines).text(); };
  for (const std::string value : {"Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive", "close, upgrade",
                                  ",, upgrade ,,", "keep-alive,Upgrade", "\tUpgrade"})
    s.row("Connection `" + value + "` has the token", connection("Connection: " + value), accepted());
  s.row("Connection in two lines is one list", connection("Connection: keep-alive\r\nConnection: Upgrade"), accepted());
  for (const std::string value : {"", "keep-alive", "noupgrade", "upgrades", "\"Upgrade\"", "keep-alive Upgrade", "up-grade", "Upgrade;x"})
    s.row("Connection `" + value + "` has not (S03)", connection("Connection: " + value), refused(head::bad_request_with_offer));
  s.row("no Connection", Request().leave_out("Connection").text(), refused(head::bad_request_with_offer));
}

void key_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(5)", Profile::edge, From::first_byte);
  const auto key = [](const std::string& value) { return Request().change("Sec-WebSocket-Key", "Sec-WebSocket-Key:" + value).text(); };
  s.row("the key of 1.3 gets the answer of 1.3", Request().text(), accepted());
  s.row("a key of zeros", key(" AAAAAAAAAAAAAAAAAAAAAA=="), answers({head::accepted("sip", "ICX+Yqv66kxgM0FcWaLWlFLwTAI=")}));
  s.row("a key of ones", key(" /////////////////////w=="), answers({head::accepted("sip", "XXpj4jYzLM2yUE0C7TIgMwTQh2g=")}));
  s.row("a browser's key", key(" x3JJHMbDL1EzLkh9GBhXDw=="), answers({head::accepted("sip", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")}));
  s.row("white space around the key is none of it", key(" \t dGhlIHNhbXBsZSBub25jZQ== \t"), accepted());
  s.row("no white space either", key("dGhlIHNhbXBsZSBub25jZQ=="), accepted());
  const struct {
    const char* what;
    const char* value;
  } bad[] = {{"an empty key", ""},
             {"a key of 15 bytes", " dGhlIHNhbXBsZSBub25j"},
             {"a key of 17 bytes", " dGhlIHNhbXBsZSBub25jZXh="},
             {"a key of 24 bytes", " dGhlIHNhbXBsZSBub25jZXh4eHh4eHh4"},
             {"a key of one byte", " QQ=="},
             {"a key without its padding", " dGhlIHNhbXBsZSBub25jZQ"},
             {"a key with half its padding", " dGhlIHNhbXBsZSBub25jZQ="},
             {"a key with too much padding", " dGhlIHNhbXBsZSBub25jZQ==="},
             {"a key that is no base64", " dGhlIHNhbXBsZSBub25j****"},
             {"a key in the alphabet of URLs", " ____________________-w=="},
             {"a space in the key", " dGhlIHNhbXBs ZSBub25jZQ=="},
             {"two keys with a comma", " dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="},
             {"16 bytes that are not encoded", " the sample nonce"}};
  for (const auto& [what, value] : bad) s.row(what, key(value), refused(head::bad_request_with_offer));
  s.row("no key", Request().leave_out("Sec-WebSocket-Key").text(), refused(head::bad_request_with_offer));
  s.row("the key twice (11.3.1)", Request().add("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==").text(), refused(head::bad_request));
  s.row("two keys (11.3.1)", Request().add("sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==").text(), refused(head::bad_request));
}

void version_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(6)", Profile::edge, From::first_byte);
  const auto version = [](const std::string& value) {
    return Request().change("Sec-WebSocket-Version", "Sec-WebSocket-Version:" + value).text();
  };
  s.row("version 13", version("13"), accepted());
  s.row("white space around it", version(" \t13 "), accepted());
  for (const std::string value : {"0", "4", "6", "7", "8", "12", "14", "25", "130", "255", "256", "-13", "+13", "013", "13.0", "0x0d", "x",
                                  "13, 8", "8, 13", "13,13", "\"13\""})
    s.row("version `" + value + "` gets 426 and is told 13 (4.4)", version(" " + value), refused(head::upgrade_required));
  s.row("an empty version", version(""), refused(head::upgrade_required));
  s.row("no version", Request().leave_out("Sec-WebSocket-Version").text(), refused(head::bad_request_with_offer));
  s.row("the version twice (11.3.5)", Request().add("Sec-WebSocket-Version: 13").text(), refused(head::bad_request));
  s.row("two versions (4.4 is for replies)", Request().add("Sec-WebSocket-Version: 8").text(), refused(head::bad_request));
  s.row("a draft's handshake (hixie-76)",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n"
        "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.org\r\n\r\n^n:ds[4U",
        refused(head::bad_request_with_offer));
}

void origin_rows(Rows& rows) {
  Section s(rows, "6455/4.2.1(7)", Profile::edge, From::first_byte);
  const auto origin = [](const std::string& value) { return Request().add("Origin: " + value).text(); };
  s.row("no Origin: not a browser", Request().text(), accepted());
  s.row("any Origin, when none is listed", origin("https://phone.example.org"), accepted());
  s.row("the origin of a file", origin("null"), refused(head::forbidden));
  s.row("two Origins", Request().add("Origin: https://a.test").add("Origin: https://b.test").text(), refused(head::bad_request));
  s.row("the Origin twice", Request().add("Origin: https://a.test").add("origin: https://a.test").text(), refused(head::bad_request));

  Section g(rows, "6455/10.2", Profile::guarded, From::first_byte);
  const auto at_ws = [](const std::string& value) {
    return Request().first_line("GET /ws HTTP/1.1").add("Origin: " + value).text();
  };
  for (const std::string value : {"https://phone.example.org", "https://PHONE.example.org", "HTTPS://phone.example.org",
                                  "https://phone.example.org:443", "http://localhost:3000"})
    g.row("origin `" + value + "` is listed", at_ws(value), accepted());
  for (const std::string value : {"http://phone.example.org", "https://phone.example.org:8443", "https://example.org", "https://a.b.example.org",
                                  "https://phone.example.org.elsewhere.test", "https://elsewhere.test", "https://phone.example.org/",
                                  "https://phone.example.org/a", "https://user@phone.example.org", "https://.example.org",
                                  "https://phone.example.org https://phone.example.org", "phone.example.org", "null", "", "*", "file://",
                                  "http://localhost", "http://localhost:30000", "wss://phone.example.org"})
    g.row("origin `" + value + "` is not (S05)", at_ws(value), refused(head::forbidden));
  g.row("no origin, where it is asked for", Request().first_line("GET /ws HTTP/1.1").text(), refused(head::forbidden));

  Section p(rows, "6455/4.2.1(path)", Profile::guarded, From::first_byte);
  const auto path = [](const std::string& target) {
    return Request().first_line("GET " + target + " HTTP/1.1").add("Origin: https://phone.example.org").text();
  };
  for (const std::string target : {"/ws", "/ws/", "/ws?x=y", "/ws/a", "ws://127.0.0.1/ws"})
    p.row("path of `" + target + "` is ours", path(target), accepted());
  for (const std::string target : {"/", "/wss", "/WS", "/w", "/a/ws", "//ws", "/%77s", "/?/ws", "ws://127.0.0.1"})
    p.row("path of `" + target + "` is not (S06)", path(target), refused(head::not_found));

  Section c(rows, "6455/4.2.2(cors)", Profile::open_to_pages, From::first_byte);
  c.row("the page's origin is named", origin("https://phone.example.org"),
        answers({head::accepted("sip", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "https://phone.example.org")}));
  c.row("no origin, no header", Request().text(), accepted());
}

void sub_protocol_rows(Rows& rows) {
  Section s(rows, "6455/4.2.2(5)sub-protocol", Profile::edge, From::first_byte);
  const auto offer = [](const std::string& lines) { return Request().change("Sec-WebSocket-Protocol", lines).text(); };
  for (const std::string value : {"sip", "SIP", "Sip", "sip, msrp", "msrp, sip", "chat,sip", "chat , sip , superchat", ",sip,", "sip, sip"})
    s.row("`" + value + "` offers sip: it is echoed once, as we write it (S04)", offer("Sec-WebSocket-Protocol: " + value), accepted());
  s.row("in two lines", offer("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: sip"), accepted());
  for (const std::string value : {"", "msrp", "chat", "sipfoo", "xsip", "sip foo", "\"sip\"", "sip;q=1", "sip/2.0", "s, i, p", ","})
    s.row("`" + value + "` offers nothing we have (RFC 7118 4.1)", offer("Sec-WebSocket-Protocol: " + value),
          refused(head::bad_request_with_offer));
  s.row("no offer (RFC 7118 4.1)", Request().leave_out("Sec-WebSocket-Protocol").text(), refused(head::bad_request_with_offer));

  Section e(rows, "6455/4.2.2(5)none", Profile::echo, From::first_byte);
  e.row("without a sub-protocol, where none is needed", Request().leave_out("Sec-WebSocket-Protocol").text(), answers({head::accepted("")}));
  e.row("one we don't have is not echoed", offer("Sec-WebSocket-Protocol: chat"), answers({head::accepted("")}));
  e.row("one we have is", offer("Sec-WebSocket-Protocol: chat, sip"), accepted());
}

void extension_rows(Rows& rows) {
  Section s(rows, "6455/9.1", Profile::edge, From::first_byte);
  for (const std::string value : {"permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame", "foo, bar; baz=2",
                                  "permessage-deflate; client_max_window_bits, permessage-deflate", "foo; x=\"y\"", "foo;bar", "a,b,,c", ""})
    s.row("extension `" + value + "` is offered and not taken", Request().add("Sec-WebSocket-Extensions: " + value).text(), accepted());
  for (const std::string value : {"foo;", "foo; =", "foo; a=", "foo; a=\"", "foo; a=\"b", "foo; a=\"b,c\"", "foo; a=\"\"", "foo bar", "; a", "foo=1", "foo; a b",
                                  "f(oo", "foo; a=b=c", "foo/bar"})
    s.row("extension `" + value + "` breaks the grammar: the handshake fails", Request().add("Sec-WebSocket-Extensions: " + value).text(),
          refused(head::bad_request));
  s.row("extensions in two lines", Request().add("Sec-WebSocket-Extensions: a").add("Sec-WebSocket-Extensions: b").text(), accepted());
}

}  // namespace

void add_opening_rows(Rows& rows) {
  first_line_rows(rows);
  target_rows(rows);
  host_rows(rows);
  upgrade_rows(rows);
  connection_rows(rows);
  key_rows(rows);
  version_rows(rows);
  origin_rows(rows);
  sub_protocol_rows(rows);
  extension_rows(rows);
}

}  // namespace sipwsd::test::conformance
