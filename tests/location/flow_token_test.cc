#include "src/location/flow_token.h"

#include <gtest/gtest.h>

#include <string>

namespace sipwsd::location {
namespace {

constexpr base::SipHashKey key{0x0123456789abcdef, 0xfedcba9876543210};
constexpr FlowPair flows{.upstream = {ConnectionId{7}, WorkerSlot{0}}, .downstream = {ConnectionId{0x7fffffff}, WorkerSlot{513}}};

std::string made(const FlowTokens& tokens, const FlowPair& pair) {
  const auto text = tokens.make(pair);
  return {text.data(), text.size()};
}

TEST(FlowTokens, ComeBackAsTheFlowsTheyWereMadeOf) {
  const FlowTokens tokens(key);
  const auto read = tokens.read(made(tokens, flows));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->upstream, flows.upstream);
  EXPECT_EQ(read->downstream, flows.downstream);
}

TEST(FlowTokens, AreReadByEveryWorkerThatHasTheKeyAndByNobodyElse) {
  const FlowTokens here(key), there(key), elsewhere({key.k0 ^ 1, key.k1});
  EXPECT_TRUE(there.read(made(here, flows)));
  EXPECT_TRUE(elsewhere.read(made(here, flows)).is(Errc::refused));
}

TEST(FlowTokens, HoldOnlyWhatNeedsNoEscapeInAUserPart) {
  const FlowTokens tokens(key);
  for (std::uint32_t id = 1; id < 500; ++id) {
    const auto text = made(tokens, {.upstream = {ConnectionId{id * 7919}, WorkerSlot{1}}, .downstream = {ConnectionId{id}, WorkerSlot{2}}});
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos) << text;
  }
}

TEST(FlowTokens, DifferForTheTwoDirections) {
  const FlowTokens tokens(key);
  EXPECT_NE(made(tokens, flows), made(tokens, {.upstream = flows.downstream, .downstream = flows.upstream}));
}

TEST(FlowTokens, S25AreRefusedWhicheverBitIsTurned) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const FlowTokens tokens(key);
  const auto good = made(tokens, flows);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 6; ++bit) {  // the last two bits of the last character are of no byte: another spelling
      auto forged = good;
      forged[i] = alphabet[alphabet.find(good[i]) ^ (std::size_t{1} << bit)];
      EXPECT_TRUE(tokens.read(forged).is(Errc::refused)) << "character " << i << " bit " << bit;
    }
}

TEST(FlowTokens, S25AreRefusedUnderEveryOtherCharacterToo) {
  const FlowTokens tokens(key);
  const auto good = made(tokens, flows);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int c = 0; c < 256; ++c) {
      auto other = good;
      other[i] = static_cast<char>(c);
      if (other != good) {
        EXPECT_FALSE(tokens.read(other)) << i << " " << c;
      }
    }
}

TEST(FlowTokens, AreNotFoundInWhatHasAnotherShape) {
  const FlowTokens tokens(key);
  const auto good = made(tokens, flows);
  for (const auto& other : {std::string{}, std::string{"alice"}, good.substr(1), good + "A", good.substr(0, 26) + "=", good.substr(0, 26) + "+",
                            good.substr(0, 26) + " ", std::string(27, '\0'), std::string(27, '%')})
    EXPECT_TRUE(tokens.read(other).is(Errc::not_found)) << other;
}

}  // namespace
}  // namespace sipwsd::location
