#include "src/location/mirror_database.h"

#include <deque>
#include <filesystem>
#include <fstream>

#include "tests/location/location_fixture.h"

namespace sipwsd::location {
namespace {

using Strings = std::vector<std::string>;
constexpr shm::ProcessSlot self{0};

Endpoint udp(std::uint8_t last, std::uint16_t port) {
  Endpoint e;
  e.family = AddressFamily::ipv4;
  e.protocol = TransportProtocol::udp;
  e.address = {192, 0, 2, last};
  e.port = port;
  return e;
}

class MirrorDatabaseTest : public LocationTest {
 protected:
  MirrorDatabaseTest() {
    char pattern[] = "/tmp/sipwsd-mirror-XXXXXX";
    folder = mkdtemp(pattern);
    path = folder + "/location.db";
  }
  ~MirrorDatabaseTest() override { std::filesystem::remove_all(folder); }

  MirrorDatabase open() {
    auto opened = MirrorDatabase::open(path);
    EXPECT_TRUE(opened) << opened.error().why;
    return *std::move(opened);
  }
  void store(const Strings& aors, std::int64_t round = 1) {
    auto database = open();
    const auto stored = database.store(aors, segment->bindings, moment_of(clock), round);
    EXPECT_TRUE(stored) << stored.error().why;
  }
  // What a new daemon finds, `later` seconds after.
  MirrorDatabase::Restored restore(test::PrivateSegment& into, int later = 0, int grace = 30) {
    // Another boot: the monotonic clock has begun anew.
    const Moment now{500, clock.unix_seconds() + later};
    const Endpoint ours[] = {udp(1, 5060)};
    const auto loss = grace == 0 ? shm::FlowLoss::remove : shm::FlowLoss::suspend(now.monotonic + grace);
    const auto restored = open().restore(into->bindings, self, now, loss, ours);
    EXPECT_TRUE(restored) << restored.error().why;
    return *restored;
  }
  // Good until the test ends.
  std::vector<shm::Binding> all(test::PrivateSegment& of, std::string_view aor) {
    auto& snapshot = snapshots.emplace_back();
    of->bindings.snapshot(aor, snapshot);
    return {snapshot.begin(), snapshot.end()};
  }
  static Arrival datagram(Endpoint local = udp(1, 5060)) {
    return {.flow = {}, .remote = udp(9, 40'000), .local = local, .sub_protocol = SubProtocol::sip, .client = {}};
  }

  std::string folder, path;
  std::deque<shm::BindingSnapshot> snapshots;
};

TEST_F(MirrorDatabaseTest, BringsBackABindingToAnAddressAsItWas) {
  settings.max_expires = std::chrono::seconds{7200};
  ask_from({.lines = {"Path: <sip:p1;lr>", "User-Agent: phone/1",
                      "Contact: <sip:a@10.0.0.5:5062>;q=0.25;+sip.instance=\"<urn:uuid:1>\";reg-id=2;x=\"it's; a\";expires=7200"},
            .cseq = 2'000'000'000},
           datagram());
  store({"alice@example.org"});
  test::PrivateSegment again;

  const auto restored = restore(again, 100);

  EXPECT_EQ(restored.active, 1u);
  EXPECT_EQ(restored.suspended + restored.lost, 0u);
  const auto before = all(segment, "alice@example.org");
  ASSERT_EQ(before.size(), 1u);
  const auto after = all(again, "alice@example.org");
  ASSERT_EQ(after.size(), 1u);
  const shm::Binding& b = after[0];
  const shm::Binding& was = before[0];
  EXPECT_EQ(b.contact, "sip:a@10.0.0.5:5062");
  EXPECT_EQ(b.parameters, was.parameters);
  EXPECT_EQ(b.instance, "urn:uuid:1");
  EXPECT_EQ(b.call_id, "call-1");
  EXPECT_EQ(b.received, "sip:192.0.2.9:40000");
  EXPECT_EQ(b.path, "<sip:p1;lr>");
  EXPECT_EQ(b.user_agent, "phone/1");
  EXPECT_EQ(b.reg_id, 2u);
  EXPECT_EQ(b.cseq, 2'000'000'000u);
  EXPECT_EQ(b.q, 250);
  EXPECT_EQ(b.to, was.to);
  EXPECT_EQ(b.state, shm::BindingState::active);
  EXPECT_EQ(b.expires_at, 500 + 7100) << "in the time of the new boot";
  EXPECT_EQ(b.updated_at, 500 - 100);
}

TEST_F(MirrorDatabaseTest, BringsBackWhatLedAlongAConnectionSuspendedForAsLongAsTheGraceIs) {
  ask({.lines = {"Contact: <sip:a@x.invalid;transport=ws>"}});
  ask({.lines = {"Contact: <sip:b@x.invalid;transport=ws>"}, .to = "<sip:bob@example.org>"});
  segment->bindings.drop_flow(self, "bob@example.org", flow, shm::FlowLoss::suspend(now + 30));
  store({"alice@example.org", "bob@example.org"});
  test::PrivateSegment again, none;

  EXPECT_EQ(restore(again).suspended, 2u);
  for (const char* aor : {"alice@example.org", "bob@example.org"}) {
    const auto found = all(again, aor);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].state, shm::BindingState::suspended);
    EXPECT_EQ(found[0].suspended_until, 530);
    EXPECT_FALSE(found[0].to.is_flow());
  }
  restore(none, 0, 0);
  EXPECT_EQ(none->bindings.contacts(), 0u) << "without a grace nobody is expected";
}

TEST_F(MirrorDatabaseTest, LeavesByAnySocketWhenTheOneItCameInOnIsNoMore) {
  ask_from({.lines = {"Contact: <sip:a@10.0.0.5>"}}, datagram(udp(2, 5070)));
  store({"alice@example.org"});
  test::PrivateSegment again;
  restore(again);
  EXPECT_EQ(all(again, "alice@example.org").at(0).to, (Destination{.flow = {}, .remote = udp(9, 40'000), .local = {}}));
}

TEST_F(MirrorDatabaseTest, ForgetsWhatHasExpiredAndWhatWasRemoved) {
  ask_from({.lines = {"Contact: <sip:short@10.0.0.5>;expires=60, <sip:long@10.0.0.5>;expires=600, <sip:gone@10.0.0.5>"}}, datagram());
  store({"alice@example.org"});
  ask_from({.lines = {"Contact: <sip:gone@10.0.0.5>;expires=0"}, .cseq = 2}, datagram());
  store({"alice@example.org"});
  test::PrivateSegment again;
  restore(again, 60);
  ASSERT_EQ(all(again, "alice@example.org").size(), 1u);
  EXPECT_EQ(all(again, "alice@example.org")[0].contact, "sip:long@10.0.0.5");

  pass(60);
  auto database = open();
  ASSERT_TRUE(database.forget_expired(moment_of(clock)));
  test::PrivateSegment early;
  const Moment back_then{500, clock.unix_seconds() - 60};
  EXPECT_EQ(database.restore(early->bindings, self, back_then, shm::FlowLoss::remove, {})->active, 1u) << "the row is gone";
}

TEST_F(MirrorDatabaseTest, KeepsTheOrderOfAUsersBindingsAndThoseThatNeverExpire) {
  for (unsigned i = 1; i <= 9; ++i) ask_from({.lines = {"Contact: <sip:" + std::to_string(i) + "@10.0.0.5>"}, .cseq = i}, datagram());
  shm::BindingChange permanent;
  permanent.binding.contact = "sip:operator@192.0.2.77";
  shm::BindingSnapshot before;
  LocationTest::store.snapshot("alice@example.org", before);
  ASSERT_TRUE(LocationTest::store.commit("alice@example.org", before.version(), {&permanent, 1}));
  store({"alice@example.org"});
  test::PrivateSegment again;
  restore(again, 1);
  const auto found = all(again, "alice@example.org");
  ASSERT_EQ(found.size(), 10u);
  EXPECT_EQ(found[0].contact, "sip:operator@192.0.2.77");
  EXPECT_EQ(found[0].expires_at, 0);
  EXPECT_FALSE(found[0].to.is_known());
  for (unsigned i = 1; i <= 9; ++i) EXPECT_EQ(found[i].contact, "sip:" + std::to_string(10 - i) + "@10.0.0.5");
}

TEST_F(MirrorDatabaseTest, ForgetsThoseThatNoRoundHasSeen) {
  ask_from({.lines = {"Contact: <sip:a@10.0.0.5>"}}, datagram());
  ask_from({.lines = {"Contact: <sip:b@10.0.0.5>"}, .to = "<sip:bob@example.org>"}, datagram());
  store({"alice@example.org", "bob@example.org"}, 1);
  store({"bob@example.org"}, 2);
  auto database = open();
  EXPECT_EQ(*database.last_round(), 2);

  ASSERT_TRUE(database.forget_earlier_rounds(2));

  test::PrivateSegment again;
  EXPECT_EQ(database.restore(again->bindings, self, moment_of(clock), shm::FlowLoss::remove, {})->active, 1u);
  EXPECT_EQ(all(again, "bob@example.org").size(), 1u);
}

TEST_F(MirrorDatabaseTest, CountsWhatHasNoRoomAndWhatMakesNoSense) {
  for (int i = 0; i < 64; ++i)
    ask_from({.lines = {"Contact: <sip:a@10.0.0.5>"}, .to = "<sip:u" + std::to_string(i) + "@example.org>"}, datagram());
  Strings aors;
  for (int i = 0; i < 64; ++i) aors.push_back("u" + std::to_string(i) + "@example.org");
  store(aors);
  {
    auto file = db::Sqlite::open(path, db::Sqlite::Mode::read_write);
    ASSERT_TRUE(file->execute("UPDATE binding SET remote = 'nonsense' WHERE aor = 'u1@example.org'"));
    ASSERT_TRUE(file->execute("UPDATE binding SET contact = 'sip:a' || char(13) || char(10) || 'X: y' WHERE aor = 'u2@example.org'"));
    ASSERT_TRUE(file->execute("UPDATE binding SET leads = 'astray' WHERE aor = 'u3@example.org'"));
  }
  shm::Limits small = test::small_limits();
  small.max_bindings = 50;
  test::PrivateSegment again(small);
  const auto restored = restore(again);
  EXPECT_EQ(restored.active, 50u);
  EXPECT_EQ(restored.lost, 14u);
}

TEST_F(MirrorDatabaseTest, RefusesAFileThatIsNotItsOwn) {
  {
    auto foreign = db::Sqlite::open(path, db::Sqlite::Mode::create);
    ASSERT_TRUE(foreign->execute("CREATE TABLE subscriber(username TEXT)"));
  }
  const auto opened = MirrorDatabase::open(path);
  EXPECT_TRUE(opened.is(Errc::malformed));
  EXPECT_EQ(opened.error().why, path + " has somebody else's tables; name another file in db_url");
}

TEST_F(MirrorDatabaseTest, RefusesADamagedFile) {
  for (int i = 0; i < 64; ++i)
    ask_from({.lines = {"Contact: <sip:a@10.0.0.5>;x=" + std::string(400, 'x')}, .to = "<sip:u" + std::to_string(i) + "@example.org>"}, datagram());
  Strings aors;
  for (int i = 0; i < 64; ++i) aors.push_back("u" + std::to_string(i) + "@example.org");
  store(aors);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    for (int i = 0; i < 3 * 4096; ++i) file.put('\x5a');
  }
  test::PrivateSegment again;
  auto opened = MirrorDatabase::open(path);
  ASSERT_TRUE(opened) << "its head is sound";
  const auto restored = opened->restore(again->bindings, self, moment_of(clock), shm::FlowLoss::remove, {});
  EXPECT_TRUE(restored.is(Errc::malformed));
  EXPECT_EQ(restored.error().why, path + " is damaged; move it away, clients will register again");
}

TEST_F(MirrorDatabaseTest, IsForOneProcessAtATime) {
  auto first = open();
  const auto second = MirrorDatabase::open(path);
  EXPECT_TRUE(second.is(Errc::timed_out)) << (second ? "opened" : second.error().why);
}

}  // namespace
}  // namespace sipwsd::location
