// 503 with Retry-After while there is no room for what is new: one connection has too many pending, or memory is short.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Shortage : public CoreTest {
 protected:
  Shortage() { settings.retry_after = 7s; }

  // The n-th INVITE of a connection; what was answered to it besides a 100.
  Lines call(int n, ConnectionId from) {
    RequestText text = invite_text();
    text.branch = "z9hG4bK" + std::to_string(n);
    text.call_id = "call-" + std::to_string(n);
    feed(text, from);
    Lines lines = lines_to(from);
    for (const Sent& one : transport.take())
      if (one.is("INVITE")) sent_on.push_back(one);
    std::erase(lines, "SIP/2.0 100 Trying");
    return lines;
  }

  static inline const Lines refused{"SIP/2.0 503 Service Unavailable"};
  std::vector<Sent> sent_on;
};

TEST_F(Shortage, OfOneConnectionIsNobodyElses) {
  settings.max_pending_per_connection = 3;
  for (int n = 0; n < 3; ++n) EXPECT_EQ(call(n, alice), Lines{});
  EXPECT_EQ(call(3, alice), refused);
  EXPECT_EQ(counters[Count::connection_full], 1u);
  EXPECT_EQ(call(4, carol), Lines{});
  // 4096 apart: in the same list of the table.
  EXPECT_EQ(call(5, static_cast<ConnectionId>(number(alice) + 4096)), Lines{});
}

TEST_F(Shortage, SaysWhenToComeAgain) {
  settings.max_pending_per_connection = 1;
  call(0, alice);
  feed(invite_text());
  const auto refusal = transport.take().at(0).bytes;
  EXPECT_EQ(header_of(refusal, sip::HeaderId::retry_after), "7");
}

TEST_F(Shortage, EndsWithTheFinalResponseEvenThoughTheTransactionLingers) {
  settings.max_pending_per_connection = 2;
  call(0, alice);
  call(1, alice);
  ASSERT_EQ(call(2, alice), refused);

  respond(sent_on.at(0), 200);
  transport.take();
  EXPECT_EQ(core().size(), 2u) << "Timer L runs";
  EXPECT_EQ(call(3, alice), Lines{});

  respond(sent_on.at(1), 486);
  transport.take();
  EXPECT_EQ(call(4, alice), Lines{});
  EXPECT_EQ(call(5, alice), refused);
}

TEST_F(Shortage, EndsWithTheConnection) {
  settings.max_pending_per_connection = 1;
  call(0, alice);
  core().on_connection_closed(alice);
  transport.take();
  EXPECT_EQ(call(1, alice), Lines{}) << "nothing is left of it in the count";
}

TEST_F(Shortage, OfAConnectionIsNoneWhenTheLimitIsZero) {
  settings.max_pending_per_connection = 0;
  for (int n = 0; n < 50; ++n) EXPECT_EQ(call(n, alice), Lines{});
}

TEST_F(Shortage, OfMemoryRefusesWhatIsNewAndLetsCallsEnd) {
  call(0, alice);
  user.memory_is_short = true;

  EXPECT_EQ(call(1, alice), refused);
  EXPECT_EQ(counters[Count::memory_short], 1u);
  RequestText bye;
  bye.method = "BYE";
  bye.to_tag = "callee";
  feed(bye);
  EXPECT_EQ(transport.take().at(0).first_line(), "BYE sip:bob@70.invalid SIP/2.0");

  user.memory_is_short = false;
  EXPECT_EQ(call(2, alice), Lines{});
}

TEST_F(Shortage, OfRoomKeepsUnansweredInvitesWithinBothLimits) {
  settings.max_transactions = 300;
  settings.max_kept_bytes = 200'000;
  settings.max_pending_per_connection = 0;
  std::size_t passed = 0;
  for (int n = 0; n < 2'000; ++n) {
    RequestText text = invite_text();
    text.branch = "z9hG4bK" + std::to_string(n);
    text.call_id = "call-" + std::to_string(n);
    text.body.assign(n % 2 == 0 ? 100 : 1'000, 'v');
    feed(text, static_cast<ConnectionId>(1 + n % 50));
    const auto sent = transport.take();
    const bool is_passed = sent.size() == 2;
    passed += is_passed;
    if (is_passed) continue;
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(sent[0].is("SIP/2.0 503 "));
    EXPECT_EQ(header_of(sent[0].bytes, sip::HeaderId::retry_after), "7");
  }
  EXPECT_EQ(core().size(), passed);
  EXPECT_LE(core().size(), 300u);
  EXPECT_LE(core().kept_bytes(), 201'000u);
  EXPECT_EQ(counters[Count::table_full], 2'000u - passed);
  pass(33s);
  EXPECT_EQ(core().kept_bytes(), 0u) << "Timer B has ended them all";
  transport.take();
  EXPECT_EQ(call(9'999, alice), Lines{});
}

}  // namespace
}  // namespace sipwsd::transaction
