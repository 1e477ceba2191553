#include "shm/process_table.h"

#include "shm/counters.h"
#include "shm/switches.h"

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

TEST(ProcessSlot, TheWorkersComeFirstAndTheLastTwoHaveNoMailbox) {
  const Limits limits = small_limits();
  EXPECT_EQ(process_slot(w2), p2);
  EXPECT_EQ(worker_slot(p2, limits), w2);
  EXPECT_EQ(worker_slot(ProcessSlot{3}, limits), WorkerSlot::none);
  EXPECT_EQ(number(supervisor_slot(limits)), 5);
  EXPECT_EQ(number(reaper_slot(limits)), 6);
  EXPECT_EQ(process_rows(limits), 7);
}

TEST(ProcessTable, TellsTheLifeOfASlot) {
  SharedState shared = make_shared_state();
  ProcessTable& table = shared.processes;
  EXPECT_EQ(table.read(p1).state, ProcessState::empty);

  EXPECT_EQ(table.begin(p1, "worker 1", base::TimePoint{5s}, 1'700'000'000), 1u);
  table.set_pid(p1, 4711);
  EXPECT_EQ(table.state(p1), ProcessState::starting);
  table.mark_ready(p1);
  table.beat(p1, base::TimePoint{7s});

  const ProcessView view = table.read(p1);
  EXPECT_EQ(view.title, "worker 1");
  EXPECT_EQ(view.pid, 4711);
  EXPECT_EQ(view.generation, 1u);
  EXPECT_EQ(view.state, ProcessState::ready);
  EXPECT_EQ(view.started_unix, 1'700'000'000);
  EXPECT_EQ(table.since_heartbeat(p1, base::TimePoint{7250ms}), 250ms);
  EXPECT_EQ(table.read(p0).title, "");

  table.record_exit(p1, SIGKILL, 1'700'000'100, true);
  EXPECT_EQ(table.pid(p1), 0);
  EXPECT_EQ(table.begin(p1, "worker 1", base::TimePoint{8s}, 1'700'000'101), 2u);
  EXPECT_EQ(table.since_heartbeat(p1, base::TimePoint{8s}), 0ms) << "a new process gets its full time to start";
  EXPECT_EQ(table.read(p1).deaths, 1u);
}

TEST(ProcessTable, AProcessThatBecomesReadyLateDoesNotUndoADrain) {
  SharedState shared = make_shared_state();
  shared.processes.begin(p0, "worker 0", {}, 0);
  shared.processes.set_state(p0, ProcessState::draining);
  shared.processes.mark_ready(p0);
  EXPECT_EQ(shared.processes.state(p0), ProcessState::draining);
}

TEST(ProcessTable, RemembersTheLastEightExitsNewestFirst) {
  SharedState shared = make_shared_state();
  for (int i = 1; i <= 11; ++i) shared.processes.record_exit(p0, i, 1000 + i, i % 2 == 0);
  const ProcessView view = shared.processes.read(p0);
  EXPECT_EQ(view.deaths, 5u);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(view.exits[static_cast<std::size_t>(i)].unix_seconds, 1011 - i);
    EXPECT_EQ(view.exits[static_cast<std::size_t>(i)].wait_status, 11 - i);
  }
}

TEST(ProcessTable, CutsATitleThatIsTooLong) {
  SharedState shared = make_shared_state();
  shared.processes.begin(p0, std::string(100, 't'), {}, 0);
  EXPECT_EQ(shared.processes.read(p0).title, std::string(31, 't'));
}

TEST(Counters, SumsWhatEachProcessCounted) {
  SharedState shared = make_shared_state();
  OwnCounters zero = shared.counters.row(p0);
  zero.add(Counter::ws_received_frames, 5);
  EXPECT_TRUE(ended_well(in_child([&] { shared.counters.row(p1).add(Counter::ws_received_frames, 7); })));
  EXPECT_EQ(shared.counters.sum(Counter::ws_received_frames), 12u);
  EXPECT_EQ(shared.counters.of(p1, Counter::ws_received_frames), 7u);
  EXPECT_EQ(shared.counters.sum(Counter::ws_transmitted_frames), 0u);
}

TEST(Counters, ARowBelongsToTheSlotAndOutlivesItsProcess) {
  SharedState shared = make_shared_state();
  const auto count_once = [&] { shared.counters.row(p1).add(Counter::closed_events); };
  for (int generation = 0; generation < 3; ++generation) EXPECT_TRUE(ended_well(in_child(count_once)));
  EXPECT_EQ(shared.value(Counter::closed_events), 3u);
}

TEST(Counters, ResetBeginsAtZeroWithoutTouchingTheRowsOfOthers) {
  SharedState shared = make_shared_state();
  shared.counters.row(p1).add(Counter::rcv_requests, 10);
  shared.counters.reset(Counter::rcv_requests);
  EXPECT_EQ(shared.counters.sum(Counter::rcv_requests), 0u);
  shared.counters.row(p1).add(Counter::rcv_requests, 2);
  EXPECT_EQ(shared.counters.sum(Counter::rcv_requests), 2u);
  EXPECT_EQ(shared.counters.of(p1, Counter::rcv_requests), 12u);
}

TEST(Counters, ADeadProcessHasNothingNow) {
  SharedState shared = make_shared_state();
  OwnCounters counters = shared.counters.row(p1);
  counters.set(Counter::tcp_current_write_queue_size, 4000);
  counters.add(Counter::ws_failed_connections);
  shared.counters.row(p0).set(Counter::tcp_current_write_queue_size, 5);
  EXPECT_EQ(shared.value(Counter::tcp_current_write_queue_size), 4005u);
  shared.counters.forget_gauges(p1);
  EXPECT_EQ(shared.value(Counter::tcp_current_write_queue_size), 5u);
  EXPECT_EQ(shared.value(Counter::ws_failed_connections), 1u);
}

TEST(Counters, HaveThe25StatisticsOfTheModuleInItsOrder) {
  std::vector<std::string_view> websocket;
  for (const CounterRow& row : counter_table)
    if (row.group == "websocket") websocket.push_back(row.name);
  EXPECT_EQ(websocket.size(), 25u);
  EXPECT_EQ(websocket.front(), "ws_current_connections");
  EXPECT_EQ(websocket.back(), "ws_msrp_successful_handshakes");
}

TEST(Counters, AreFoundByNameAndNamedOnceInAGroup) {
  EXPECT_EQ(find_counter("bad_URIs_rcvd"), Counter::bad_URIs_rcvd);
  EXPECT_EQ(find_counter("location-users"), Counter::usrloc_location_users);
  EXPECT_EQ(find_counter("nonsense"), std::nullopt);
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const CounterRow& row : counter_table) EXPECT_TRUE(names.emplace(row.group, row.name).second) << row.name;
}

TEST(Counters, CountIntoNothingWithoutARow) {
  OwnCounters nowhere;
  nowhere.add(Counter::rcv_requests);
  nowhere.set(Counter::tmx_inuse_transactions, 3);
}

TEST(Counters, EveryLiveStatisticHasASource) {
  SharedState shared = make_shared_state();
  // A live row without its case in SharedState::value() would show what somebody counted by mistake.
  for (const CounterRow& row : counter_table) {
    if (row.kind != CounterKind::live) continue;
    shared.counters.row(p0).set(row.counter, 987654321);
    EXPECT_NE(shared.value(row.counter), 987654321u) << row.name;
  }
}

TEST(Switches, AreSeenByAllProcessesAtOnce) {
  SharedState shared = make_shared_state();
  EXPECT_TRUE(shared.switches->ws_enabled());
  EXPECT_EQ(shared.switches->drain(), DrainLevel::none);
  EXPECT_EQ(shared.switches->log_level(), 3);
  EXPECT_TRUE(ended_well(in_child([&] {
    shared.switches->set_ws_enabled(false);
    shared.switches->set_drain(DrainLevel::leaving);
    shared.switches->set_log_level(5);
    shared.switches->set_keepalive_timeout(30);
  })));
  EXPECT_FALSE(shared.switches->ws_enabled());
  EXPECT_EQ(shared.switches->drain(), DrainLevel::leaving);
  EXPECT_EQ(shared.switches->log_level(), 5);
  EXPECT_EQ(shared.switches->keepalive_timeout(), 30u);
}

}  // namespace
}  // namespace sipwsd::shm
