#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

class Location : public MiTest {
 protected:
  void bind(std::string_view aor, shm::Binding binding) {
    shm::BindingSnapshot before;
    segment->bindings.snapshot(aor, before);
    const shm::BindingChange change{.kind = shm::BindingChange::Kind::add, .serial = 0, .binding = binding};
    ASSERT_TRUE(segment->bindings.commit(shm::ProcessSlot{0}, aor, before.version(), {&change, 1}));
  }
  static shm::Binding plain(std::string_view contact, std::int64_t expires_at = now + 60) {
    shm::Binding binding;
    binding.contact = contact;
    binding.call_id = "c1";
    binding.cseq = 4;
    binding.expires_at = expires_at;
    return binding;
  }
};

TEST_F(Location, IsDumpedAsATree) {
  auto full = plain("sip:a1@x.invalid;transport=ws", now + 90);
  full.q = 250;
  full.user_agent = "phone/1";
  full.received = "sip:192.0.2.7:5060;transport=WS";
  full.path = "<sip:edge;lr>";
  full.instance = "urn:uuid:1";
  full.reg_id = 2;
  full.to.flow = {ConnectionId{7}, WorkerSlot{0}};
  bind("alice@example.org", full);

  EXPECT_EQ(run("ul_dump"),
            "200 OK\n"
            "Domain:: location table=" + std::to_string(shm::BindingTable::stripes()) + " records=1 max_slot=1\n"
            "\tAOR:: alice@example.org\n"
            "\t\tContact:: sip:a1@x.invalid;transport=ws Q=0.25\n"
            "\t\t\tExpires:: 90\n\t\t\tCallid:: c1\n\t\t\tCseq:: 4\n\t\t\tUser-agent:: phone/1\n"
            "\t\t\tReceived:: sip:192.0.2.7:5060;transport=WS\n\t\t\tPath:: <sip:edge;lr>\n\t\t\tState:: CS_SYNC\n"
            "\t\t\tFlags:: 0\n\t\t\tInstance:: urn:uuid:1\n\t\t\tReg-Id:: 2\n\t\t\tPub-Gruu:: sip:alice@example.org;gr=urn:uuid:1\n"
            "\t\t\tConnection:: 7\n\n");
}

TEST_F(Location, IsDumpedWithWhereItLeadsAndHowLongItWaits) {
  auto datagram = plain("sip:a1@10.0.0.1");
  datagram.to.remote = {.address = {192, 0, 2, 9}, .port = 40000, .family = AddressFamily::ipv4, .protocol = TransportProtocol::udp};
  datagram.to.local = {.address = {192, 0, 2, 1}, .port = 5060, .family = AddressFamily::ipv4, .protocol = TransportProtocol::udp};
  bind("alice@example.org", datagram);
  auto waiting = plain("sip:b1@x.invalid");
  waiting.state = shm::BindingState::suspended;
  waiting.suspended_until = now + 12;
  bind("bob@example.org", waiting);
  const auto text = run("ul_dump");
  EXPECT_NE(text.find("\t\t\tFlags:: 0\n\t\t\tAddress:: udp:192.0.2.9:40000\n\t\t\tSocket:: udp:192.0.2.1:5060\n\tAOR:: bob"), std::string::npos) << text;
  EXPECT_NE(text.find("State:: CS_DIRTY\n\t\t\tFlags:: 0\n\t\t\tSuspended:: 12\n"), std::string::npos) << text;
}

TEST_F(Location, TakesAContactOfAnOperator) {
  const auto add = [&](const char* contact, const char* expires, const char* q, const char* path) {
    return run("ul_add", {"location", "alice@example.org", contact, expires, q, path, "0", "0", "0"});
  };
  EXPECT_EQ(add("sip:gateway.example.org", "0", "0.5", "<sip:edge;lr>"), "200 OK\n\n");
  EXPECT_EQ(run("ul_show_contact", {"location", "alice@example.org"}),
            "200 OK\nContact:: <sip:gateway.example.org>;q=0.5;expires=0;flags=0x0;cflags=0x0;state=1;methods=0x0"
            ";user_agent=<sipwsctl>;path=<<sip:edge;lr>>;reg-id=0\n\n");
  EXPECT_EQ(add("sip:gateway.example.org", "600", "-1", "0"), "200 OK\n\n");
  EXPECT_EQ(segment->bindings.contacts(), 1u) << "the same again replaces it";
  for (const auto& [contact, expires, q, path] : {std::tuple{"not a uri", "0", "1", "0"}, {"sip:a@x", "soon", "1", "0"}, {"sip:a@x", "0", "1.1", "0"},
                                                  {"sip:a@x", "0", "much", "0"}, {"sip:a@x", "0", "1", "<sip:edge"}})
    EXPECT_EQ(add(contact, expires, q, path), "400 Bad parameter\n\n") << contact << expires << q << path;
  EXPECT_EQ(run("ul_add", {"location", "alice@example.org", "sip:a@x"}), "400 Too few or too many arguments\n\n");
}

TEST_F(Location, IsDumpedInBriefWithoutTheRest) {
  bind("bob@example.org", plain("sip:b1@x.invalid"));
  bind("alice@example.org", plain("sip:a1@x.invalid"));
  bind("alice@example.org", plain("sip:a2@x.invalid"));
  EXPECT_EQ(run("ul_dump", {"brief"}),
            "200 OK\nDomain:: location table=" + std::to_string(shm::BindingTable::stripes()) + " records=2 max_slot=2\n"
            "\tAOR:: alice@example.org\n\t\tContact:: sip:a2@x.invalid Q=\n\t\tContact:: sip:a1@x.invalid Q=\n"
            "\tAOR:: bob@example.org\n\t\tContact:: sip:b1@x.invalid Q=\n\n");
  EXPECT_EQ(run("ul_dump", {"short"}), "400 Bad parameter\n\n");
  EXPECT_EQ(run("ul_dump", {"brief", "x"}), "400 Bad parameter\n\n");
}

TEST_F(Location, SaysInWordsWhatHasNoSecondsLeft) {
  bind("alice@example.org", plain("sip:a1@x.invalid", 0));
  bind("bob@example.org", plain("sip:b1@x.invalid", now));
  const auto text = run("ul_dump");
  EXPECT_NE(text.find("a1@x.invalid Q=\n\t\t\tExpires:: permanent\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b1@x.invalid Q=\n\t\t\tExpires:: expired\n"), std::string::npos) << text;
}

TEST_F(Location, ShowsTheContactsOfOneUser) {
  auto first = plain("sip:a1@x.invalid");
  first.q = 1000;
  first.user_agent = "phone/1";
  first.received = "sip:192.0.2.7:5060";
  first.path = "<sip:edge;lr>";
  first.instance = "urn:uuid:1";
  first.reg_id = 1;
  bind("alice@example.org", first);
  bind("alice@example.org", plain("sip:gone@x.invalid", now - 1));
  EXPECT_EQ(run("ul_show_contact", {"location", "alice@example.org"}),
            "200 OK\nContact:: <sip:a1@x.invalid>;q=1;expires=60;flags=0x0;cflags=0x0;state=1;methods=0x0;received=<sip:192.0.2.7:5060>"
            ";user_agent=<phone/1>;path=<<sip:edge;lr>>;+sip.instance=urn:uuid:1;reg-id=1\n\n");
  EXPECT_EQ(run("ul_show_contact", {"location", "bob@example.org"}), "404 AOR not found\n\n");
  bind("carol@example.org", plain("sip:gone@x.invalid", now - 1));
  EXPECT_EQ(run("ul_show_contact", {"location", "carol@example.org"}), "404 AOR has no contacts\n\n");
}

TEST_F(Location, RemovesAllContactsOfAUser) {
  bind("alice@example.org", plain("sip:a1@x.invalid"));
  bind("alice@example.org", plain("sip:a2@x.invalid"));
  bind("bob@example.org", plain("sip:b1@x.invalid"));
  EXPECT_EQ(run("ul_rm", {"location", "alice@example.org"}), "200 OK\n\n");
  EXPECT_EQ(segment->bindings.contacts(), 1u);
  EXPECT_EQ(run("ul_rm", {"location", "alice@example.org"}), "200 OK\n\n") << "nothing to remove is as good";
}

TEST_F(Location, RemovesOneContact) {
  bind("alice@example.org", plain("sip:a1@x.invalid"));
  bind("alice@example.org", plain("sip:a2@x.invalid"));
  EXPECT_EQ(run("ul_rm_contact", {"location", "alice@example.org", "sip:a3@x.invalid"}), "404 Contact not found\n\n");
  EXPECT_EQ(run("ul_rm_contact", {"location", "nobody@example.org", "sip:a1@x.invalid"}), "404 AOR not found\n\n");
  EXPECT_EQ(run("ul_rm_contact", {"location", "alice@example.org", "sip:a1@x.invalid"}), "200 OK\n\n");
  EXPECT_EQ(segment->bindings.contacts(), 1u);
  EXPECT_NE(run("ul_show_contact", {"location", "alice@example.org"}).find("<sip:a2@x.invalid>"), std::string::npos);
}

TEST_F(Location, ChecksItsParametersInOrder) {
  for (const auto* command : {"ul_rm", "ul_show_contact"}) {
    EXPECT_EQ(run(command, {"location"}), "400 Too few or too many arguments\n\n") << command;
    EXPECT_EQ(run(command, {"aliases", "alice"}), "404 Table not found\n\n");
    EXPECT_EQ(run(command, {"location", "alice"}), "400 Domain missing in AOR\n\n");
  }
  EXPECT_EQ(run("ul_rm_contact", {"location", "alice@example.org"}), "400 Too few or too many arguments\n\n");
  EXPECT_EQ(run("ul_rm_contact", {"aliases", "alice", "x"}), "404 Table not found\n\n");
  EXPECT_EQ(run("ul_rm_contact", {"location", "alice", "x"}), "400 Domain missing in AOR\n\n");
}

TEST_F(Location, CannotBeMadeToForgeALineOfTheReply) {
  bind("a\n\n200 OK@example.org", plain("sip:a1@x.invalid"));  // sip:a%0A%0A200%20OK@example.org
  const auto text = run("ul_dump", {"brief"});
  EXPECT_NE(text.find("\tAOR:: a  200 OK@example.org\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace sipwsd::mi
