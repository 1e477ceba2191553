#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

class Bans : public MiTest {
 protected:
  void ban(const std::string& address, std::int64_t since, std::int64_t until, shm::BanReason reason, std::uint32_t strikes) {
    segment->bans.ban({at(address, 0), reason, strikes, now + since, now + until});
  }
  bool is_banned(const std::string& address) { return segment->bans.is_banned(at(address, 1), now); }
  // The ids of the connections a worker was told to drop because of a ban.
  std::vector<std::uint32_t> dropped(bus::Mailbox& worker) {
    std::vector<std::uint32_t> ids;
    worker.drain(100, [&](shm::ProcessSlot, const bus::Letter& letter) {
      const auto* drop = std::get_if<bus::Drop>(&letter);
      ASSERT_NE(drop, nullptr);
      EXPECT_EQ(drop->reason, bus::DropReason::banned);
      ids.push_back(number(drop->connection));
    });
    return ids;
  }
};

TEST_F(Bans, AreListedWithTheirReasonAndTheTimeLeft) {
  EXPECT_EQ(run("ban.list"), "200 OK\n0 addresses banned\n\n");
  ban("203.0.113.9", -17, 583, shm::BanReason::ping_flood, 12);
  EXPECT_EQ(run("ban.list"),
            "200 OK\n"
            "203.0.113.9: ping-flood, 12 strikes, banned 17s ago, 583s left\n"
            "1 address banned\n\n");
  ban("2001:db8:0:1::9", 0, 60, shm::BanReason::by_operator, 0);
  ban("203.0.113.8", -100, -1, shm::BanReason::tls_failure, 10);
  ban("192.0.2.1", -1, 1, shm::BanReason::tls_failure, 10);
  EXPECT_EQ(run("ban.list"),
            "200 OK\n"
            "192.0.2.1: tls-failure, 10 strikes, banned 1s ago, 1s left\n"
            "203.0.113.9: ping-flood, 12 strikes, banned 17s ago, 583s left\n"
            "2001:db8:0:1::/64: operator, 0 strikes, banned 0s ago, 60s left\n"
            "3 addresses banned\n\n")
      << "the expired one is none";
}

TEST_F(Bans, AreExportedForNftables) {
  ban("203.0.113.9", -17, 583, shm::BanReason::ping_flood, 12);
  ban("2001:db8:0:1::9", 0, 60, shm::BanReason::by_operator, 0);
  EXPECT_EQ(run("ban.list", {"nft"}),
            "200 OK\n"
            "add element inet sipwsd banned4 { 203.0.113.9 timeout 583s }\n"
            "add element inet sipwsd banned6 { 2001:db8:0:1::/64 timeout 60s }\n\n");
  EXPECT_EQ(run("ban.list", {"json"}), "400 Bad list format parameter\n\n");
  EXPECT_EQ(run("ban.list", {"nft", "x"}), "400 Too many parameters\n\n");
}

TEST_F(Bans, AreAddedForTheConfiguredTimeOrAnother) {
  EXPECT_EQ(run("ban.add", {"203.0.113.9"}), "200 OK\n203.0.113.9 banned for 600s, 0 connections dropped\n\n");
  EXPECT_EQ(run("ban.add", {"203.0.113.8", "30"}), "200 OK\n203.0.113.8 banned for 30s, 0 connections dropped\n\n");
  settings.ban_time = std::chrono::seconds{0};
  EXPECT_EQ(run("ban.add", {"::ffff:203.0.113.7"}), "200 OK\n203.0.113.7 banned for 600s, 0 connections dropped\n\n");
  EXPECT_EQ(run("ban.add", {"2001:db8:0:1::9"}), "200 OK\n2001:db8:0:1::/64 banned for 600s, 0 connections dropped\n\n");
  for (const char* address : {"203.0.113.9", "203.0.113.8", "203.0.113.7", "2001:db8:0:1::77"})
    EXPECT_TRUE(is_banned(address)) << address;
  EXPECT_EQ(segment->bans.find(at("203.0.113.8", 1), now)->until, now + 30);
}

TEST_F(Bans, DropWhatTheAddressHasOpen) {
  const auto open_from = [&](std::uint32_t id, WorkerSlot owner, const char* address) {
    add(id, 0, owner, shm::ConnectionState::open, SubProtocol::sip, at(address, 5060));
  };
  open_from(1, first_worker, "203.0.113.9");
  open_from(2, second_worker, "203.0.113.9");
  open_from(3, second_worker, "203.0.113.8");
  EXPECT_EQ(run("ban.add", {"203.0.113.9"}), "200 OK\n203.0.113.9 banned for 600s, 2 connections dropped\n\n");
  EXPECT_EQ(dropped(worker0), std::vector<std::uint32_t>{1});
  EXPECT_EQ(dropped(worker1), std::vector<std::uint32_t>{2});
}

TEST_F(Bans, AreNotForProxiesAndExemptNetworks) {
  settings.trusted_proxies = *base::Networks::parse("10.0.0.0/8");
  EXPECT_EQ(run("ban.add", {"10.1.2.3"}), "403 Address is a trusted proxy\n\n");
  EXPECT_EQ(run("ban.add", {"127.0.0.1"}), "403 Address is exempt from bans\n\n");
  EXPECT_EQ(run("ban.add", {"::1"}), "403 Address is exempt from bans\n\n");
  EXPECT_FALSE(is_banned("10.1.2.3"));
}

TEST_F(Bans, SayWhatIsWrongWithAParameter) {
  for (const char* command : {"ban.add", "ban.remove"}) {
    EXPECT_EQ(run(command), "400 Empty address parameter\n\n");
    EXPECT_EQ(run(command, {""}), "400 Empty address parameter\n\n");
    for (const char* bad : {"localhost", "10.0.0.0/8", "1.2.3", "2001:db8::/32", "[::1]", "203.0.113.9:80"})
      EXPECT_EQ(run(command, {bad}), "400 Bad address parameter\n\n") << command << " " << bad;
  }
  EXPECT_EQ(run("ban.add", {"203.0.113.9", "60", "x"}), "400 Too many parameters\n\n");
  EXPECT_EQ(run("ban.add", {"203.0.113.9", "soon"}), "400 Error converting string to int\n\n");
  EXPECT_EQ(run("ban.add", {"203.0.113.9", "0"}), "400 Bad time parameter\n\n");
  EXPECT_EQ(run("ban.add", {"203.0.113.9", "31536001"}), "400 Bad time parameter\n\n");
  EXPECT_EQ(run("ban.remove", {"203.0.113.9", "x"}), "400 Too many parameters\n\n");
  EXPECT_FALSE(is_banned("203.0.113.9"));
}

TEST_F(Bans, AreLiftedOneByOneOrAllAtOnce) {
  for (const char* address : {"203.0.113.9", "203.0.113.8", "2001:db8:0:1::9", "192.0.2.1"})
    ban(address, 0, 600, shm::BanReason::flood, 10);
  EXPECT_EQ(run("ban.remove", {"203.0.113.9"}), "200 OK\n\n");
  EXPECT_EQ(run("ban.remove", {"2001:db8:0:1::/64"}), "200 OK\n\n") << "as ban.list prints it";
  EXPECT_FALSE(is_banned("203.0.113.9"));
  EXPECT_FALSE(is_banned("2001:db8:0:1::9"));
  EXPECT_TRUE(is_banned("203.0.113.8"));
  EXPECT_EQ(run("ban.remove", {"203.0.113.9"}), "404 Address is not banned\n\n");
  EXPECT_EQ(run("ban.remove", {"all"}), "200 OK\n\n");
  EXPECT_EQ(run("ban.list"), "200 OK\n0 addresses banned\n\n");
}

}  // namespace
}  // namespace sipwsd::mi
