#include "src/os/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/os/event_fd.h"

namespace sipwsd::os {
namespace {

using base::Milliseconds;

struct Probe final : Watcher {
  explicit Probe(std::function<void(std::uint32_t)> action = {}) : then(std::move(action)) {}
  void on_ready(std::uint32_t events) override {
    ++calls;
    if (then) then(events);
  }
  int calls = 0;
  std::function<void(std::uint32_t)> then;
};

struct Later final : Deferred {
  explicit Later(std::function<void()> action) : then(std::move(action)) {}
  void run_deferred() override { then(); }
  std::function<void()> then;
};

struct Hook final : SleepHook {
  bool may_sleep() noexcept override {
    log += 's';
    return allow;
  }
  void woke() override { log += 'w'; }
  void turn_ended() noexcept override { log += 'e'; }
  bool allow = true;
  std::string log;
};

class EventLoopTest : public ::testing::Test {
 protected:
  base::SystemClock clock;
  EventLoop loop{clock};
};

TEST_F(EventLoopTest, CallsTheWatcherOfAReadyDescriptor) {
  const Fd bell = *make_event_fd();
  Probe probe{[&](std::uint32_t events) {
    EXPECT_TRUE(events & readable);
    EXPECT_TRUE(take_rings(bell.raw()));
  }};
  ASSERT_TRUE(loop.add(bell.raw(), readable, probe));

  loop.run_once(Milliseconds{0});
  EXPECT_EQ(probe.calls, 0);
  ring(bell.raw());
  loop.run_once();
  EXPECT_EQ(probe.calls, 1);
  loop.run_once(Milliseconds{0});
  EXPECT_EQ(probe.calls, 1);
}

TEST_F(EventLoopTest, ReportsLevelEachTurnAndEdgeOnce) {
  const Fd level = *make_event_fd();
  const Fd edge = *make_event_fd();
  Probe level_probe;
  Probe edge_probe;
  ASSERT_TRUE(loop.add(level.raw(), readable, level_probe));
  ASSERT_TRUE(loop.add(edge.raw(), readable, edge_probe, Trigger::edge));
  ring(level.raw());
  ring(edge.raw());

  for (int i = 0; i < 3; ++i) loop.run_once(Milliseconds{0});
  EXPECT_EQ(level_probe.calls, 3);
  EXPECT_EQ(edge_probe.calls, 1);

  ASSERT_TRUE(loop.modify(edge.raw(), readable, edge_probe, Trigger::edge));
  loop.run_once(Milliseconds{0});
  EXPECT_EQ(edge_probe.calls, 2) << "modify re-arms";
}

TEST_F(EventLoopTest, NeverCallsAWatcherRemovedByAnotherOneOfTheSameBatch) {
  // Whichever is called first destroys the other.
  const Fd first_bell = *make_event_fd();
  const Fd second_bell = *make_event_fd();
  std::unique_ptr<Probe> first;
  std::unique_ptr<Probe> second;
  int calls = 0;
  first = std::make_unique<Probe>([&](std::uint32_t) {
    ++calls;
    loop.remove(second_bell.raw(), *second);
    second.reset();
  });
  second = std::make_unique<Probe>([&](std::uint32_t) {
    ++calls;
    loop.remove(first_bell.raw(), *first);
    first.reset();
  });
  ASSERT_TRUE(loop.add(first_bell.raw(), readable, *first));
  ASSERT_TRUE(loop.add(second_bell.raw(), readable, *second));
  ring(first_bell.raw());
  ring(second_bell.raw());

  loop.run_once();

  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ForgetsAWatcherWhoseDescriptorIsClosed) {
  Fd first_bell = *make_event_fd();
  Fd second_bell = *make_event_fd();
  int calls = 0;
  std::unique_ptr<Probe> first;
  std::unique_ptr<Probe> second;
  const auto close_both_sides = [&](Fd& bell, std::unique_ptr<Probe>& probe) {
    ++calls;
    bell.close();
    loop.forget(*probe);
    probe.reset();
  };
  first = std::make_unique<Probe>([&](std::uint32_t) { close_both_sides(second_bell, second); });
  second = std::make_unique<Probe>([&](std::uint32_t) { close_both_sides(first_bell, first); });
  ASSERT_TRUE(loop.add(first_bell.raw(), readable, *first));
  ASSERT_TRUE(loop.add(second_bell.raw(), readable, *second));
  ring(first_bell.raw());
  ring(second_bell.raw());

  loop.run_once();

  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, RunsDeferredCallsOnceAtTheEndOfTheTurn) {
  const Fd bell = *make_event_fd();
  std::string order;
  Later later{[&] { order += 'd'; }};
  Probe probe{[&](std::uint32_t) {
    order += 'r';
    loop.defer(later);
    loop.defer(later);
    take_rings(bell.raw());
  }};
  ASSERT_TRUE(loop.add(bell.raw(), readable, probe));
  ring(bell.raw());

  loop.run_once();
  loop.run_once(Milliseconds{0});

  EXPECT_EQ(order, "rd");
}

TEST_F(EventLoopTest, RunsWhatADeferredCallDefersInTheNextTurnWithoutSleeping) {
  int runs = 0;
  Later again{[&] {
    if (++runs < 3) loop.defer(again);
  }};
  loop.defer(again);

  loop.run_once();
  EXPECT_EQ(runs, 1);
  loop.run_once();  // would wait for ever if it slept
  loop.run_once();
  EXPECT_EQ(runs, 3);
}

TEST_F(EventLoopTest, DropsADeferredCallWhoseObjectIsDestroyed) {
  int runs = 0;
  auto victim = std::make_unique<Later>([&] { ++runs; });
  Later killer{[&] { victim.reset(); }};
  loop.defer(killer);
  loop.defer(*victim);

  loop.run_once();

  EXPECT_EQ(runs, 0);
}

struct StopAt final : TimerHandler {
  explicit StopAt(EventLoop& l) : loop(l) {}
  void on_timer(TimerId, std::uint64_t) override { loop.stop(); }
  EventLoop& loop;
};

TEST_F(EventLoopTest, WakesForADueTimerAndStops) {
  StopAt stopper{loop};
  const auto before = clock.now();
  (void)loop.timers().add(Milliseconds{15}, stopper, 0);

  loop.run();

  EXPECT_GE(clock.now() - before, Milliseconds{15});
  EXPECT_TRUE(loop.is_stopped());
}

TEST_F(EventLoopTest, AsksTheHookBeforeSleepingAndTellsItAfterEveryWait) {
  Hook hook;
  loop.set_sleep_hook(&hook);

  loop.run_once(Milliseconds{0});
  EXPECT_EQ(hook.log, "we") << "a poll needs no leave";
  hook.log.clear();
  hook.allow = false;
  loop.run_once();  // would wait for ever if the hook were not obeyed
  EXPECT_EQ(hook.log, "swe");
  hook.log.clear();
  hook.allow = true;
  loop.run_once(Milliseconds{1});
  EXPECT_EQ(hook.log, "swe");
}

TEST_F(EventLoopTest, RefusesADescriptorItWatchesAlready) {
  const Fd bell = *make_event_fd();
  Probe probe;
  ASSERT_TRUE(loop.add(bell.raw(), readable, probe));
  EXPECT_TRUE(loop.add(bell.raw(), readable, probe).is(Errc::exists));
  EXPECT_FALSE(loop.add(-1, readable, probe));
}

}  // namespace
}  // namespace sipwsd::os
