#include "shm/segment.h"

#include "shm/layout.h"

#include "tests/shm/shared_world.h"

#include <sys/mman.h>
#include <sys/resource.h>

namespace sipwsd::shm {
namespace {

std::size_t resident_bytes(const Segment& segment) {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((segment.bytes() + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<std::byte*>(segment.address()), segment.bytes(), pages.data()), 0);
  std::size_t resident = 0;
  for (const unsigned char p : pages) resident += p & 1 ? page : 0;
  return resident;
}

TEST(Segment, CarvesZeroedCacheLinesThatDoNotOverlap) {
  auto segment = Segment::create(4096, 1);
  ASSERT_TRUE(segment);
  std::byte* first = segment->carve(1);
  std::byte* second = segment->carve(100);
  std::byte* third = segment->carve(64);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
  EXPECT_EQ(second - first, 64);
  EXPECT_EQ(third - second, 128);
  EXPECT_TRUE(std::all_of(first, third + 64, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(segment->carved_bytes(), 256u);
}

TEST(Segment, ThrowsAtStartWhenTheLayoutWasCountedWrongly) {
  auto segment = Segment::create(128, 1);
  ASSERT_TRUE(segment);
  segment->carve(64);
  EXPECT_THROW(segment->carve(65), std::bad_alloc);
}

TEST(SegmentDeathTest, NobodyCarvesAfterTheSeal) {
  EXPECT_DEATH(
      {
        auto segment = Segment::create(4096, 1);
        segment->seal();
        segment->carve(1);
      },
      "before the first fork");
}

TEST(Segment, NoticesAnotherLayout) {
  auto segment = Segment::create(4096, 77);
  ASSERT_TRUE(segment);
  EXPECT_TRUE(segment->is_intact(77));
  EXPECT_FALSE(segment->is_intact(78));
}

TEST(Segment, IsSeenByAChildAndHasNoName) {
  auto segment = Segment::create(4096, 1);
  ASSERT_TRUE(segment);
  int& word = segment->carve_one<int>();
  EXPECT_TRUE(ended_well(in_child([&] { word = 42; })));
  EXPECT_EQ(word, 42);
}

TEST(Layout, CountsExactlyWhatItCarves) {
  for (const std::uint32_t connections : {1u, 63u, 64u, 1000u, 65536u}) {
    for (const std::uint16_t workers : {1, 5}) {
      Limits limits;
      limits.max_connections = connections;
      limits.workers = workers;
      limits.processes = static_cast<std::uint16_t>(workers + 2);
      auto shared = create(limits);
      ASSERT_TRUE(shared) << shared.error().why;
      EXPECT_EQ(shared->segment.carved_bytes(), bytes_needed(limits));
      EXPECT_TRUE(shared->segment.is_sealed());
    }
  }
}

TEST(Layout, HashChangesWithEveryLimit) {
  const Limits same;
  std::set<std::uint64_t> hashes{layout_hash(same)};
  const auto differs = [&](auto change) {
    Limits limits;
    change(limits);
    return hashes.insert(layout_hash(limits)).second;
  };
  EXPECT_FALSE(differs([](Limits&) {}));
  EXPECT_TRUE(differs([](Limits& l) { ++l.max_connections; }));
  EXPECT_TRUE(differs([](Limits& l) { ++l.workers; }));
  EXPECT_TRUE(differs([](Limits& l) { ++l.processes; }));
  EXPECT_TRUE(differs([](Limits& l) { l.max_bindings = 5; }));
  EXPECT_TRUE(differs([](Limits& l) { l.letter_ring_bytes = 8192; }));
  EXPECT_TRUE(differs([](Limits& l) { ++l.max_nonces; }));
  EXPECT_TRUE(differs([](Limits& l) { ++l.max_bans; }));
}

TEST(Layout, RefusesLimitsThatMakeNoSenseByTheNameOfTheParameter) {
  const auto why = [](auto change) {
    Limits limits;
    change(limits);
    auto shared = create(limits);
    return shared ? std::string{} : shared.error().why;
  };
  EXPECT_NE(why([](Limits& l) { l.max_connections = 0; }).find("max_connections is 0"), std::string::npos);
  EXPECT_NE(why([](Limits& l) { l.workers = 0; }).find("workers is 0"), std::string::npos);
  EXPECT_NE(why([](Limits& l) { l.workers = 9; }).find("processes is 3, must be 9"), std::string::npos);
  EXPECT_NE(why([](Limits& l) { l.letter_ring_bytes = 100; }).find("letter_ring_bytes is 100"), std::string::npos);
}

TEST(Layout, SaysHowMuchWasAskedAndWhatToLowerWhenTheMemoryCannotBeHad) {
  const int status = in_child([] {
    const rlimit little{512u << 20, 512u << 20};
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &little), 0);
    Limits limits;
    limits.max_connections = 4'000'000;
    const auto shared = create(limits);
    ASSERT_FALSE(shared);
    EXPECT_TRUE(shared.is(Errc::system));
    EXPECT_NE(shared.error().why.find(" MiB of shared memory can't be had"), std::string::npos) << shared.error().why;
    EXPECT_NE(shared.error().why.find("lower max_connections"), std::string::npos) << shared.error().why;
  });
  // A sanitizer needs more address space than that for itself and may not even start the test.
  EXPECT_TRUE(ended_well(status) || !WIFEXITED(status)) << status;
}

TEST(Layout, AnEmptyTableFor65536ConnectionsIsHardlyResident) {
  Limits limits;
  limits.workers = 8;
  limits.processes = 11;
  const SharedState shared = make_shared_state(limits);
  EXPECT_GT(shared.segment.bytes(), std::size_t{100} << 20);
  EXPECT_LT(resident_bytes(shared.segment), 256u << 10);
}

TEST(Layout, AThousandConnectionsMakeAboutTheirOwnPagesResident) {
  SharedState shared = make_shared_state(Limits{});
  const std::size_t empty = resident_bytes(shared.segment);
  for (int i = 0; i < 1000; ++i) {
    NewConnection c = connection(number(shared.ids.next()), w0);
    ASSERT_TRUE(shared.connections.insert(c));
  }
  // 64 bytes each, and the buckets of all 64 stripes.
  EXPECT_LT(resident_bytes(shared.segment) - empty, (64u << 10) + (64u * 4096) + (16u << 10));
}

}  // namespace
}  // namespace sipwsd::shm
