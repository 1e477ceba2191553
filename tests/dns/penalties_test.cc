#include "src/dns/penalties.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"

namespace sipwsd::dns {
namespace {

using base::Seconds;

class PenaltiesTest : public testing::Test {
 protected:
  static Endpoint place(int i, TransportProtocol protocol = TransportProtocol::udp) {
    return test::at("192.0.2." + std::to_string(i), 5060, protocol);
  }
  std::string arranged(std::initializer_list<int> numbers) {
    std::vector<Place> places;
    for (const int i : numbers) places.push_back({place(i), {}});
    penalties.arrange(places, clock.now());
    std::string text;
    for (const Place& one : places) text += std::to_string(one.remote.address[3]);
    return text;
  }
  base::FakeClock clock;
  Penalties penalties;
};

TEST_F(PenaltiesTest, PutWhatFailedBehindTheOthersForAWhile) {
  penalties.add(place(1), clock.now() + Seconds{30});
  EXPECT_EQ(arranged({1, 2, 3}), "231");
  clock.advance(Seconds{30});
  EXPECT_EQ(arranged({1, 2, 3}), "123");
  EXPECT_EQ(penalties.size(), 0u);
}

TEST_F(PenaltiesTest, KeepTheOrderWhereAllHaveFailed) {
  for (const int i : {3, 1, 2}) penalties.add(place(i), clock.now() + Seconds{30});
  EXPECT_EQ(arranged({1, 2, 3}), "123");
}

TEST_F(PenaltiesTest, AreForOneTransportOfAnAddress) {
  penalties.add(place(1, TransportProtocol::tcp), clock.now() + Seconds{30});
  EXPECT_EQ(arranged({1, 2}), "12");
}

TEST_F(PenaltiesTest, BeginAnewWithEachFailure) {
  penalties.add(place(1), clock.now() + Seconds{30});
  clock.advance(Seconds{20});
  penalties.add(place(1), clock.now() + Seconds{30});
  clock.advance(Seconds{20});
  EXPECT_EQ(arranged({1, 2}), "21");
  EXPECT_EQ(penalties.size(), 1u);
}

TEST_F(PenaltiesTest, AreForgottenFirstForWhomTheyWouldEndFirst) {
  for (int i = 0; i < static_cast<int>(Penalties::most); ++i) {
    clock.advance(Seconds{1});
    penalties.add(place(i), clock.now() + Seconds{1000});
  }
  penalties.add(place(200), clock.now() + Seconds{1000});
  EXPECT_EQ(penalties.size(), Penalties::most);
  EXPECT_EQ(arranged({200, 0}), "0200");
}

}  // namespace
}  // namespace sipwsd::dns
