// A process is killed at every numbered point of every critical section, one at a time, in a fresh segment. Afterwards
// the others must find what the point promises, and the reaper must leave no record, block or place behind.

#include "shm/kill_point.h"
#include "shm/reap.h"

#include "src/base/random.h"

#include "tests/shm/shared_world.h"

#include <cstring>
#include <functional>
#include <random>

namespace sipwsd::shm {
namespace {

using Names = std::set<std::string>;

constexpr ProcessSlot victim = p1;
constexpr Flow lasting{ConnectionId{1}, w0};
constexpr Flow doomed{ConnectionId{65}, w1};
constexpr std::string_view alice = "alice@example.org";
constexpr std::string_view bob = "bob@example.org";

// Worker 0 lives, worker 1 will die. Both have connections in the same stripes (ids equal modulo 64).
struct World {
  World() {
    for (std::uint32_t id = 1; id <= 8; ++id) EXPECT_TRUE(shared.connections.insert(connection(id, w0)));
    for (const std::uint32_t id : {65u, 129u, 66u}) EXPECT_TRUE(shared.connections.insert(connection(id, w1)));
    EXPECT_TRUE(commit(shared.bindings, alice, {added(binding("a1", lasting)), added(binding("a2", doomed))}));
    EXPECT_TRUE(commit(shared.bindings, bob, {added(binding("b1", doomed, 500)), added(binding("b2", lasting))}));
  }
  std::uint64_t serial_of(std::string_view aor, std::string_view contact) const {
    BindingSnapshot now;
    shared.bindings.snapshot(aor, now);
    for (const Binding& b : now)
      if (b.contact == contact) return b.serial;
    return 0;
  }

  SharedState shared = make_shared_state();
  EventFds fds{shared.mailboxes};
};

// Kills a child at the point while it does `act`. False when it was never passed.
bool dies_at(KillPoint point, const std::function<void()>& act) {
  return was_killed(in_child([&] {
    arm_kill_point(point);
    act();
  }));
}

// --- what must hold in any case ------------------------------------------------------------------------------------------

void expect_sound_connections(SharedState& shared, std::uint32_t living) {
  ConnectionTable& table = shared.connections;
  std::vector<ConnectionRecord> all;
  for (std::uint32_t s = 0; s < ConnectionTable::stripes(); ++s) table.copy_stripe(s, all);
  std::set<std::uint32_t> ids;
  for (const ConnectionRecord& r : all) {
    EXPECT_TRUE(ids.insert(number(r.id())).second) << "twice in the chains";
    EXPECT_EQ(r.owner(), w0);
    EXPECT_EQ(r.remote, endpoint(number(r.id()), 5060));
    EXPECT_TRUE(table.find(r.id()));
  }
  EXPECT_EQ(all.size(), living);
  EXPECT_EQ(table.live().all, living);

  // No place is lost, and none is given twice.
  const std::uint32_t free = table.capacity() - living;
  for (std::uint32_t i = 0; i < free; ++i) ASSERT_TRUE(table.insert(connection(1000 + i, w0))) << i << " of " << free;
  EXPECT_TRUE(table.insert(connection(900, w0)).is(Errc::full));
  for (const std::uint32_t id : ids) EXPECT_TRUE(table.find(ConnectionId{id}));
}

void expect_sound_bindings(SharedState& shared) {
  BindingTable& table = shared.bindings;
  Names all;
  BindingSnapshot copy;
  std::set<std::string> users;
  for (std::uint32_t s = 0; s < BindingTable::stripes(); ++s) {
    table.copy_stripe(s, copy);
    for (const Binding& b : copy) {
      EXPECT_TRUE(all.emplace(b.contact).second) << "twice in the chains";
      EXPECT_EQ(b.user_agent, "phone/1");
      users.emplace(b.aor);
    }
  }
  EXPECT_EQ(table.contacts(), all.size());
  EXPECT_EQ(table.users(), users.size());
  EXPECT_EQ(table.blocks_in_use(), all.size());

  const std::size_t free = table.capacity() - all.size();
  for (std::size_t i = 0; i < free; ++i)
    ASSERT_TRUE(commit(table, "u" + std::to_string(i), {added(binding("new"))})) << i << " of " << free;
  EXPECT_TRUE(commit(table, "one more", {added(binding("new"))}).is(Errc::full));
}

void reap_and_adopt(SharedState& shared, ProcessSlot dead, WorkerSlot adopter) {
  reap(shared, dead, adopter, FlowLoss::remove);
  std::array<ConnectionRecord, 4> batch;
  while (shared.connections.take_lost(adopter, batch) != 0) {
  }
}

// --- one row per action: the points it passes, what the victim does, what the others must find before the reaper ran -------

struct Scenario {
  const char* name;
  std::vector<KillPoint> points;
  std::function<void(World&)> act;
  std::function<void(World&, KillPoint)> then = [](World&, KillPoint) {};
};

std::vector<KillPoint> from_to(KillPoint first, KillPoint last) {
  std::vector<KillPoint> points;
  for (int p = static_cast<int>(first); p <= static_cast<int>(last); ++p) points.push_back(static_cast<KillPoint>(p));
  return points;
}

std::vector<KillPoint> commit_points() {
  auto points = from_to(KillPoint::commit_entry_claimed, KillPoint::commit_block_released);
  points.push_back(KillPoint::block_reserved);
  points.push_back(KillPoint::block_freed);
  return points;
}

// Takes the lock of every stripe; whoever enters after the dead one repairs.
void enter_every_stripe(SharedState& shared) {
  std::vector<ConnectionRecord> records;
  BindingSnapshot bindings;
  for (std::uint32_t s = 0; s < stripe_count; ++s) {
    shared.connections.copy_stripe(s, records);
    shared.bindings.copy_stripe(s, bindings);
  }
}

void commit_a_mixed_change(World& world, ProcessSlot self) {
  static_cast<void>(commit(world.shared.bindings, alice,
                           {replaced(world.serial_of(alice, "a1"), binding("a1new", lasting)),
                            removed(world.serial_of(alice, "a2")), added(binding("a3", lasting))},
                           self));
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"insert", from_to(KillPoint::insert_claimed, KillPoint::insert_counted),
       [](World& w) { static_cast<void>(w.shared.connections.insert(connection(193, w1))); },
       [](World& w, KillPoint point) {
         // Its neighbours in the stripe are found before any reaper came.
         EXPECT_TRUE(w.shared.connections.find(ConnectionId{1}));
         EXPECT_TRUE(w.shared.connections.find(ConnectionId{129}));
         EXPECT_EQ(w.shared.connections.contains(ConnectionId{193}), point >= KillPoint::insert_is_truth);
       }},
      {"set_state", {KillPoint::state_locked, KillPoint::state_changed},
       [](World& w) {
         static_cast<void>(w.shared.connections.set_state(ConnectionId{65}, w1, ConnectionState::closing));
       },
       [](World& w, KillPoint point) {
         EXPECT_EQ(w.shared.connections.find(ConnectionId{65})->state(),
                   point == KillPoint::state_changed ? ConnectionState::closing : ConnectionState::connecting);
       }},
      {"upgrade", from_to(KillPoint::upgrade_uncounted, KillPoint::upgrade_changed),
       [](World& w) {
         static_cast<void>(
             w.shared.connections.upgrade(ConnectionId{65}, w1, TransportProtocol::wss, SubProtocol::sip));
       },
       [](World& w, KillPoint) {
         ASSERT_TRUE(w.shared.connections.find(ConnectionId{1}));
         EXPECT_EQ(w.shared.connections.live().all, 11u) << "counted again by the repair";
       }},
      {"retire", from_to(KillPoint::retire_locked, KillPoint::retire_unmarked),
       [](World& w) { static_cast<void>(w.shared.connections.retire(ConnectionId{65}, w1)); },
       [](World& w, KillPoint point) {
         EXPECT_EQ(w.shared.connections.contains(ConnectionId{65}), point < KillPoint::retire_freed);
         EXPECT_TRUE(w.shared.connections.find(ConnectionId{129}));
       }},
      {"the reaper marks connections lost", from_to(KillPoint::lost_locked, KillPoint::lost_counted),
       [](World& w) { w.shared.connections.mark_lost(w1, w0); },
       [](World& w, KillPoint) { EXPECT_TRUE(w.shared.connections.find(ConnectionId{1})); }},
      {"find", {KillPoint::find_locked},
       [](World& w) { static_cast<void>(w.shared.connections.find(ConnectionId{1})); },
       [](World& w, KillPoint) { EXPECT_TRUE(w.shared.connections.find(ConnectionId{1})); }},
      {"copy_stripe", {KillPoint::copy_locked},
       [](World& w) {
         std::vector<ConnectionRecord> out;
         w.shared.connections.copy_stripe(1, out);
       },
       [](World& w, KillPoint) { EXPECT_TRUE(w.shared.connections.find(ConnectionId{1})); }},
      {"the taker that repairs after an insert dies too", from_to(KillPoint::rebuild_cleared, KillPoint::rebuild_done),
       [](World& w) {
         if (!was_killed(in_child([&] {
               arm_kill_point(KillPoint::insert_linked);
               static_cast<void>(w.shared.connections.insert(connection(193, w1)));
             })))
           ::_exit(2);
         enter_every_stripe(w.shared);
       },
       [](World& w, KillPoint) {
         for (const std::uint32_t id : {1u, 65u, 129u, 193u}) EXPECT_TRUE(w.shared.connections.find(ConnectionId{id}));
       }},
      {"commit of one change to three bindings", commit_points(),
       [](World& w) { commit_a_mixed_change(w, victim); },
       [](World& w, KillPoint point) {
         // All or nothing, decided by the moment the note is complete.
         const bool is_done = point >= KillPoint::commit_noted || point == KillPoint::block_freed;
         EXPECT_EQ(contacts_of(w.shared.bindings, alice), is_done ? (Names{"a1new", "a3"}) : (Names{"a1", "a2"}));
         EXPECT_EQ(contacts_of(w.shared.bindings, bob), (Names{"b1", "b2"}));
       }},
      {"the taker that completes a dead one's change dies too",
       from_to(KillPoint::repair_carried_out, KillPoint::repair_done),
       [](World& w) {
         if (!was_killed(in_child([&] {
               arm_kill_point(KillPoint::commit_noted);
               commit_a_mixed_change(w, victim);
             })))
           ::_exit(2);
         enter_every_stripe(w.shared);
       },
       [](World& w, KillPoint) { EXPECT_EQ(contacts_of(w.shared.bindings, alice), (Names{"a1new", "a3"})); }},
      {"drop_flow, removing", {KillPoint::drop_locked},
       [](World& w) { w.shared.bindings.drop_flow(victim, alice, doomed, FlowLoss::remove); },
       [](World& w, KillPoint) { EXPECT_EQ(contacts_of(w.shared.bindings, alice), (Names{"a1", "a2"})); }},
      {"drop_flow, suspending", {KillPoint::drop_suspended},
       [](World& w) { w.shared.bindings.drop_flow(victim, alice, doomed, FlowLoss::suspend(100)); },
       [](World& w, KillPoint) {
         BindingSnapshot now;
         w.shared.bindings.lookup(alice, 0, now);
         ASSERT_EQ(now.size(), 1u);
         EXPECT_EQ(now[0].contact, "a1");
       }},
      {"expire", {KillPoint::drop_noted},
       [](World& w) {
         std::uint32_t cursor = 0;
         BindingSnapshot expired;
         w.shared.bindings.expire(victim, 500, cursor, 1000, expired);
       },
       [](World& w, KillPoint) {
         BindingSnapshot now;
         w.shared.bindings.lookup(bob, 500, now);
         ASSERT_EQ(now.size(), 1u);
         EXPECT_EQ(now[0].contact, "b2");
       }},
      {"nonce use", {KillPoint::nonce_half_written, KillPoint::nonce_written},
       [](World& w) { static_cast<void>(w.shared.nonces.use("n", 1, 300, 0)); },
       [](World& w, KillPoint) {
         EXPECT_NE(w.shared.nonces.use("n", 1, 300, 0), NonceUse::accepted) << "it may have been used";
         EXPECT_EQ(w.shared.nonces.use("later", 1, 301, 0), NonceUse::accepted);
       }},
      {"a strike", {KillPoint::strike_half_written, KillPoint::strike_written},
       [](World& w) { w.shared.bans.strike(endpoint(9, 1), BanReason::ping_flood, 1, 0, {}); },
       [](World& w, KillPoint point) {
         EXPECT_EQ(w.shared.bans.strike(endpoint(9, 1), BanReason::ping_flood, 1, 1, {}).strikes,
                   point == KillPoint::strike_written ? 2u : 1u);
       }},
      {"the strike that is a ban", {KillPoint::ban_half_written},
       [](World& w) { w.shared.bans.strike(endpoint(9, 1), BanReason::ping_flood, 10, 0, {}); },
       [](World& w, KillPoint) {
         EXPECT_FALSE(w.shared.bans.is_banned(endpoint(9, 1), 1));
         EXPECT_TRUE(w.shared.bans.strike(endpoint(9, 1), BanReason::ping_flood, 1, 1, {}).banned) << "by the next one";
       }},
      {"a ban", {KillPoint::ban_unnamed},
       [](World& w) { w.shared.bans.ban({endpoint(9, 1), BanReason::by_operator, 0, 0, 900}); },
       [](World& w, KillPoint) {
         EXPECT_FALSE(w.shared.bans.is_banned(endpoint(9, 1), 1)) << "all or nothing";
         EXPECT_TRUE(w.shared.bans.bans(1).empty());
         w.shared.bans.ban({endpoint(9, 1), BanReason::by_operator, 0, 0, 900});
         EXPECT_TRUE(w.shared.bans.is_banned(endpoint(9, 1), 1));
       }},
      {"an arrival", {KillPoint::address_unnamed, KillPoint::address_named, KillPoint::address_counted},
       [](World& w) { w.shared.addresses.arrive(endpoint(9, 1), w1, base::TimePoint{}, {}); },
       [](World& w, KillPoint point) {
         EXPECT_EQ(w.shared.addresses.connections(endpoint(9, 1)), point == KillPoint::address_counted ? 1u : 0u);
         EXPECT_EQ(w.shared.addresses.arrive(endpoint(9, 2), w0, base::TimePoint{}, {}).outcome,
                   AddressTable::Outcome::counted);
         reap(w.shared, victim, w0, FlowLoss::remove);
         EXPECT_EQ(w.shared.addresses.connections(endpoint(9, 1)), 1u) << "of the one who lives";
       }},
      {"a new ticket key", {KillPoint::ticket_key_written},
       [](World& w) {
         base::SystemRandom random;
         w.shared.ticket_keys.rotate(4'000'000'000, random);
       },
       [](World& w, KillPoint) {
         EXPECT_LT(w.shared.ticket_keys.read().current.created, 4'000'000'000) << "was never shown";
         base::SystemRandom random;
         w.shared.ticket_keys.rotate(4'000'000'001, random);
         EXPECT_EQ(w.shared.ticket_keys.read().current.created, 4'000'000'001);
       }},
  };
  return all;
}

TEST(Death, LeavesTablesSoundWhereverItStrikes) {
  for (const Scenario& scenario : scenarios())
    for (const KillPoint point : scenario.points) {
      SCOPED_TRACE(std::string(scenario.name) + ", killed at point " + std::to_string(static_cast<int>(point)));
      World world;
      ASSERT_TRUE(dies_at(point, [&] { scenario.act(world); })) << "the point was not passed";
      scenario.then(world, point);
      reap_and_adopt(world.shared, victim, w0);
      EXPECT_FALSE(world.shared.connections.has_lost());
      EXPECT_FALSE(world.shared.connections.contains(ConnectionId{65}));
      expect_sound_connections(world.shared, 8);
      expect_sound_bindings(world.shared);
      if (HasFatalFailure()) return;
    }
}

TEST(Death, LeavesTablesSoundAlsoWhenNobodyEntersBetweenItAndTheReaper) {
  for (const Scenario& scenario : scenarios())
    for (const KillPoint point : scenario.points) {
      SCOPED_TRACE(std::string(scenario.name) + ", killed at point " + std::to_string(static_cast<int>(point)));
      World world;
      ASSERT_TRUE(dies_at(point, [&] { scenario.act(world); }));
      reap_and_adopt(world.shared, victim, w0);
      expect_sound_connections(world.shared, 8);
      expect_sound_bindings(world.shared);
      if (HasFatalFailure()) return;
    }
}

TEST(Death, OfTheReaperAtAnyPointOnlyMeansToRunItAgain) {
  std::vector<KillPoint> points = from_to(KillPoint::lost_locked, KillPoint::lost_counted);
  for (const KillPoint p : {KillPoint::drop_locked, KillPoint::drop_noted, KillPoint::commit_half_noted,
                            KillPoint::commit_noted, KillPoint::commit_removed, KillPoint::commit_linked,
                            KillPoint::commit_done, KillPoint::block_freed, KillPoint::commit_block_released,
                            KillPoint::wake_decided, KillPoint::wake_written})
    points.push_back(p);
  for (const KillPoint point : points) {
    SCOPED_TRACE("killed at point " + std::to_string(static_cast<int>(point)));
    World world;
    ASSERT_TRUE(dies_at(point, [&] { reap(world.shared, victim, w0, FlowLoss::remove); }));
    reap_and_adopt(world.shared, victim, w0);
    EXPECT_EQ(contacts_of(world.shared.bindings, alice), Names{"a1"});
    expect_sound_connections(world.shared, 8);
    expect_sound_bindings(world.shared);
  }
}

TEST(Death, OfAnAdopterLosesNoRecordAndGivesNoneTwice) {
  for (const KillPoint point : from_to(KillPoint::take_locked, KillPoint::take_freed)) {
    SCOPED_TRACE("killed at point " + std::to_string(static_cast<int>(point)));
    World world;
    reap(world.shared, victim, w2, FlowLoss::remove);
    ASSERT_TRUE(dies_at(point, [&] {
      std::array<ConnectionRecord, 1> one;
      static_cast<void>(world.shared.connections.take_lost(w2, one));
    }));
    reap(world.shared, p2, w0, FlowLoss::remove);
    std::array<ConnectionRecord, 8> rest;
    const std::size_t left = world.shared.connections.take_lost(w0, rest);
    // Once its record was free the dead one had it; before that, it was still in the table.
    EXPECT_EQ(left, point == KillPoint::take_freed ? 2u : 3u);
    EXPECT_FALSE(world.shared.connections.has_lost());
    expect_sound_connections(world.shared, 8);
  }
}

// --- rings ---------------------------------------------------------------------------------------------------------------

Result<void> post(LetterRing& ring, std::uint32_t number, std::size_t size = 1000) {
  const auto room = ring.reserve(size);
  if (!room) return room.error();
  std::memcpy(room->data(), &number, sizeof number);
  ring.publish();
  return {};
}
std::vector<std::uint32_t> take_all(LetterRing& ring) {
  std::vector<std::uint32_t> numbers;
  while (const auto letter = ring.take()) {
    std::uint32_t number = 0;
    std::memcpy(&number, letter->data(), sizeof number);
    numbers.push_back(number);
  }
  return numbers;
}

TEST(Death, OfAProducerInTheMiddleOfALetterLeavesNothingVisible) {
  for (const KillPoint point : {KillPoint::ring_wrapped, KillPoint::ring_written, KillPoint::ring_published})
    for (std::uint32_t before = 0; before < 7; ++before) {  // from some place on the letter begins at the start again
      SCOPED_TRACE("killed at point " + std::to_string(static_cast<int>(point)) + " after " + std::to_string(before));
      World world;
      LetterRing mine = world.shared.mailboxes.ring(p1, p0);
      for (std::uint32_t i = 0; i < before; ++i) {
        ASSERT_TRUE(post(mine, i));
        ASSERT_EQ(take_all(mine), std::vector{i});
      }
      ASSERT_TRUE(dies_at(point, [&] {
        LetterRing ring = world.shared.mailboxes.ring(p1, p0);
        static_cast<void>(post(ring, 100));
      }));
      LetterRing replacement = world.shared.mailboxes.ring(p1, p0);
      ASSERT_TRUE(post(replacement, 101));
      LetterRing consumer = world.shared.mailboxes.ring(p1, p0);
      EXPECT_EQ(take_all(consumer), point == KillPoint::ring_published ? (std::vector<std::uint32_t>{100, 101})
                                                                       : (std::vector<std::uint32_t>{101}));
    }
}

TEST(Death, OfAConsumerCostsAtMostTheLetterItHadTaken) {
  for (const KillPoint point : {KillPoint::ring_taken, KillPoint::ring_released}) {
    World world;
    LetterRing producer = world.shared.mailboxes.ring(p0, p1);
    for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(post(producer, i));
    ASSERT_TRUE(dies_at(point, [&] {
      LetterRing ring = world.shared.mailboxes.ring(p0, p1);
      take_all(ring);
    }));
    LetterRing replacement = world.shared.mailboxes.ring(p0, p1);
    replacement.resume();
    EXPECT_EQ(take_all(replacement), (std::vector<std::uint32_t>{1, 2}));
    // Nor is the room of the taken letter lost.
    for (std::uint32_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(post(producer, i));
      ASSERT_EQ(take_all(replacement), std::vector{i});
    }
  }
}

TEST(Death, OfAWakerIsMadeGoodByTheReaper) {
  for (const KillPoint point : {KillPoint::wake_decided, KillPoint::wake_written}) {
    World world;
    MailboxSet& set = world.shared.mailboxes;
    Bell bell(set.event_fd(p0));
    ASSERT_TRUE(set.fall_asleep(p0));
    ASSERT_TRUE(dies_at(point, [&] {
      LetterRing ring = set.ring(p1, p0);
      static_cast<void>(post(ring, 1));
      set.wake_if_asleep(p0);
    }));
    EXPECT_EQ(bell.rings(), point == KillPoint::wake_written);
    reap(world.shared, victim, w0, FlowLoss::remove);
    EXPECT_TRUE(bell.rings());
    set.wake_up(p0);
    EXPECT_FALSE(set.is_asleep(p0));
    EXPECT_TRUE(set.has_letters(p0));
  }
}

TEST(Death, HasBeenTriedAtEveryPoint) {
  std::set<KillPoint> tried;
  for (const Scenario& scenario : scenarios()) tried.insert(scenario.points.begin(), scenario.points.end());
  for (const KillPoint p : from_to(KillPoint::take_locked, KillPoint::take_freed)) tried.insert(p);
  for (const KillPoint p : from_to(KillPoint::ring_wrapped, KillPoint::wake_written)) tried.insert(p);
  for (int p = 1; p < static_cast<int>(KillPoint::count); ++p)
    EXPECT_TRUE(tried.contains(static_cast<KillPoint>(p))) << "point " << p << " has no row";
}

// --- and at random moments, while all of them work ---------------------------------------------------------------------------

void work_until_killed(SharedState& shared, std::uint16_t slot, unsigned seed) {
  std::minstd_rand random(seed);
  OwnCounters counters = shared.counters.row(ProcessSlot{slot});
  const WorkerSlot self{slot};
  std::vector<std::uint32_t> mine;
  std::array<ConnectionRecord, 4> lost;
  BindingSnapshot now;
  for (;;) {
    counters.add(Counter::rcv_requests);
    const std::string aor = "u" + std::to_string(random() % 8);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        if (mine.size() < 60) {
          const std::uint32_t id = number(shared.ids.next());
          if (shared.connections.insert(connection(id, self))) {
            mine.push_back(id);
            static_cast<void>(
                shared.connections.upgrade(ConnectionId{id}, self, TransportProtocol::ws, SubProtocol::sip));
          }
        }
        break;
      case 3:
        if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          if (!shared.connections.retire(ConnectionId{mine.back()}, self)) ::_exit(3);
          shared.bindings.drop_flow(ProcessSlot{slot}, Flow{ConnectionId{mine.back()}, self}, FlowLoss::remove);
          mine.pop_back();
        }
        break;
      case 4:
        for (const std::uint32_t id : mine)
          if (!shared.connections.find(ConnectionId{id})) ::_exit(4);
        break;
      case 5: counters.add(Counter::closed_events, shared.connections.take_lost(self, lost)); break;
      default: {
        if (mine.empty()) break;
        shared.bindings.snapshot(aor, now);
        std::vector<BindingChange> changes;
        for (const Binding& b : now) {
          if (b.aor != aor || b.user_agent != "phone/1") ::_exit(5);
          if (random() % 2 == 0) changes.push_back(removed(b.serial));
        }
        const Flow flow{ConnectionId{mine[random() % mine.size()]}, self};
        const std::string contact = "sip:" + std::to_string(number(flow.connection));
        if (now.size() < 4) changes.push_back(added(binding(contact, flow)));
        static_cast<void>(shared.bindings.commit(ProcessSlot{slot}, aor, now.version(), changes));
      }
    }
  }
}

TEST(Death, AtRandomMomentsOfThreeBusyWorkersLosesNothing) {
  SharedState shared = make_shared_state();
  std::minstd_rand random(1);
  std::array<pid_t, 3> workers{};
  const auto start = [&](std::uint16_t slot) {
    const auto seed = static_cast<unsigned>(random());
    workers[slot] = start_child([&shared, slot, seed] { work_until_killed(shared, slot, seed); });
  };
  for (std::uint16_t slot = 0; slot < 3; ++slot) start(slot);

  std::uint64_t lost = 0;
  for (int death = 0; death < 40; ++death) {
    const auto slot = static_cast<std::uint16_t>(random() % 3);
    const ProcessSlot dead{slot};
    const std::uint64_t enough = shared.counters.of(dead, Counter::rcv_requests) + 1 + random() % 300;
    while (shared.counters.of(dead, Counter::rcv_requests) < enough) {
      int status = 0;
      ASSERT_EQ(::waitpid(workers[slot], &status, WNOHANG), 0)
          << "the worker found something wrong: " << WEXITSTATUS(status);
      ::sched_yield();
    }
    ::kill(workers[slot], SIGKILL);
    ASSERT_TRUE(was_killed(wait_for(workers[slot])));
    lost += reap(shared, dead, WorkerSlot{slot}, FlowLoss::remove).connections_lost;
    start(slot);
  }
  for (const pid_t worker : workers) {
    ::kill(worker, SIGKILL);
    EXPECT_TRUE(was_killed(wait_for(worker)));
  }
  for (std::uint16_t slot = 0; slot < 3; ++slot)
    lost += reap(shared, ProcessSlot{slot}, w0, FlowLoss::remove).connections_lost;

  std::array<ConnectionRecord, 16> batch;
  std::uint64_t adopted = shared.value(Counter::closed_events);
  while (const std::size_t n = shared.connections.take_lost(w0, batch)) adopted += n;
  EXPECT_GT(lost, 40u);
  // An adopter may have been killed between taking a batch of up to four and counting it.
  EXPECT_LE(adopted, lost);
  EXPECT_GE(adopted + 4 * 43, lost);
  EXPECT_EQ(shared.connections.live().all, 0u);
  EXPECT_EQ(shared.connections.live().sip, 0u);
  EXPECT_EQ(shared.bindings.contacts(), 0u);
  EXPECT_EQ(shared.bindings.users(), 0u);
  expect_sound_connections(shared, 0);
  expect_sound_bindings(shared);
}

}  // namespace
}  // namespace sipwsd::shm
