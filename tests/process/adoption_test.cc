#include "src/process/adoption.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <set>

#include "shm/layout.h"
#include "src/process/reaper.h"

namespace sipwsd::process {
namespace {

constexpr WorkerSlot first{0};
constexpr WorkerSlot second{1};

class AdoptionTest : public ::testing::Test {
 protected:
  AdoptionTest() {
    auto created = shm::create({.max_connections = 256, .workers = 2, .processes = 2, .letter_ring_bytes = 4096});
    EXPECT_TRUE(created) << created.error().why;
    shared = std::make_unique<shm::SharedState>(std::move(*created));
    shared->mailboxes.use_event_fds({0, 0});
  }
  void insert(std::uint32_t id, WorkerSlot owner) {
    shm::NewConnection connection;
    connection.id = ConnectionId{id};
    connection.owner = owner;
    connection.state = shm::ConnectionState::open;
    ASSERT_TRUE(shared->connections.insert(connection));
  }
  std::unique_ptr<shm::SharedState> shared;
};

TEST_F(AdoptionTest, TakesEachLostConnectionOnceAndTouchesNobodyElses) {
  for (std::uint32_t id = 1; id <= 100; ++id) insert(id, id % 2 == 0 ? first : second);
  ASSERT_EQ(run_reaper(*shared, shm::process_slot(first), first, shm::FlowLoss::remove), 0);
  std::multiset<std::uint32_t> closed;
  Adoption adoption{shared->connections, first, [&](const shm::ConnectionRecord& record) {
                      EXPECT_FALSE(shared->connections.contains(record.id())) << "retired before the event";
                      closed.insert(number(record.id()));
                    }};

  EXPECT_TRUE(adoption.is_wanted());
  while (adoption.adopt(7) == 7) {
  }

  EXPECT_EQ(closed.size(), 50u);
  for (std::uint32_t id = 2; id <= 100; id += 2) EXPECT_EQ(closed.count(id), 1u) << id;
  EXPECT_FALSE(adoption.is_wanted());
  EXPECT_EQ(shared->connections.live().all, 50u);
}

TEST_F(AdoptionTest, LeavesTheRestToTheNextAdopterWhenAClosedEventKillsThisOne) {
  auto* events = static_cast<std::atomic<int>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));  // [id] -> how often
  constexpr std::uint32_t count = 20;
  constexpr std::uint32_t killer = 11;
  for (std::uint32_t id = 1; id <= count; ++id) insert(id, first);
  ASSERT_EQ(run_reaper(*shared, shm::process_slot(first), second, shm::FlowLoss::remove), 0);

  // Its replacements die of the same connection's event as long as that comes again.
  int deaths = 0;
  for (WorkerSlot adopter = second; deaths < 5;) {
    const pid_t pid = fork();
    if (pid == 0) {
      Adoption adoption{shared->connections, adopter, [&](const shm::ConnectionRecord& record) {
                          ++events[number(record.id())];
                          if (number(record.id()) == killer) raise(SIGKILL);
                        }};
      while (adoption.adopt(4) == 4) {
      }
      _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status)) break;
    ++deaths;
    ASSERT_EQ(run_reaper(*shared, shm::process_slot(adopter), adopter, shm::FlowLoss::remove), 0);
  }

  EXPECT_EQ(deaths, 1);
  for (std::uint32_t id = 1; id <= count; ++id) EXPECT_EQ(events[id], 1) << id;
  EXPECT_FALSE(shared->connections.has_lost());
  munmap(events, 4096);
}

}  // namespace
}  // namespace sipwsd::process
