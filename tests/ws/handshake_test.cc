#include "src/ws/handshake.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace sipwsd::ws {
namespace {

const std::string rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3

// A request that is accepted, to be spoilt one line at a time.
struct Request {
  std::string line = "GET / HTTP/1.1";
  std::string host = "Host: server.example.com\r\n";
  std::string connection = "Connection: Upgrade\r\n";
  std::string upgrade = "Upgrade: websocket\r\n";
  std::string key = "Sec-WebSocket-Key: " + rfc_key + "\r\n";
  std::string version = "Sec-WebSocket-Version: 13\r\n";
  std::string protocol = "Sec-WebSocket-Protocol: sip\r\n";
  std::string more;

  std::string bytes() const {
    return line + "\r\n" + host + connection + upgrade + key + version + protocol + more + "\r\n";
  }
};

std::string answer(const Request& request, const HandshakePolicy& policy = {}) {
  const auto bytes = request.bytes();
  const auto head = http::parse_head(bytes, http::Limits{});
  if (!head) return "the head parser says " + std::to_string(http::number(http::status_of(head.error())));
  const auto decision = evaluate(*head, policy);
  if (const auto* acceptance = std::get_if<Acceptance>(&decision)) return write_acceptance(*acceptance, "S");
  return write_refusal(std::get<Refusal>(decision), "S");
}

const std::string end = "Server: S\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const std::string accepted =
    "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: sip\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: S\r\n\r\n";
const std::string accepted_without_protocol =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: S\r\n\r\n";
const std::string bad_with_offer =
    "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n" + end;
const std::string bad = "HTTP/1.1 400 Bad Request\r\n" + end;
const std::string forbidden = "HTTP/1.1 403 Forbidden\r\n" + end;
const std::string not_found = "HTTP/1.1 404 Not Found\r\n" + end;
const std::string not_allowed = "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n" + end;
const std::string other_version =
    "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + end;

TEST(Handshake, AnswersTheExampleOfTheRfcInTheDocumentedOrderWithoutALength) { EXPECT_EQ(answer({}), accepted); }

// The accept key of RFC 6455 1.3.
TEST(Handshake, ComputesTheAcceptKeyOfTheRfc) {
  const auto accept = accept_for(rfc_key);
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, ComparesTokensAndNotSubstrings) {
  struct Row {
    std::string Request::*part;
    const char* lines;
    const std::string& expected;
  };
  const Row table[] = {
      {&Request::connection, "Connection: keep-alive, Upgrade\r\n", accepted},
      {&Request::connection, "connection:UPGRADE\r\n", accepted},
      {&Request::connection, "Connection: keep-alive\r\nConnection: upgrade\r\n", accepted},
      {&Request::connection, "Connection: xupgrade\r\n", bad_with_offer},
      {&Request::connection, "Connection: upgrade-insecure\r\n", bad_with_offer},
      {&Request::connection, "Connection: keep-alive upgrade\r\n", bad_with_offer},
      {&Request::connection, "Connection: close\r\n", bad_with_offer},
      {&Request::connection, "", bad_with_offer},
      {&Request::upgrade, "Upgrade: WebSocket\r\n", accepted},
      {&Request::upgrade, "Upgrade: h2c, websocket\r\n", accepted},
      {&Request::upgrade, "Upgrade: xwebsocket\r\n", bad_with_offer},
      {&Request::upgrade, "Upgrade: websocket2\r\n", bad_with_offer},
      {&Request::upgrade, "Upgrade: websocket/13\r\n", bad_with_offer},
      {&Request::upgrade, "Upgrade: h2c\r\n", bad_with_offer},
      {&Request::upgrade, "", bad_with_offer},
      {&Request::protocol, "Sec-WebSocket-Protocol: chat, sip\r\n", accepted},
      {&Request::protocol, "Sec-WebSocket-Protocol: SIP\r\n", accepted},
      {&Request::protocol, "Sec-WebSocket-Protocol: chat\r\nsec-websocket-protocol: sip\r\n", accepted},
      {&Request::protocol, "Sec-WebSocket-Protocol: sip, sip\r\n", accepted},
      {&Request::protocol, "Sec-WebSocket-Protocol: sipfoo\r\n", bad_with_offer},
      {&Request::protocol, "Sec-WebSocket-Protocol: xsip, sip.x\r\n", bad_with_offer},
      {&Request::protocol, "Sec-WebSocket-Protocol: sip;q=1\r\n", bad_with_offer},
      {&Request::protocol, "Sec-WebSocket-Protocol: msrp\r\n", bad_with_offer},
      {&Request::protocol, "Sec-WebSocket-Protocol:\r\n", bad_with_offer},
      {&Request::protocol, "", bad_with_offer},
  };
  for (const auto& row : table) {
    Request request;
    request.*row.part = row.lines;
    EXPECT_EQ(answer(request), row.expected) << row.lines;
  }
}

TEST(Handshake, WantsAKeyOfSixteenBytes) {
  const auto with_key = [](const std::string& key) {
    Request request;
    request.key = key;
    return answer(request);
  };
  EXPECT_EQ(with_key("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n").substr(0, 12), "HTTP/1.1 101");
  EXPECT_EQ(with_key("sec-websocket-key:" + rfc_key + "\r\n"), accepted);
  for (const char* key :
       {"AAAAAAAAAAAAAAAAAAAA",          // 15 bytes
        "AAAAAAAAAAAAAAAAAAAAAAA=",      // 17 bytes, of the right length
        "AAAAAAAAAAAAAAAAAAAAAAAA",      // 18 bytes
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",  //
        "AAAAAAAAAAAAAAAAAAAAAB==",      // bits behind the sixteenth byte
        "AAAAAAAAAAAAAAAAAAAA!A==", "AAAAAAAAAAA AAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA", "========================",
        "AAAAAAAAAAAAAAAAAAAAA===", "AAAAAAAAAAAAAAAAAAAAAA==, AAAAAAAAAAAAAAAAAAAAAA==", ""})
    EXPECT_EQ(with_key("Sec-WebSocket-Key: " + std::string{key} + "\r\n"), bad_with_offer) << key;
  EXPECT_EQ(with_key(""), bad_with_offer);
  EXPECT_EQ(with_key("Sec-WebSocket-Key: " + rfc_key + "\r\nSec-WebSocket-Key: " + rfc_key + "\r\n"),
            "the head parser says 400");
}

// S04.
TEST(Handshake, AnswersAnotherVersionWith426AndOurs) {
  for (const char* version : {"8", "14", "013", "13, 8", "12", "0", "", "x"}) {
    Request request;
    request.version = "Sec-WebSocket-Version: " + std::string{version} + "\r\n";
    EXPECT_EQ(answer(request), other_version) << version;
  }
  Request none;
  none.version = "";
  EXPECT_EQ(answer(none), bad_with_offer);
  Request twice;
  twice.version += twice.version;
  EXPECT_EQ(answer(twice), "the head parser says 400");
  Request also_wrong;  // the version is what such a client can mend
  also_wrong.version = "Sec-WebSocket-Version: 8\r\n";
  also_wrong.key = "";
  EXPECT_EQ(answer(also_wrong), other_version);
}

TEST(Handshake, AcceptsGetOfHttp11Only) {
  const auto with_line = [](const char* line) {
    Request request;
    request.line = line;
    return answer(request);
  };
  EXPECT_EQ(with_line("POST / HTTP/1.1"), not_allowed);
  EXPECT_EQ(with_line("HEAD / HTTP/1.1"), not_allowed);
  EXPECT_EQ(with_line("get / HTTP/1.1"), not_allowed);
  EXPECT_EQ(with_line("OPTIONS * HTTP/1.1"), not_allowed);
  EXPECT_EQ(with_line("GET / HTTP/1.0"), bad);
  EXPECT_EQ(with_line("GET / HTTP/1.2"), accepted);
  EXPECT_EQ(with_line("GET / HTTP/2.0"), "the head parser says 505");
  EXPECT_EQ(with_line("GET http://server.example.com/any/path?with=query HTTP/1.1"), accepted);
}

TEST(Handshake, SaysWhenItIsDisabled) {
  HandshakePolicy policy;
  policy.enabled = false;
  policy.retry_after = std::chrono::seconds{30};
  EXPECT_EQ(answer({}, policy), "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n" + end);
  policy.retry_after = std::chrono::seconds{0};
  EXPECT_EQ(answer({}, policy), "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" + end);
}

// S06.
TEST(Handshake, ServesOnlyItsOwnNames) {
  HandshakePolicy policy;
  policy.served_hosts = {*served_host("example.com"), *served_host("127.0.0.1:8080"), *served_host("[::1]")};
  const std::pair<const char*, bool> table[] = {
      {"example.com", true},      {"EXAMPLE.com:1234", true},  {"example.com.", true},    {"127.0.0.1:8080", true},
      {"127.0.0.1", true},        {"[::1]:8080", true},        {"127.0.0.1:8081", false}, {"www.example.com", false},
      {"evilexample.com", false}, {"example.com.evil", false}, {"localhost", false},      {"[::2]", false},
  };
  for (const auto& [host, served] : table) {
    Request request;
    request.host = "Host: " + std::string{host} + "\r\n";
    EXPECT_EQ(answer(request, policy), served ? accepted : forbidden) << host;
  }
  Request absolute;  // the target's host counts
  absolute.line = "GET http://evil.org/ HTTP/1.1";
  absolute.host = "Host: example.com\r\n";
  EXPECT_EQ(answer(absolute, policy), forbidden);
  policy.arrived_at = *served_host("192.0.2.1:8080");  // one of a wildcard listener's addresses
  for (const auto& [host, served] : {std::pair{"192.0.2.1:8080", true}, {"192.0.2.1", true}, {"192.0.2.1:8081", false}, {"192.0.2.2", false}}) {
    Request request;
    request.host = "Host: " + std::string{host} + "\r\n";
    EXPECT_EQ(answer(request, policy), served ? accepted : forbidden) << host;
  }
  EXPECT_FALSE(served_host("no host"));
  EXPECT_FALSE(served_host(""));
}

TEST(Handshake, ServesOnlyItsOwnPaths) {
  HandshakePolicy policy;
  policy.path_prefix = "/ws";
  const std::pair<const char*, bool> table[] = {{"/ws", true},   {"/ws?a=b", true}, {"/ws/", true},
                                                {"/ws/x", true}, {"/wss", false},   {"/", false},
                                                {"/WS", false},  {"/x/ws", false},  {"/w?s", false}};
  for (const auto& [path, served] : table) {
    Request request;
    request.line = "GET " + std::string{path} + " HTTP/1.1";
    EXPECT_EQ(answer(request, policy), served ? accepted : not_found) << path;
  }
  policy.path_prefix = "/ws/";
  Request request;
  request.line = "GET /ws/x HTTP/1.1";
  EXPECT_EQ(answer(request, policy), accepted);
}

TEST(Handshake, AsksTheOriginPolicy) {
  HandshakePolicy policy;
  const std::vector<std::string> list{"https://app.example.com"};
  policy.origins = *OriginPolicy::parse(list);
  Request request;
  EXPECT_EQ(answer(request, policy), forbidden);
  request.more = "Origin: https://app.example.com\r\n";
  EXPECT_EQ(answer(request, policy), accepted);
  request.more = "Origin: https://evil.org\r\n";
  EXPECT_EQ(answer(request, policy), forbidden);
  EXPECT_EQ(answer(request), accepted);
  request.more = "Origin: null\r\n";
  EXPECT_EQ(answer(request), forbidden);
}

TEST(Handshake, GivesTheCorsHeaderFirst) {
  HandshakePolicy policy;
  Request request;
  request.more = "Origin: https://app.example.com\r\n";
  const auto with = [](const std::string& value) {
    std::string expected = accepted;
    return expected.insert(expected.find("Sec-"), "Access-Control-Allow-Origin: " + value + "\r\n");
  };
  EXPECT_EQ(answer(request, policy), accepted);
  policy.cors_mode = CorsMode::any;
  EXPECT_EQ(answer(request, policy), with("*"));
  EXPECT_EQ(answer({}, policy), with("*"));
  policy.cors_mode = CorsMode::echo_origin;
  EXPECT_EQ(answer(request, policy), with("https://app.example.com"));
  EXPECT_EQ(answer({}, policy), accepted);
  request.more = "Origin: https://" + std::string(2000, 'x') + "\r\n";  // the module's 512-byte buffer broke here
  EXPECT_EQ(answer(request, policy), with("https://" + std::string(2000, 'x')));
}

TEST(Handshake, LetsSipWinWhateverTheClientsOrder) {
  HandshakePolicy both;
  both.sub_protocols = SubProtocols{3};
  HandshakePolicy msrp;
  msrp.sub_protocols = SubProtocols{2};
  Request request;
  request.protocol = "Sec-WebSocket-Protocol: msrp, sip\r\n";
  EXPECT_EQ(answer(request, both), accepted);
  std::string expected = accepted;
  expected.replace(expected.find(": sip"), 5, ": msrp");
  EXPECT_EQ(answer(request, msrp), expected);
  request.protocol = "Sec-WebSocket-Protocol: MSRP\r\n";
  EXPECT_EQ(answer(request, both), expected);
}

TEST(Handshake, NamesEachEnabledProtocolInARefusal) {
  HandshakePolicy both;
  both.sub_protocols = SubProtocols{3};
  Request request;
  request.protocol = "Sec-WebSocket-Protocol: chat\r\n";
  EXPECT_EQ(answer(request, both),
            "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Protocol: "
            "msrp\r\nSec-WebSocket-Version: 13\r\n" +
                end);
}

TEST(Handshake, TakesClientsWithoutASubProtocolWhereNoneIsRequired) {
  HandshakePolicy policy;
  policy.require_sub_protocol = false;
  Request request;
  EXPECT_EQ(answer(request, policy), accepted);
  request.protocol = "";
  EXPECT_EQ(answer(request, policy), accepted_without_protocol);
  request.protocol = "Sec-WebSocket-Protocol: chat, \"sip\"\r\n";
  EXPECT_EQ(answer(request, policy), accepted_without_protocol);
}

TEST(Handshake, IgnoresExtensions) {
  Request request;
  request.more = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  EXPECT_EQ(answer(request), accepted);
}

TEST(Handshake, ChecksInTheDocumentedOrder) {
  HandshakePolicy strict;
  strict.enabled = false;
  strict.served_hosts = {*served_host("other.example")};
  strict.path_prefix = "/ws";
  const std::vector<std::string> list{"https://app.example.com"};
  strict.origins = *OriginPolicy::parse(list);
  Request worst;
  worst.line = "POST / HTTP/1.0";
  worst.version = "Sec-WebSocket-Version: 8\r\n";
  worst.key = worst.upgrade = worst.protocol = "";

  const std::pair<std::function<void()>, const char*> steps[] = {
      {[] {}, "503"},
      {[&] { strict.enabled = true; }, "405"},
      {[&] { worst.line = "GET / HTTP/1.0"; }, "400"},
      {[&] { worst.line = "GET / HTTP/1.1"; }, "403"},
      {[&] { worst.host = "Host: other.example\r\n"; }, "404"},
      {[&] { worst.line = "GET /ws HTTP/1.1"; }, "426"},
      {[&] { worst.version = "Sec-WebSocket-Version: 13\r\n"; }, "400"},
      {[&] { worst.key = Request{}.key, worst.upgrade = Request{}.upgrade; }, "403"},
      {[&] { worst.more = "Origin: https://app.example.com\r\n"; }, "400"},
      {[&] { worst.protocol = Request{}.protocol; }, "101"},
  };
  for (const auto& [mend, status] : steps) {
    mend();
    EXPECT_EQ(answer(worst, strict).substr(9, 3), status);
  }
}

TEST(Handshake, KnowsAPlainRequestFromAnAttempt) {
  const auto asks = [](const Request& request) {
    const auto bytes = request.bytes();
    return asks_for_websocket(*http::parse_head(bytes, http::Limits{}));
  };
  Request plain;
  plain.upgrade = "";
  EXPECT_TRUE(asks({}));
  EXPECT_FALSE(asks(plain));
}

// RFC 7692 5; last, so that what the module sends keeps its order.
TEST(Handshake, SaysWhatExtensionWasAgreedBehindTheAcceptKey) {
  Request request;
  request.more = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  HandshakePolicy policy;
  EXPECT_EQ(answer(request, policy), accepted);
  policy.deflate.enabled = true;
  EXPECT_EQ(answer(request, policy),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: sip\r\nUpgrade: websocket\r\n"
            "Connection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
            "Server: S\r\n\r\n");
}

TEST(Handshake, TakesNoExtensionThatWasNotOfferedAsItMayBe) {
  HandshakePolicy policy;
  policy.deflate.enabled = true;
  for (const char* line : {"", "Sec-WebSocket-Extensions: \r\n", "Sec-WebSocket-Extensions: x-webkit-deflate-frame\r\n",
                           "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n",
                           "Sec-WebSocket-Extensions: permessage-deflate; unknown\r\n"}) {
    Request request;
    request.more = line;
    EXPECT_EQ(answer(request, policy), accepted) << line;
  }
}

// RFC 6455 9.1, whether extensions are wanted or not.
TEST(Handshake, RefusesExtensionsThatBreakTheirGrammar) {
  HandshakePolicy policy;
  for (const bool enabled : {false, true})
    for (const char* value : {"permessage-deflate;", "a b", "permessage-deflate; client_max_window_bits=", ";",
                              "permessage-deflate; server_max_window_bits=\"10"}) {
      policy.deflate.enabled = enabled;
      Request request;
      request.more = "Sec-WebSocket-Extensions: " + std::string{value} + "\r\n";
      EXPECT_EQ(answer(request, policy), bad) << value;
    }
}

}  // namespace
}  // namespace sipwsd::ws
