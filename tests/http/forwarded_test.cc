#include "src/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sipwsd::http {
namespace {

// 10.0.0.0/8 and 2001:db8:ffff::/48 are ours.
bool is_trusted(const Endpoint& endpoint) {
  if (endpoint.family == AddressFamily::ipv4) return endpoint.address[0] == 10;
  return endpoint.address_text().starts_with("2001:db8:ffff:");
}

// "192.0.2.7", "192.0.2.7:80"; "-" when none is given; then " tls" or " plain" when it was told.
std::string told(const Result<ForwardedClient>& client) {
  if (!client) return client.is(Errc::malformed) && !client.error().why.empty() ? "malformed" : "wrong error";
  std::string text = "-";
  if (client->address) {
    text = client->address->host_text();
    if (client->address->port != 0) text += ":" + std::to_string(client->address->port);
    if (client->address->protocol != TransportProtocol::none) text += " with a protocol";
  }
  if (client->tls) text += *client->tls ? " tls" : " plain";
  return text;
}

struct Row {
  std::vector<Header> headers;
  const char* client;
};

void check(const std::vector<Row>& table) {
  for (const auto& row : table) {
    HeaderList headers;
    std::string shown;
    for (const auto& header : row.headers) {
      headers.add(header);
      shown += std::string(header.name) + ": " + std::string(header.value) + " | ";
    }
    EXPECT_EQ(told(forwarded_client(headers, is_trusted)), row.client) << shown;
  }
}

TEST(Forwarded, IsReadFromTheRightUpToTheFirstAddressThatIsNoProxys) {
  check({
      {{{"Forwarded", "for=192.0.2.7"}}, "192.0.2.7"},
      {{{"forwarded", "For=192.0.2.7;Proto=HTTPS;by=10.0.0.1;host=example.com"}}, "192.0.2.7 tls"},
      {{{"Forwarded", "for=198.51.100.9, for=192.0.2.7"}}, "192.0.2.7"},
      {{{"Forwarded", "for=198.51.100.9, for=192.0.2.7, for=10.0.0.2"}}, "192.0.2.7"},
      {{{"Forwarded", "for=198.51.100.9,for=192.0.2.7,for=10.1.2.3,for=10.0.0.2"}}, "192.0.2.7"},
      {{{"Forwarded", "for=198.51.100.9"}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7"},
      {{{"Forwarded", "for=192.0.2.7"}, {"X", "y"}, {"Forwarded", "for=10.0.0.2"}}, "192.0.2.7"},
      {{{"Forwarded", "for=10.0.0.3, for=10.0.0.2"}}, "10.0.0.3"},  // nobody but proxies: the farthest
      {{{"Forwarded", ""}}, "-"},
      {{{"Forwarded", " , ,"}}, "-"},
      {{{"Forwarded", ",for=192.0.2.7,"}}, "192.0.2.7"},
      {{{"Forwarded", ";for=192.0.2.7;;proto=http;"}}, "192.0.2.7 plain"},
      {{{"Forwarded", "for=192.0.2.7 ; proto=wss ; "}}, "192.0.2.7 tls"},
      {{{"Forwarded", "proto=http; ,for=192.0.2.7"}}, "192.0.2.7"},
      {{{"Forwarded", "secret=\"a,b;c\\\"d\";for=192.0.2.7"}}, "192.0.2.7"},
      {{{"Forwarded", "for=192.0.2.7;by=\"for=198.51.100.9, for=198.51.100.8\""}}, "192.0.2.7"},
  });
}

TEST(Forwarded, KnowsEveryFormOfANode) {
  check({
      {{{"Forwarded", "for=\"192.0.2.7\""}}, "192.0.2.7"},
      {{{"Forwarded", "for=\"192.0.2.7:47011\""}}, "192.0.2.7:47011"},
      {{{"Forwarded", "for=\"192.0.2.7:_gazonk\""}}, "192.0.2.7"},
      {{{"Forwarded", "for=\"[2001:db8:cafe::17]\""}}, "[2001:db8:cafe::17]"},
      {{{"Forwarded", "for=\"[2001:db8:cafe::17]:4711\""}}, "[2001:db8:cafe::17]:4711"},
      {{{"Forwarded", "for=\"[2001:DB8:CAFE::17]\", for=\"[2001:db8:ffff::1]\""}}, "[2001:db8:cafe::17]"},
      {{{"Forwarded", "for=\"[::ffff:192.0.2.7]\", for=\"[::ffff:10.0.0.1]\""}}, "192.0.2.7"},
      {{{"Forwarded", "for=192.0.2.7:80"}}, "192.0.2.7:80"},            // without the quotes it should have
      {{{"Forwarded", "for=[2001:db8::7]:80"}}, "[2001:db8::7]:80"},    // the same
      {{{"Forwarded", "for=unknown"}}, "-"},
      {{{"Forwarded", "for=Unknown;proto=https"}}, "- tls"},
      {{{"Forwarded", "for=_hidden"}}, "-"},
      {{{"Forwarded", "for=\"_SEVKISEK:80\", for=10.0.0.2"}}, "-"},
      {{{"Forwarded", "for=192.0.2.7, for=unknown"}}, "-"},             // who said 192.0.2.7 is not known
      {{{"Forwarded", "for=unknown, for=192.0.2.7"}}, "192.0.2.7"},
      {{{"Forwarded", "for=192.0.2.7, proto=https"}}, "- tls"},         // an element need not say for=
  });
}

TEST(Forwarded, RefusesWhatAProxyDoesNotWrite) {
  for (const char* value : {
           "for", "for=", "=192.0.2.7", "for =192.0.2.7", "for= 192.0.2.7", "for=\"\"", "for=\"192.0.2.7",
           "for=\"192.0.2.7\\\"", "for=\"192.0.2.7\"x", "for=192.0.2.7 proto=http", "for=192.0.2.7;for=192.0.2.8",
           "for=192.0.2.7;proto=http;proto=https", "for=192.0.2.7;proto=\"\"", "for=192.0.2.7;proto=\"a b\"",
           "for=192.0.2.300", "for=192.0.2", "for=192.0.2.07", "for=example.com", "for=_", "for=\"_a b\"",
           "for=\"192.0.2.7:\"", "for=\"192.0.2.7:65536\"", "for=\"192.0.2.7:000080\"", "for=\"192.0.2.7:-1\"",
           "for=\"192.0.2.7:_\"", "for=\"192.0.2.7\\:80\"", "for=\"[2001:db8::7\"", "for=\"[2001:db8::g]\"",
           "for=\"[192.0.2.7]\"", "for=\"[2001:db8::7]80\"", "for=\"[fe80::1%eth0]\"", "for=\" 192.0.2.7\"",
           "for=192.0.2.7;by", "for=192.0.2.7;by=", "192.0.2.7", "for=192.0.2.7;@=1", "for=10.0.0.1, for=x.y",
       })
    check({{{{"Forwarded", value}}, "malformed"}});
}

// What a client sends is passed on in front of what the proxy adds, in the same line or in one before it.
TEST(Forwarded, CannotBeForgedByWhatTheClientSends) {
  const auto appended = [](const std::string& by_client) {
    HeaderList headers;
    const auto line = by_client + ", for=\"[2001:db8::7]:99\";proto=http";
    headers.add({"Forwarded", line});
    return told(forwarded_client(headers, is_trusted));
  };
  EXPECT_EQ(appended("for=198.51.100.9"), "[2001:db8::7]:99 plain");
  EXPECT_EQ(appended("for=\"198.51.100.9"), "malformed");  // an open quote would swallow the proxy's element
  EXPECT_EQ(appended("for=198.51.100.9;x=\""), "malformed");
  EXPECT_EQ(appended("for=198.51.100.9;x=\"\\"), "malformed");

  check({
      {{{"Forwarded", "for=\"198.51.100.9"}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "complete nonsense, 10.0.0.1, 192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "10.0.0.1"}, {"X-Forwarded-For", "192.0.2.7"}}, "192.0.2.7"},
      // A proxy that writes one header passes the other on: naming somebody else there refuses only the client itself.
      {{{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=198.51.100.9"}}, "malformed"},
      {{{"X-Forwarded-For", "198.51.100.9"}, {"Forwarded", "for=192.0.2.7"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=unknown"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=10.0.0.9"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", "http"}, {"Forwarded", "for=192.0.2.7;proto=https"}},
       "malformed"},
  });
}

TEST(Forwarded, AgreesWithXForwardedForWhenBothNameOneClient) {
  check({
      {{{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=\"192.0.2.7:81\";proto=https"}}, "192.0.2.7:81 tls"},
      {{{"X-Forwarded-For", "192.0.2.7:81"}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7:81"},
      {{{"X-Forwarded-For", "::ffff:192.0.2.7"}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "unknown"}, {"Forwarded", "for=_x"}}, "-"},
      {{{"X-Forwarded-For", ""}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", ","}}, "192.0.2.7"},
  });
}

TEST(XForwardedFor, IsReadFromTheRightUpToTheFirstAddressThatIsNoProxys) {
  check({
      {{}, "-"},
      {{{"X-Forwarded-For", "192.0.2.7"}}, "192.0.2.7"},
      {{{"x-forwarded-for", "198.51.100.9, 192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "198.51.100.9,192.0.2.7,10.0.0.1"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-For", "10.0.0.2, 10.0.0.1"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", ", 192.0.2.7 ,\t, "}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "10.0.0.2, 10.0.0.1"}}, "10.0.0.2"},
      {{{"X-Forwarded-For", "192.0.2.7:5062"}}, "192.0.2.7:5062"},
      {{{"X-Forwarded-For", "2001:db8::7"}}, "[2001:db8::7]"},
      {{{"X-Forwarded-For", "[2001:db8::7]"}}, "[2001:db8::7]"},
      {{{"X-Forwarded-For", "[2001:db8::7]:5062, 2001:db8:ffff::1, [2001:db8:ffff::2]:9"}}, "[2001:db8::7]:5062"},
      {{{"X-Forwarded-For", "::ffff:192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "192.0.2.7, unknown"}}, "-"},
      {{{"X-Forwarded-For", "unknown, 192.0.2.7"}}, "192.0.2.7"},
      {{{"X-Forwarded-For", "\"192.0.2.7\""}}, "malformed"},
      {{{"X-Forwarded-For", "for=192.0.2.7"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7 10.0.0.1"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7, example.com"}}, "malformed"},
      {{{"X-Forwarded-For", "example.com, 10.0.0.1"}}, "malformed"},
      {{{"X-Forwarded-For", "2001:db8::7:::"}}, "malformed"},
      {{{"X-Forwarded-For", "192.0.2.7:http"}}, "malformed"},
      {{{"X-Forwarded-For", ":80"}}, "malformed"},
  });
}

TEST(XForwardedProto, IsTheWordOfTheProxyTheClientCameTo) {
  check({
      {{{"X-Forwarded-Proto", "https"}}, "- tls"},
      {{{"X-Forwarded-Proto", "wss"}}, "- tls"},
      {{{"X-Forwarded-Proto", "HTTP"}}, "- plain"},
      {{{"X-Forwarded-Proto", "ws"}}, "- plain"},
      {{{"X-Forwarded-Proto", "gopher"}}, "-"},
      {{{"X-Forwarded-Proto", ""}}, "-"},
      {{{"X-Forwarded-Proto", "ht tps"}}, "malformed"},
      // One proxy: what stands to the left is the client's.
      {{{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", "https, http"}}, "192.0.2.7 plain"},
      {{{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "http"}},
       "192.0.2.7 plain"},
      // Two: both add, or the outer sets and the inner passes on.
      {{{"X-Forwarded-For", "192.0.2.7, 10.0.0.2"}, {"X-Forwarded-Proto", "https, http"}}, "192.0.2.7 tls"},
      {{{"X-Forwarded-For", "192.0.2.7, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.7 tls"},
      {{{"X-Forwarded-For", "192.0.2.7, 10.0.0.2"}, {"X-Forwarded-Proto", "https, http, http"}}, "192.0.2.7 plain"},
      {{{"Forwarded", "for=192.0.2.7"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.7 tls"},
      {{{"Forwarded", "for=192.0.2.7;proto=https, for=10.0.0.2;proto=http"}}, "192.0.2.7 tls"},
      {{{"Forwarded", "for=192.0.2.7;proto=gopher"}}, "192.0.2.7"},
  });
}

}  // namespace
}  // namespace sipwsd::http
