// Where a branch goes: RFC 3263 4.3 (from place to place), RFC 3261 18.1.1 (what is too long for a datagram).
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Places : public CoreTest {
 protected:
  Places() { forward_to({by_name()}); }

  static Target by_name(std::string_view next_hop = "sip:gateway.example.net", int q = 1000) {
    Target one;
    one.request_uri = "sip:bob@gateway.example.net";
    one.next_hop = next_hop;
    one.q = q;
    return one;
  }
  static Place place(ConnectionId server, TransportProtocol protocol = TransportProtocol::tcp) {
    return {{.flow = {}, .remote = test::FakeTransport::address_of(server, protocol), .local = {}}, "gateway.example.net"};
  }
  void resolve_to(std::vector<Place> found) {
    user.locate_script = [found](const Wanted&, std::vector<Place>& places) {
      places = found;
      return Located{.when = Located::When::now};
    };
  }
  void resolve_later() {
    user.locate_script = [this](const Wanted&, std::vector<Place>&) {
      return Located{.when = Located::When::later, .until = clock.now() + 10s};
    };
  }
  static ConnectionId dialled(ConnectionId server) {
    return test::FakeTransport::dialled(test::FakeTransport::address_of(server, TransportProtocol::tcp)).connection;
  }
  // Who was sent a request, in order.
  std::vector<ConnectionId> asked_in_order() const {
    std::vector<ConnectionId> order;
    for (const Sent& one : transport.sent)
      if (!one.is("SIP/2.0 ") && !one.is("ACK ")) order.push_back(test::FakeTransport::client_at(one.to));
    return order;
  }
};

TEST_F(Places, AreAskedForByTheNameOfTheNextHopAndTheSizeOfTheRequest) {
  resolve_to({place(bob)});
  const RequestText text;
  feed(text);
  ASSERT_EQ(user.asked.size(), 1u);
  EXPECT_EQ(user.asked[0].next_hop, "sip:gateway.example.net");
  EXPECT_EQ(user.asked[0].client, ClientId::none);
  EXPECT_EQ(user.asked[0].size, text.text().size());
  const auto out = transport.to(bob);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].server_name, "gateway.example.net") << "RFC 5922 7.2";
  EXPECT_EQ(out[0].ticket, user.asked[0].ticket);
  EXPECT_TRUE(values_of(out[0].bytes, sip::HeaderId::via).at(0).starts_with("SIP/2.0/TCP ")) << "what is used";
}

TEST_F(Places, AreNotAskedForWhenTheDestinationIsKnown) {
  forward_to({target(bob)});
  feed(RequestText{});
  EXPECT_TRUE(user.asked.empty());
}

TEST_F(Places, ThatAreFoundLaterGetTheRequestThen) {
  resolve_later();
  const RequestText text = invite_text();
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"}));
  feed(text);
  EXPECT_TRUE(asked_in_order().empty()) << "a retransmission is absorbed meanwhile";

  const Place found[] = {place(bob)};
  core().on_located(user.asked.at(0).ticket, found);
  EXPECT_EQ(lines_to(bob), (Lines{"INVITE sip:bob@gateway.example.net SIP/2.0"}));
  core().on_located(user.asked.at(0).ticket, found);
  EXPECT_EQ(lines_to(bob).size(), 1u) << "it waits no more";
  respond(transport.to(bob).at(0), 200);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 200 Whatever");
}

TEST_F(Places, ThatAreFoundForNobodyAreNoMatter) {
  const Place found[] = {place(bob)};
  for (const std::uint64_t ticket : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x00000001'00000001}})
    core().on_located(ticket, found);
  resolve_later();
  feed(RequestText{});
  core().on_connection_closed(alice);
  EXPECT_EQ(core().size(), 0u);
  core().on_located(user.asked.at(0).ticket, found);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Places, ThatDoNotExistAre500) {
  feed(RequestText{});  // never
  resolve_to({});
  RequestText second;
  second.branch += "2";
  feed(second);
  resolve_later();
  RequestText third;
  third.branch += "3";
  feed(third);
  core().on_located(user.asked.at(2).ticket, {});
  RequestText fourth;
  fourth.branch += "4";
  feed(fourth);
  pass(11s);  // nor in time
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error", "SIP/2.0 500 Server Internal Error",
                                    "SIP/2.0 500 Server Internal Error", "SIP/2.0 100 Trying",
                                    "SIP/2.0 500 Server Internal Error"}));
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Places, ThatAreBeingLookedForDoNotKeepAnotherTargetWaiting) {
  resolve_later();
  forward_to({by_name(), target(carol)});
  feed(invite_text());
  EXPECT_EQ(asked_in_order(), (std::vector{carol}));
}

TEST_F(Places, ThatAreBeingLookedForAreWaitedForByTargetsOfLowerQ) {
  resolve_later();
  forward_to({by_name(), target(carol, 10)});
  feed(invite_text());
  EXPECT_TRUE(asked_in_order().empty()) << "a name is found in a moment, and it is the better one";
  core().on_located(user.asked.at(0).ticket, {});
  EXPECT_EQ(asked_in_order(), (std::vector{carol}));
}

TEST_F(Places, AreTriedOneAfterTheOtherWhenAConnectionCannotBeMade) {
  resolve_to({place(bob), place(carol), place(dave)});
  feed(invite_text());
  EXPECT_EQ(asked_in_order(), (std::vector{bob}));
  core().on_connection_closed(dialled(bob));
  EXPECT_EQ(asked_in_order(), (std::vector{bob, carol}));
  core().on_connection_closed(dialled(carol));
  EXPECT_EQ(asked_in_order(), (std::vector{bob, carol, dave}));
  EXPECT_EQ(user.failed_places.size(), 2u);
  EXPECT_EQ(user.failed_places.at(0).remote, place(bob).to.remote);
  core().on_connection_closed(dialled(dave));
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 500 Server Internal Error");
}

TEST_F(Places, EachHaveAClientTransactionOfTheirOwn) {
  resolve_to({place(bob), place(carol)});
  feed(invite_text());
  const Sent first = transport.to(bob).at(0);
  core().on_connection_closed(dialled(bob));
  const Sent second = transport.to(carol).at(0);
  const auto via = [](const Sent& sent) { return values_of(sent.bytes, sip::HeaderId::via).at(0); };
  EXPECT_NE(via(first), via(second));
  EXPECT_NE(first.ticket, second.ticket);
  EXPECT_EQ(second.first_line(), first.first_line());
  transport.take();
  respond(first, 200);
  EXPECT_TRUE(lines_to(alice).empty()) << "the first one has ended";
  respond(second, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Places, AreLeftFor503AndTheNextOneDecides) {
  resolve_to({place(bob), place(carol)});
  const Sent first = invite(invite_text()).at(0);
  respond(first, 503);
  EXPECT_EQ(lines_to(bob).back(), "ACK sip:bob@gateway.example.net SIP/2.0");
  EXPECT_TRUE(lines_to(alice).empty());
  respond(transport.to(carol).at(0), 486);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 486 Whatever"}));
  EXPECT_EQ(user.failed_places.size(), 1u);
}

TEST_F(Places, WhoseLastOneSays503EndWith500) {
  resolve_to({place(bob), place(carol)});
  feed(RequestText{});
  respond(transport.to(bob).at(0), 503);
  respond(transport.to(carol).at(0), 503);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error"}));
  EXPECT_EQ(user.failed_places.size(), 2u);
}

TEST_F(Places, AreLeftWhenTimerBFires) {
  resolve_to({place(bob), place(carol)});
  feed(invite_text());
  pass(33s);
  EXPECT_EQ(asked_in_order(), (std::vector{bob, carol}));
  EXPECT_EQ(user.failed_places.size(), 1u);
  pass(33s);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 408 Request Timeout");
  EXPECT_EQ(user.failed_places.size(), 2u);
}

TEST_F(Places, AreNotLeftWhenTimerFFiresBecauseTheClientHasGivenUp) {
  resolve_to({place(bob), place(carol)});
  feed(RequestText{});
  pass(33s);
  EXPECT_EQ(asked_in_order(), (std::vector{bob})) << "RFC 4320";
  EXPECT_EQ(user.failed_places.size(), 1u) << "but the next request will know";
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Places, AreNotLeftOnceSomebodyHasAnsweredThere) {
  resolve_to({place(bob), place(carol)});
  const Sent first = invite(invite_text()).at(0);
  respond(first, 180);
  core().on_connection_closed(dialled(bob));
  EXPECT_EQ(asked_in_order(), (std::vector<ConnectionId>{}));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 180 Whatever", "SIP/2.0 500 Server Internal Error"}));
}

TEST_F(Places, AreNotLeftOnceTheCallerHasCancelled) {
  resolve_to({place(bob), place(carol)});
  RequestText text = invite_text();
  const Sent first = invite(text).at(0);
  text.method = "CANCEL";
  text.body.clear();
  feed(text);
  core().on_connection_closed(dialled(bob));
  EXPECT_EQ(asked_in_order(), (std::vector<ConnectionId>{}));
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 487 Request Terminated");
}

TEST_F(Places, ThatAreBeingLookedForEndWithTheCancel) {
  resolve_later();
  RequestText text = invite_text();
  feed(text);
  text.method = "CANCEL";
  text.body.clear();
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"}));
  const Place found[] = {place(bob)};
  core().on_located(user.asked.at(0).ticket, found);
  EXPECT_TRUE(asked_in_order().empty());
}

TEST_F(Places, ThatWeHaveNoSocketForAreSkipped) {
  transport.refuses = [](const Destination& to) { return to.remote.protocol == TransportProtocol::tls; };
  resolve_to({place(bob, TransportProtocol::tls), place(carol)});
  feed(RequestText{});
  EXPECT_EQ(asked_in_order(), (std::vector{carol}));
  resolve_to({place(bob, TransportProtocol::tls)});
  RequestText second;
  second.branch += "2";
  feed(second);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error"}));
}

TEST_F(Places, AreNotForksAndAreFewAllTheSame) {
  settings.max_branches = 1;
  std::vector<Place> many;
  for (unsigned i = 0; i < 40; ++i) many.push_back(place(static_cast<ConnectionId>(100 + i)));
  resolve_to(many);
  for (const Place& one : many) transport.failures[test::FakeTransport::client_at(one.to)] = Errc::gone;
  feed(RequestText{});
  EXPECT_EQ(transport.refused, 8u);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error"}));
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
}

TEST_F(Places, OfEachForkAreItsOwn) {
  user.locate_script = [](const Wanted& wanted, std::vector<Place>& places) {
    const bool is_first = wanted.next_hop == "sip:one.example.net";
    places = is_first ? std::vector{place(bob), place(carol)} : std::vector{place(dave), place(60_conn)};
    return Located{.when = Located::When::now};
  };
  forward_to({by_name("sip:one.example.net"), by_name("sip:two.example.net")});
  feed(invite_text());
  EXPECT_EQ(asked_in_order(), (std::vector{bob, dave}));
  core().on_connection_closed(dialled(dave));
  core().on_connection_closed(dialled(bob));
  EXPECT_EQ(asked_in_order(), (std::vector{bob, dave, 60_conn, carol}));
}

// --- RFC 3261 18.1.1

class Sizes : public Places {
 protected:
  Sizes() {
    user.datagram_clients[bob] = true;
    forward_to({target(bob)});
  }
  RequestText long_invite() {
    RequestText text = invite_text();
    text.body.assign(2'000, 'v');
    return text;
  }
  std::vector<std::string> protocols() const {
    std::vector<std::string> all;
    for (const Sent& one : transport.to(bob)) {
      EXPECT_EQ(values_of(one.bytes, sip::HeaderId::via).at(0).substr(0, 11),
                "SIP/2.0/" + std::string{via_name(one.to.remote.protocol)})
          << "the Via says what is used";
      all.emplace_back(name(one.to.remote.protocol));
    }
    return all;
  }
};

TEST_F(Sizes, OfMoreThanTheLimitTakeAStreamToTheSameAddressAndTheDatagramWhenThereIsNone) {
  feed(long_invite());
  EXPECT_EQ(protocols(), (Lines{"tcp"}));
  core().on_connection_closed(dialled(bob));
  EXPECT_EQ(protocols(), (Lines{"tcp", "udp"}));
  EXPECT_EQ(transport.to(bob).at(0).to.remote.port, transport.to(bob).at(1).to.remote.port);
  respond(transport.to(bob).at(1), 200);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 200 Whatever");
}

TEST_F(Sizes, UpToTheLimitAreDatagramsAndSoIsEverythingWithoutALimit) {
  feed(invite_text());
  settings.udp_mtu = 0;
  core().reconfigure(settings);
  RequestText text = long_invite();
  text.branch += "2";
  feed(text);
  EXPECT_EQ(protocols(), (Lines{"udp", "udp"}));
}

TEST_F(Sizes, AreThoseOfTheCopyNotOfTheRequest) {
  RequestText text = invite_text();
  text.body.clear();
  text.body.assign(1'300 - text.text().size() - 4, 'v');
  ASSERT_LE(text.text().size(), 1'300u);
  feed(text);
  EXPECT_EQ(protocols(), (Lines{"tcp"})) << "our Via is in it as well";
}

TEST_F(Sizes, WithoutASocketForStreamsAreDatagramsAtOnce) {
  transport.refuses = [](const Destination& to) { return to.remote.protocol == TransportProtocol::tcp; };
  feed(long_invite());
  EXPECT_EQ(protocols(), (Lines{"udp"}));
}

TEST_F(Sizes, KeepTheOrderOfThePlaces) {
  user.datagram_clients.erase(bob);
  resolve_to({place(bob, TransportProtocol::udp), place(carol, TransportProtocol::udp)});
  forward_to({by_name()});
  feed(long_invite());
  core().on_connection_closed(dialled(bob));
  respond(transport.to(bob).at(1), 503);
  core().on_connection_closed(dialled(carol));
  std::vector<std::string> order;
  for (const Sent& one : transport.sent)
    if (one.is("INVITE "))
      order.push_back(std::string{name(one.to.remote.protocol)} + std::to_string(number(test::FakeTransport::client_at(one.to))));
  EXPECT_EQ(order, (Lines{"tcp70", "udp70", "tcp71", "udp71"}));
}

TEST_F(Sizes, OfAnAckAreNoMatterBecauseNobodyWouldSayThatItWasLost) {
  RequestText ack;
  ack.method = "ACK";
  ack.to_tag = "callee";
  ack.body.assign(2'000, 'v');
  feed(ack);
  EXPECT_EQ(protocols(), (Lines{"udp"}));
}

}  // namespace
}  // namespace sipwsd::transaction
