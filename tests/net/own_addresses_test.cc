#include "src/net/own_addresses.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/addresses.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using P = TransportProtocol;
constexpr base::TimePoint now{1000s};

Endpoint at(P protocol, const char* address, std::uint16_t port) {
  Endpoint out = test::at(address, port);
  out.protocol = protocol;
  return out;
}
std::string text(const Endpoint* endpoint) { return endpoint == nullptr ? "none" : endpoint->to_string(); }
std::string text(const std::optional<Endpoint>& endpoint) { return endpoint ? endpoint->to_string() : "none"; }

TEST(OwnAddresses, FindTheSocketOfTheTransportAndTheFamily) {
  OwnAddresses own;
  own.use({at(P::udp, "192.0.2.1", 5060), at(P::tcp, "192.0.2.1", 5070), at(P::udp, "2001:db8::1", 5080)});
  EXPECT_EQ(text(own.socket_for(at(P::udp, "198.51.100.7", 1), now)), "udp:192.0.2.1:5060");
  EXPECT_EQ(text(own.socket_for(at(P::tcp, "198.51.100.7", 1), now)), "tcp:192.0.2.1:5070");
  EXPECT_EQ(text(own.socket_for(at(P::udp, "2001:db8::7", 1), now)), "udp:[2001:db8::1]:5080");
  EXPECT_EQ(text(own.socket_for(at(P::tls, "198.51.100.7", 1), now)), "none");
  EXPECT_EQ(text(own.socket_for(at(P::tcp, "2001:db8::7", 1), now)), "none");
}

TEST(OwnAddresses, OfSeveralSocketsTakeTheOneOnTheWay) {
  OwnAddresses own;
  own.use({at(P::udp, "192.0.2.1", 5060), at(P::udp, "127.0.0.1", 5062), at(P::udp, "0.0.0.0", 5064)});
  EXPECT_EQ(text(own.socket_for(at(P::udp, "127.0.0.9", 1), now)), "udp:127.0.0.1:5062");
}

TEST(OwnAddresses, PreferASocketOfEveryAddressToOneThatIsNotOnTheWay) {
  OwnAddresses own;
  own.use({at(P::udp, "192.0.2.1", 5060), at(P::udp, "0.0.0.0", 5064)});
  EXPECT_EQ(text(own.socket_for(at(P::udp, "127.0.0.9", 1), now)), "udp:0.0.0.0:5064");
}

TEST(OwnAddresses, SayWhatOthersSeeOfASocketOfEveryAddress) {
  OwnAddresses own;
  own.use({at(P::udp, "0.0.0.0", 5060), at(P::tcp, "192.0.2.1", 5070)});
  EXPECT_EQ(text(own.source_for(at(P::udp, "127.0.0.9", 1), now)), "udp:127.0.0.1:5060");
  EXPECT_EQ(text(own.source_for(at(P::udp, "127.0.0.9", 1), now + 5s)), "udp:127.0.0.1:5060") << "remembered";
  EXPECT_EQ(text(own.source_for(at(P::tcp, "127.0.0.9", 1), now)), "tcp:192.0.2.1:5070") << "bound to one, it is that one";
  EXPECT_EQ(text(own.source_for(at(P::tls, "127.0.0.9", 1), now)), "none");
}

TEST(OwnAddresses, KnowTheirOwnListeners) {
  OwnAddresses own;
  own.use({at(P::ws, "127.0.0.1", 8080), at(P::wss, "0.0.0.0", 8443), at(P::udp, "127.0.0.1", 5060)});
  EXPECT_EQ(text(own.listener_at(at(P::tcp, "127.0.0.1", 8080), now)), "ws:127.0.0.1:8080");
  EXPECT_EQ(text(own.listener_at(at(P::tls, "127.0.0.1", 8443), now)), "wss:0.0.0.0:8443");
  EXPECT_EQ(text(own.listener_at(at(P::tcp, "127.0.0.1", 5060), now)), "none");
  EXPECT_EQ(text(own.listener_at(at(P::tcp, "192.0.2.7", 8443), now)), "none");
}

}  // namespace
}  // namespace sipwsd::net
