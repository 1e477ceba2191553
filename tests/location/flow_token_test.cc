#include "src/location/flow_token.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/addresses.h"

namespace sipwsd::location {
namespace {

constexpr base::SipHashKey key{0x0123456789abcdef, 0xfedcba9876543210};
constexpr std::int64_t day = 86'400, now = 20'000 * day + 5;

Destination flow(std::uint32_t id, std::uint16_t owner) {
  Destination at;
  at.flow = {ConnectionId{id}, WorkerSlot{owner}};
  return at;
}
Destination datagram(const char* address, std::uint16_t port, const char* from, std::uint16_t from_port) {
  Destination at;
  at.remote = test::at(address, port);
  at.remote.protocol = TransportProtocol::udp;
  at.local = test::at(from, from_port);
  at.local.protocol = TransportProtocol::udp;
  return at;
}

const std::vector<Endpoint> sockets{datagram("::", 0, "0.0.0.0", 5060).local, datagram("::", 0, "2001:db8::1", 5060).local};

const FlowPair flows{.upstream = {.at = flow(7, 0), .client = ClientId{0x1122334455667788}}, .downstream = {.at = flow(0x7fffffff, 513)}};

FlowTokens tokens_of(const base::SipHashKey& k = key) { return FlowTokens(k, day, sockets); }
std::string made(const FlowTokens& tokens, const FlowPair& pair) { return std::string(std::string_view(tokens.make(pair, now))); }

TEST(FlowTokens, ComeBackAsTheEndsTheyWereMadeOf) {
  Destination trunk;
  trunk.remote = test::at("192.0.2.9", 5061);
  trunk.remote.protocol = TransportProtocol::tls;
  Destination six = datagram("2001:db8::5", 65'535, "2001:db8::1", 5060);
  const FlowEnd ends[] = {{},
                          {.at = flow(7, 0)},
                          {.at = flow(0xffffffff, 0xfffe), .client = ClientId{~std::uint64_t{0}}},
                          {.at = trunk},
                          {.at = trunk, .client = ClientId{1}},
                          {.at = six, .client = ClientId{5}},
                          {.at = {}, .client = ClientId{77}}};
  const auto tokens = tokens_of();
  for (const FlowEnd& up : ends)
    for (const FlowEnd& down : ends) {
      const auto read = tokens.read(made(tokens, {up, down}), now);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->upstream, up);
      EXPECT_EQ(read->downstream, down);
    }
}

TEST(FlowTokens, NameTheSocketADatagramLeavesFrom) {
  const auto tokens = tokens_of();
  const auto read = tokens.read(made(tokens, {.upstream = {.at = datagram("192.0.2.5", 5062, "198.51.100.7", 5060)}, .downstream = {}}), now);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->upstream.at.remote, datagram("192.0.2.5", 5062, "198.51.100.7", 5060).remote);
  EXPECT_EQ(read->upstream.at.local, sockets[0]) << "it is bound to every address";
  const auto other = tokens.read(made(tokens, {.upstream = {.at = datagram("192.0.2.5", 5062, "198.51.100.7", 9)}, .downstream = {}}), now);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->upstream.at.local, Endpoint{}) << "a socket nobody has: any will do";
}

TEST(FlowTokens, AreReadByEveryWorkerThatHasTheKeyAndByNobodyElse) {
  const auto here = tokens_of(), there = tokens_of(), elsewhere = tokens_of({key.k0 ^ 1, key.k1});
  EXPECT_TRUE(there.read(made(here, flows), now));
  EXPECT_TRUE(elsewhere.read(made(here, flows), now).is(Errc::refused));
}

TEST(FlowTokens, KeepTheClientOfAConnectionOfBeforeARestartAndNotItsNumber) {
  const FlowTokens before(key, day, sockets, 1), after(key, day, sockets, 2);
  const auto read = after.read(made(before, flows), now);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->upstream.at.is_known());
  EXPECT_TRUE(read->upstream.is_of_before && read->downstream.is_of_before);
  EXPECT_TRUE(read->downstream.is_known()) << "it was no Path";
  EXPECT_EQ(read->upstream.client, flows.upstream.client);
  EXPECT_EQ(read->downstream.client, ClientId::none);
}

TEST(FlowTokens, S25GetStaleAfterOneToTwoLifetimes) {
  const auto tokens = tokens_of();
  const auto text = made(tokens, flows);
  for (const std::int64_t later : {std::int64_t{0}, day - 6, day, 2 * day - 6}) EXPECT_TRUE(tokens.read(text, now + later)) << later;
  for (const std::int64_t later : {2 * day, 3 * day, 200 * day}) EXPECT_TRUE(tokens.read(text, now + later).is(Errc::gone)) << later;
  EXPECT_TRUE(tokens.read(text, now + 256 * day).is(Errc::refused)) << "the byte is the same, the key is not";
  EXPECT_TRUE(tokens.read(text, now - day).is(Errc::refused)) << "from the future";
}

TEST(FlowTokens, HoldOnlyWhatNeedsNoEscapeInAUserPart) {
  const auto tokens = tokens_of();
  for (std::uint32_t id = 1; id < 500; ++id) {
    const auto text = made(tokens, {.upstream = {.at = flow(id * 7919, 1)}, .downstream = {.at = flow(id, 2)}});
    EXPECT_TRUE(text.starts_with("w."));
    EXPECT_EQ(text.substr(2).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos) << text;
  }
}

TEST(FlowTokens, DifferForTheTwoDirections) {
  const auto tokens = tokens_of();
  EXPECT_NE(made(tokens, flows), made(tokens, {flows.downstream, flows.upstream}));
}

TEST(FlowTokens, S25AreRefusedWhicheverBitIsTurned) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto tokens = tokens_of();
  const auto good = made(tokens, flows);
  for (std::size_t i = 2; i < good.size(); ++i)
    for (int bit = 0; bit < 6; ++bit) {
      auto forged = good;
      forged[i] = alphabet[alphabet.find(good[i]) ^ (std::size_t{1} << bit)];
      EXPECT_TRUE(tokens.read(forged, now).is(Errc::refused)) << "character " << i << " bit " << bit;
    }
}

TEST(FlowTokens, S25AreNeverReadUnderAnyOtherCharacter) {
  const auto tokens = tokens_of();
  const auto good = made(tokens, flows);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int c = 0; c < 256; ++c) {
      auto other = good;
      other[i] = static_cast<char>(c);
      if (other != good) {
        EXPECT_FALSE(tokens.read(other, now)) << i << " " << c;
      }
    }
}

TEST(FlowTokens, AreRefusedWhenNothingCanBeReadOfThem) {
  const auto tokens = tokens_of();
  const auto good = made(tokens, flows);
  for (const auto& other : {std::string{"w."}, good + "A", good.substr(0, good.size() - 1) + "=", "w." + std::string(20, '%'),
                            "w." + std::string(40, 'A'), "w." + std::string(100'000, 'A')})
    EXPECT_TRUE(tokens.read(other, now).is(Errc::refused)) << other;
}

TEST(FlowTokens, AreNotFoundInWhatHasAnotherShape) {
  const auto tokens = tokens_of();
  const auto good = made(tokens, flows);
  for (const auto& other : {std::string{}, std::string{"alice"}, std::string{"+14155550100"}, good.substr(2), good.substr(1), std::string{"alexander-hamilton"},
                            std::string(good.size(), '\0'), std::string(good.size(), '%'),
                            std::string(200, 'A')})
    EXPECT_TRUE(tokens.read(other, now).is(Errc::not_found)) << other;
}

}  // namespace
}  // namespace sipwsd::location
