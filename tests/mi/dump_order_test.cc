#include "src/mi/dump_order.h"

#include <gtest/gtest.h>

namespace sipwsd::mi {
namespace {

std::vector<std::uint32_t> sorted(std::vector<std::pair<std::uint32_t, std::int64_t>> ids_and_use, DumpOrder order) {
  std::vector<shm::ConnectionRecord> records;
  for (const auto& [id, last_used] : ids_and_use) {
    shm::ConnectionRecord record;
    record.identity.id = ConnectionId{id};
    record.last_used = last_used;
    records.push_back(record);
  }
  sort_for_dump(records, order);
  std::vector<std::uint32_t> ids;
  for (const auto& record : records) ids.push_back(number(record.id()));
  return ids;
}

TEST(DumpOrder, IsAWholeWordInAnyCase) {
  EXPECT_EQ(dump_order("id_hash"), DumpOrder::id_hash);
  EXPECT_EQ(dump_order("USED_Desc"), DumpOrder::used_desc);
  EXPECT_EQ(dump_order("used_asc"), DumpOrder::used_asc);
  for (const auto* wrong : {"", "id_hashXYZ", "used", "used_asc ", "id hash"}) EXPECT_EQ(dump_order(wrong), std::nullopt) << wrong;
}

TEST(DumpOrder, WalksTheHashBucketsNewestFirstWithinOne) {
  EXPECT_EQ(sorted({{7, 1}, {3, 9}, {1027, 5}, {2051, 2}, {1024, 1}}, DumpOrder::id_hash),
            (std::vector<std::uint32_t>{1024, 2051, 1027, 3, 7}));  // buckets 0, 3, 3, 3, 7
}

TEST(DumpOrder, CallsTheMostIdleFirstDescending) {
  EXPECT_EQ(sorted({{1, 30}, {2, 10}, {3, 20}, {4, 10}}, DumpOrder::used_desc), (std::vector<std::uint32_t>{2, 4, 3, 1}));
  EXPECT_EQ(sorted({{1, 30}, {2, 10}, {3, 20}, {4, 10}}, DumpOrder::used_asc), (std::vector<std::uint32_t>{1, 3, 4, 2}));
}

}  // namespace
}  // namespace sipwsd::mi
