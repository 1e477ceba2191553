#include "src/transaction/transaction_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace sipwsd::transaction {
namespace {

constexpr Destination way_to(unsigned connection) {
  return {.flow = {static_cast<ConnectionId>(connection), static_cast<WorkerSlot>(0)}, .remote = {}, .local = {}};
}

// What a home is: a few that all want, or neighbours that push each other along.
class HashIndexAgainstAModel : public ::testing::TestWithParam<std::uint64_t (*)(std::mt19937&)> {};

TEST_P(HashIndexAgainstAModel, FindsTheSame) {
  HashIndex index;
  std::multimap<std::uint64_t, PoolIndex> model;
  std::mt19937 random{3};
  PoolIndex next = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t hash = GetParam()(random);
    if (random() % 2 == 0 && model.size() < 300) {
      index.insert(hash, next);
      model.emplace(hash, next++);
    } else if (!model.empty()) {
      auto victim = std::next(model.begin(), static_cast<long>(random() % model.size()));
      index.erase(victim->first, victim->second);
      model.erase(victim);
    }
    if (i % 50 != 0) continue;
    for (const auto& [at, context] : model)
      EXPECT_EQ(index.find(at, [&](PoolIndex found) { return found == context; }), context);
    for (std::uint64_t probe = 0; probe < 64 * 256; probe += 255)
      EXPECT_EQ(index.find(probe, [](PoolIndex) { return true; }) == nobody, !model.contains(probe));
  }
  EXPECT_LE(index.capacity(), 1024u);
}
INSTANTIATE_TEST_SUITE_P(Homes, HashIndexAgainstAModel,
                         ::testing::Values([](std::mt19937& r) -> std::uint64_t { return r() % 64 * 256 + r() % 4; },
                                           [](std::mt19937& r) -> std::uint64_t { return 400 + r() % 350; },
                                           [](std::mt19937& r) -> std::uint64_t { return 900 + r() % 300; }));

TEST(TransactionTable, TellsApartWhoOnlySharesTheHash) {
  TransactionTable table{10, 1};
  ProxyContext* a = table.add(99, way_to(1), sip::Method::invite);
  ProxyContext* b = table.add(99, way_to(2), sip::Method::invite);
  ProxyContext* c = table.add(99, way_to(1), sip::Method::message);

  EXPECT_EQ(table.find(99, way_to(1).flow.connection, sip::Method::invite), a);
  EXPECT_EQ(table.find(99, way_to(2).flow.connection, sip::Method::ack), b);
  EXPECT_EQ(table.find(99, way_to(1).flow.connection, sip::Method::message), c);
  EXPECT_EQ(table.find(99, way_to(3).flow.connection, sip::Method::invite), nullptr);
  EXPECT_EQ(table.find(98, way_to(1).flow.connection, sip::Method::invite), nullptr);
}

TEST(TransactionTable, SaysNoWhenItIsFullAndYesAgainAfterwards) {
  TransactionTable table{2, 1};
  ProxyContext* first = table.add(1, way_to(1), sip::Method::invite);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(table.add(2, way_to(1), sip::Method::invite), nullptr);
  EXPECT_EQ(table.add(3, way_to(1), sip::Method::invite), nullptr);

  table.retire(*first);

  EXPECT_NE(table.add(3, way_to(1), sip::Method::invite), nullptr);
}

TEST(TransactionTable, CountsWhatIsPendingOfEachConnectionAlsoInASharedList) {
  TransactionTable table{10, 1};
  const auto one = way_to(5), neighbour = way_to(5 + 4096);
  ProxyContext* first = table.add(1, one, sip::Method::invite);
  ProxyContext* second = table.add(2, one, sip::Method::invite);
  ProxyContext* other = table.add(3, neighbour, sip::Method::invite);
  EXPECT_TRUE(table.has_pending(one.flow.connection, 2));
  EXPECT_FALSE(table.has_pending(one.flow.connection, 3)) << "the third is the neighbour's";
  EXPECT_FALSE(table.has_pending(neighbour.flow.connection, 2));

  table.end_pending(*first);
  table.end_pending(*first);
  table.retire(*second);
  EXPECT_FALSE(table.has_pending(one.flow.connection, 1));
  EXPECT_TRUE(table.has_pending(neighbour.flow.connection, 1));
  table.retire(*first);
  table.retire(*other);
  table.recycle();
  EXPECT_FALSE(table.has_pending(neighbour.flow.connection, 1));
  EXPECT_FALSE(table.has_pending(ConnectionId::none, 1)) << "datagrams have no connection";
}

TEST(TransactionTable, ForgetsATokenWithItsBranch) {
  TransactionTable table{4, 0xffffffff};  // the serial goes round
  ProxyContext* context = table.add(1, way_to(1), sip::Method::invite);
  const Token old = TransactionTable::token_of(table.add_branch(*context));
  EXPECT_NE(table.find(old), nullptr);

  table.retire(*context);
  EXPECT_EQ(table.find(old), nullptr) << "before the memory is given back";
  table.recycle();
  EXPECT_EQ(table.find(old), nullptr);
  ProxyContext* again = table.add(1, way_to(1), sip::Method::invite);
  const ClientBranch& reused = table.add_branch(*again);

  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_NE(TransactionTable::token_of(reused), old);
  EXPECT_NE(TransactionTable::token_of(reused), Token::none);
  EXPECT_EQ(table.find(static_cast<Token>(0x00000001'ffffffffULL)), nullptr);
}

TEST(TransactionTable, KnowsWhatHangsOnAConnection) {
  TransactionTable table{5000, 1};
  std::mt19937 random{4};
  std::map<std::uint32_t, ProxyContext*> alive;  // by the connection of its only branch
  // connections whose lists are the same one, too: 4096 apart
  for (unsigned connection = 1; connection < 9000; connection += 256) {
    ProxyContext* context = table.add(connection, way_to(connection + 1), sip::Method::invite);
    ClientBranch& branch = table.add_branch(*context);
    branch.to = way_to(connection);
    table.attach(branch);
    alive[connection] = context;
  }
  while (!alive.empty()) {
    for (const auto& [connection, context] : alive) {
      const auto found = table.on_connection(way_to(connection).flow.connection);
      ASSERT_EQ(found.branches.size(), 1u);
      EXPECT_EQ(table.find(found.branches.front())->context, context->index);
      EXPECT_EQ(table.on_connection(way_to(connection + 1).flow.connection).contexts.size(), 1u);
    }
    auto victim = std::next(alive.begin(), static_cast<long>(random() % alive.size()));
    table.retire(*victim->second);
    table.recycle();
    EXPECT_TRUE(table.on_connection(way_to(victim->first).flow.connection).branches.empty());
    EXPECT_TRUE(table.on_connection(way_to(victim->first + 1).flow.connection).contexts.empty());
    alive.erase(victim);
  }
}

TEST(TransactionTable, CountsTheBytesItKeeps) {
  TransactionTable table{4, 1};
  ProxyContext* context = table.add(1, way_to(1), sip::Method::invite);
  context->kept.assign(1000, 'x');
  table.count_kept(*context);
  EXPECT_EQ(table.kept_bytes(), 1000u);
  context->keep("12345");
  table.count_kept(*context);
  EXPECT_EQ(table.kept_bytes(), 1005u);

  table.release_kept(*context);
  EXPECT_EQ(table.kept_bytes(), 0u);
  table.retire(*context);
  table.recycle();
  EXPECT_EQ(table.kept_bytes(), 0u);
}

}  // namespace
}  // namespace sipwsd::transaction
