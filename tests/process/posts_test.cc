#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "shm/layout.h"
#include "src/process/roles.h"

namespace sipwsd::process {
namespace {

int run_nothing(Inherited&) { return 0; }
constexpr auto table = std::to_array<Role>({
    {"worker", worker_count, run_nothing, Sockets::of_its_slot},
    {"keepalive", [](const config::Settings& s) { return static_cast<std::uint16_t>(s.keepalive_processes); }, run_nothing},
    {"mi", [](const config::Settings&) -> std::uint16_t { return 1; }, run_nothing},
});

TEST(Posts, StandInTheOrderOfTheTableWithWorkersFirst) {
  config::Settings settings;
  settings.workers = 2;
  settings.keepalive_processes = 2;

  const auto all = posts(table, settings);

  ASSERT_EQ(all.size(), 5u);
  const char* titles[] = {"worker 0", "worker 1", "keepalive 0", "keepalive 1", "mi"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].title, titles[i]);
    EXPECT_EQ(number(all[i].slot), i);
  }
  EXPECT_EQ(all[3].index, 1);
}

TEST(Posts, NumberAWorkerEvenWhenItIsTheOnlyOne) {
  config::Settings settings;
  settings.workers = 1;
  EXPECT_EQ(posts(table, settings)[0].title, "worker 0");
}

TEST(Posts, StartAsManyWorkersAsThereAreCoresUnlessTold) {
  config::Settings settings;
  settings.workers = 0;
  EXPECT_GE(worker_count(settings), 1);
  settings.workers = 7;
  EXPECT_EQ(worker_count(settings), 7);
}

TEST(Limits, FollowTheSettingsAndTheLargestMessageFitsALetter) {
  config::Settings settings;
  settings.workers = 3;
  settings.max_connections = 1000;
  settings.max_message_size = 300'000;
  settings.letter_ring_bytes = 4096;

  const shm::Limits limits = limits_for(settings, table);

  EXPECT_TRUE(check(limits));
  EXPECT_EQ(limits.workers, 3);
  EXPECT_EQ(limits.processes, 5);
  EXPECT_EQ(limits.max_connections, 1000u);
  EXPECT_GT(limits.letter_ring_bytes, 2 * settings.max_message_size);
}

}  // namespace
}  // namespace sipwsd::process
