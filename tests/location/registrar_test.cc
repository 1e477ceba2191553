#include "src/location/registrar.h"

#include "tests/location/location_fixture.h"

namespace sipwsd::location {
namespace {

using Strings = std::vector<std::string>;
using RegistrarTest = LocationTest;

TEST_F(RegistrarTest, TakesTheExpiryOfTheContactThenOfTheHeaderThenTheDefaultWithinItsLimits) {
  settings.default_expires = std::chrono::seconds{1800};
  struct Row {
    const char* what;
    Strings lines;
    const char* expires;
  };
  unsigned cseq = 0;
  for (const Row& row : {
           Row{"the contact's own", {"Contact: <sip:a@x.invalid>;expires=600", "Expires: 900"}, "600"},
           Row{"the header's", {"Contact: <sip:a@x.invalid>", "Expires: 900"}, "900"},
           Row{"neither", {"Contact: <sip:a@x.invalid>"}, "1800"},
           Row{"too short is raised", {"Contact: <sip:a@x.invalid>;expires=1"}, "60"},
           Row{"too long is lowered", {"Contact: <sip:a@x.invalid>;expires=86400"}, "3600"},
           Row{"longer than 32 bits is long", {"Contact: <sip:a@x.invalid>;expires=99999999999"}, "3600"},
           Row{"no number is 3600 (10.2.1.1)", {"Contact: <sip:a@x.invalid>;expires=soon", "Expires: 900"}, "3600"},
           Row{"in quotes", {"Contact: <sip:a@x.invalid>;expires=\"600\""}, "600"},
           Row{"a URI without brackets", {"Contact: sip:a@x.invalid;expires=600"}, "600"},
           Row{"compact and folded", {"m: <sip:a@x.invalid>\r\n ;expires=600"}, "600"},
           Row{"an expires of the URI is not the contact's", {"Contact: <sip:a@x.invalid;expires=600>", "Expires: 900"}, "900"},
       }) {
    const auto result = ask({.lines = row.lines, .cseq = ++cseq});
    const auto line = contact_line(result);
    EXPECT_TRUE(line.ends_with(std::string(";expires=") + row.expires)) << row.what << ": " << line;
    ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = ++cseq});
    ASSERT_EQ(bindings(), Strings{}) << row.what;
  }
  settings.min_expires = settings.max_expires = std::chrono::seconds{0};
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=1"}, .cseq = 100})), "<sip:a@x.invalid>;expires=1") << "0 is no limit";
}

TEST_F(RegistrarTest, StoresTheBindingUnderTheCanonicalAddressOfRecord) {
  const auto result = ask({.lines = {"Contact: <sip:a@x.invalid>"}, .to = "\"A\" <sips:al%69ce:secret@EXAMPLE.org:5061;p=1>"});
  EXPECT_EQ(result.aor, "alice@example.org");
  EXPECT_TRUE(result.bound_here);
  EXPECT_EQ(bindings(), Strings{"sip:a@x.invalid 3600"});
}

TEST_F(RegistrarTest, GivesEveryContactBackWithWhatTheClientSaidAboutIt) {
  ask({.lines = {"Supported: outbound",
                 "Contact: \"Alice, at home\" <sip:a@x.invalid;transport=ws;x=1>;q=0.5;+sip.ice;audio;expires=600;+sip.instance=\"<urn:uuid:1>\";reg-id=2;methods=\"INVITE, ACK\""}});
  pass(10);
  const auto result = ask({.lines = {}, .cseq = 2, .call_id = "another"});
  EXPECT_EQ(contact_line(result), "<sip:a@x.invalid;transport=ws;x=1>;+sip.ice;audio;methods=\"INVITE, ACK\";q=0.5;+sip.instance=\"<urn:uuid:1>\";reg-id=2;expires=590");
}

TEST_F(RegistrarTest, ListsSeveralContactsOnOneLineNewestFirst) {
  ask({.lines = {"Contact: <sip:a@x.invalid>;q=1.0"}});
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:b@x.invalid>;q=0.123"}, .cseq = 2, .call_id = "call-2"})),
            "<sip:b@x.invalid>;q=0.123;expires=3600, <sip:a@x.invalid>;q=1;expires=3600");
}

TEST_F(RegistrarTest, OnlyAnswersAQuery) {
  ask({.lines = {"Contact: <sip:a@x.invalid>"}});
  const auto result = ask({.lines = {}, .cseq = 2}, other_flow);
  EXPECT_EQ(contact_line(result), "<sip:a@x.invalid>;expires=3600");
  EXPECT_FALSE(result.bound_here);
  EXPECT_EQ(contact_line(ask({.lines = {}, .to = "<sip:nobody@example.org>"})), "none");
}

TEST_F(RegistrarTest, RemovesAContactWithExpiresZero) {
  ask({.lines = {"Contact: <sip:a@x.invalid>, <sip:b@x.invalid>"}});
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=0"}, .cseq = 2})), "<sip:b@x.invalid>;expires=3600");
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:b@x.invalid>", "Expires: 0"}, .cseq = 3})), "none");
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:b@x.invalid>", "Expires: 0"}, .cseq = 4})), "none") << "nothing to remove is as good";
}

TEST_F(RegistrarTest, RemovesAllWithAStarThatIsAloneAndExpiresZero) {
  ask({.lines = {"Contact: <sip:a@x.invalid>"}, .cseq = 5});
  ask({.lines = {"Contact: <sip:b@x.invalid>"}, .call_id = "call-2"});
  for (const Strings& wrong : {Strings{"Contact: *"}, Strings{"Contact: *", "Expires: 1"}, Strings{"Contact: *", "Contact: *", "Expires: 0"},
                               Strings{"Contact: *", "Contact: <sip:a@x.invalid>", "Expires: 0"}, Strings{"Contact: <sip:c@x.invalid>, *", "Expires: 0"}}) {
    EXPECT_EQ(ask({.lines = wrong, .cseq = 6}).status, 400) << wrong.front();
    EXPECT_EQ(bindings().size(), 2u);
  }
  EXPECT_EQ(ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 4}).status, 400) << "older than what it would remove";
  EXPECT_EQ(bindings().size(), 2u);
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 6})), "none");
  EXPECT_EQ(bindings(), Strings{});
}

TEST_F(RegistrarTest, RemovesAllWithAStarHoweverManyThereAre) {
  settings.max_contacts = 0;
  for (unsigned i = 1; i <= 40; ++i) ask({.lines = {"Contact: <sip:a" + std::to_string(i) + "@x.invalid>"}, .cseq = i});
  ASSERT_EQ(bindings().size(), 40u);
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 41})), "none");
  EXPECT_EQ(bindings(), Strings{});
}

TEST_F(RegistrarTest, RefreshesTheSameContactByTheRulesOfUriComparison) {
  ask({.lines = {"Contact: <sip:a@x.invalid;transport=ws>"}});
  pass(100);
  ask({.lines = {"Contact: <sip:a@X.INVALID;transport=WS>"}, .cseq = 2});
  EXPECT_EQ(bindings(), Strings{"sip:a@X.INVALID;transport=WS 3600"});
  ask({.lines = {"Contact: <sip:A@x.invalid;transport=ws>"}, .cseq = 3});
  EXPECT_EQ(bindings().size(), 2u) << "the user part has its case";
}

TEST_F(RegistrarTest, RefusesAnOlderRequestOfTheSameCall) {
  ask({.lines = {"Contact: <sip:a@x.invalid>"}, .cseq = 5});
  const auto older = ask({.lines = {"Contact: <sip:a@x.invalid>;expires=0"}, .cseq = 4});
  EXPECT_EQ(older.status, 400);
  EXPECT_TRUE(has(older, "P-Registrar-Error: Invalid CSeq number"));
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=0"}, .cseq = 1, .call_id = "after-a-restart"}).status, 200);
  EXPECT_EQ(bindings(), Strings{});
}

TEST_F(RegistrarTest, AnswersARetransmissionWithoutStoringAnything) {
  ask({.lines = {"Contact: <sip:a@x.invalid>;expires=600"}, .cseq = 5});
  pass(10);
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=600"}, .cseq = 5})), "<sip:a@x.invalid>;expires=590");
}

TEST_F(RegistrarTest, StoresAllContactsOfARequestOrNone) {
  settings.max_contacts = 2;
  ask({.lines = {"Contact: <sip:a@x.invalid>"}});
  const auto refused = ask({.lines = {"Contact: <sip:b@x.invalid>, <sip:c@x.invalid>"}, .cseq = 2});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:b@x.invalid>, <not a uri>"}, .cseq = 3}).status, 400);
  EXPECT_EQ(bindings().size(), 1u);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:b@x.invalid>, <sip:a@x.invalid>"}, .cseq = 1, .call_id = "call-1"}).status, 200);
  EXPECT_EQ(bindings().size(), 2u);
}

TEST_F(RegistrarTest, RefusesTooManyContactsWithARetryAfterOnlyWhenToldSo) {
  settings.max_contacts = 2;
  ask({.lines = {"Contact: <sip:a@x.invalid>, <sip:b@x.invalid>"}});
  const auto refused = ask({.lines = {"Contact: <sip:c@x.invalid>"}, .cseq = 2});
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(has(refused, "P-Registrar-Error: Too many registered contacts"));
  EXPECT_EQ(refused.headers.size(), 1u);
  settings.registrar_retry_after = std::chrono::seconds{7};
  EXPECT_TRUE(has(ask({.lines = {"Contact: <sip:c@x.invalid>"}, .cseq = 2}), "Retry-After: 7"));

  EXPECT_EQ(ask({.lines = {"Contact: <sip:a@x.invalid>"}, .cseq = 3}).status, 200) << "a refresh adds nothing";
  EXPECT_EQ(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=0, <sip:c@x.invalid>"}, .cseq = 4}).status, 200) << "one goes, one comes";
  pass(3601);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:d@x.invalid>, <sip:e@x.invalid>"}, .cseq = 5}).status, 200) << "the expired don't count";
  EXPECT_EQ(bindings().size(), 2u);
}

TEST_F(RegistrarTest, TakesTheLastWordOfARequestThatNamesAContactTwice) {
  settings.max_contacts = 1;
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=600, <sip:a@x.invalid>;expires=700"}})), "<sip:a@x.invalid>;expires=700");
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=0, <sip:a@x.invalid>;expires=800"}, .cseq = 2})), "<sip:a@x.invalid>;expires=800");
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=800, <sip:a@x.invalid>;expires=0"}, .cseq = 3})), "none");
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=800, <sip:a@x.invalid>;expires=0"}, .cseq = 4})), "none");
}

TEST_F(RegistrarTest, StoresTheNewContactThoughThereIsAHeapOfExpiredOnes) {
  settings.max_contacts = 0;
  for (unsigned i = 1; i <= 40; ++i) ask({.lines = {"Contact: <sip:a" + std::to_string(i) + "@x.invalid>"}, .cseq = i});
  pass(3601);
  EXPECT_EQ(contact_line(ask({.lines = {"Contact: <sip:new@x.invalid>"}, .cseq = 41})), "<sip:new@x.invalid>;expires=3600");
}

TEST_F(RegistrarTest, ReplacesTheFlowOfTheSameInstanceAndRegIdWhateverItsUri) {
  const auto contact = [](const char* uri, const char* instance, const char* reg_id) {
    return std::string("Contact: <") + uri + ">;+sip.instance=\"<urn:uuid:" + instance + ">\"" + (*reg_id != 0 ? std::string(";reg-id=") + reg_id : "");
  };
  ask({.lines = {contact("sip:old@x.invalid", "1", "1")}, .cseq = 9});
  ask({.lines = {contact("sip:new@y.invalid", "1", "1")}, .cseq = 1, .call_id = "call-1"}, other_flow);  // a lower CSeq after a reload
  EXPECT_EQ(bindings(), Strings{"sip:new@y.invalid 3600"});
  ask({.lines = {contact("sip:second@x.invalid", "1", "2")}, .cseq = 2});
  ask({.lines = {contact("sip:other@x.invalid", "2", "1")}, .cseq = 3});
  ask({.lines = {contact("sip:plain@x.invalid", "1", "")}, .cseq = 4});
  EXPECT_EQ(bindings().size(), 4u) << "another reg-id, another instance, no reg-id";

  shm::BindingSnapshot all;
  store.snapshot("alice@example.org", all);
  for (const auto& b : all) EXPECT_EQ(b.to.flow, b.contact == "sip:new@y.invalid" ? other_flow : flow) << b.contact;

  ask({.lines = {contact("sip:gone@x.invalid", "1", "2") + ";expires=0"}, .cseq = 5});
  EXPECT_EQ(bindings().size(), 3u) << "removal finds it by instance and reg-id too";
}

// A client that reconnects to another worker can be registered there before its old worker reads the last it sent.
TEST_F(RegistrarTest, KeepsTheNewerFlowWhenTheOlderConnectionsWorkerReadsAnOlderRequestLate) {
  const std::string contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  ask({.lines = {contact}, .cseq = 1});
  ask({.lines = {contact}, .cseq = 3}, other_flow);

  EXPECT_EQ(ask({.lines = {contact + ";expires=0"}, .cseq = 2}).status, 400) << "its removal";
  EXPECT_EQ(ask({.lines = {contact}, .cseq = 2}).status, 400) << "its refresh";

  shm::BindingSnapshot all;
  store.snapshot("alice@example.org", all);
  ASSERT_EQ(all.end() - all.begin(), 1);
  EXPECT_EQ(all.begin()->to.flow, other_flow);
  EXPECT_EQ(contact_line(ask({.lines = {contact + ";expires=0"}, .cseq = 4})), "none") << "what is really newer counts";
}

TEST_F(RegistrarTest, IgnoresARegIdWithoutAnInstance) {
  const auto result = ask({.lines = {"Supported: outbound", "Contact: <sip:a@x.invalid>;reg-id=1"}});
  EXPECT_EQ(contact_line(result), "<sip:a@x.invalid>;expires=3600");
  EXPECT_FALSE(has(result, "Require: outbound"));
}

TEST_F(RegistrarTest, SaysThatItUnderstoodOutboundToAClientThatDoes) {
  const std::string contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  const auto with = ask({.lines = {"k: path, outbound", contact}});
  EXPECT_TRUE(has(with, "Require: outbound"));
  EXPECT_TRUE(has(with, "Supported: outbound, path"));
  const auto without = ask({.lines = {contact}, .cseq = 2});
  EXPECT_FALSE(has(without, "Require: outbound"));
  EXPECT_TRUE(has(without, "Supported: path"));
}

TEST_F(RegistrarTest, RequiresOutboundOnlyInTheAnswerToARegId) {
  const std::string flow_contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  ask({.lines = {"Supported: outbound", flow_contact}});
  EXPECT_FALSE(has(ask({.lines = {"Supported: outbound"}, .cseq = 2}), "Require: outbound")) << "a query";
  EXPECT_FALSE(has(ask({.lines = {"Supported: outbound", "Contact: <sip:b@x.invalid>"}, .cseq = 3}), "Require: outbound"));
  EXPECT_FALSE(has(ask({.lines = {"Supported: outbound", "Contact: *", "Expires: 0"}, .cseq = 4}), "Require: outbound"));
}

// RFC 5626 5.4.
TEST_F(RegistrarTest, TellsTheFlowTimerToAClientThatUsesOutboundWhenThereIsOne) {
  const std::string contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  const auto told = [](const Registration& result) {
    std::string timers;
    for (const auto& line : result.headers)
      if (line.starts_with("Flow-Timer:")) timers += line.substr(11);
    EXPECT_EQ(result.told_flow_timer, !timers.empty());
    return timers;
  };
  EXPECT_EQ(told(ask({.lines = {"Supported: outbound", contact}})), "") << "off unless switched on";

  settings.flow_timer = std::chrono::seconds{120};
  EXPECT_EQ(told(ask({.lines = {"Supported: outbound", contact}, .cseq = 2})), " 120");
  EXPECT_EQ(told(ask({.lines = {contact}, .cseq = 3})), "") << "the client does not know Outbound";
  EXPECT_EQ(told(ask({.lines = {"Supported: outbound", "Contact: <sip:b@x.invalid>"}, .cseq = 4})), "");
  EXPECT_EQ(told(ask({.lines = {"Supported: outbound", contact + ";expires=0"}, .cseq = 5})), "") << "no flow is left";
}

TEST_F(RegistrarTest, RegistersOneContactWhenItHasARegId) {
  const std::string contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  EXPECT_EQ(ask({.lines = {contact, "Contact: <sip:b@x.invalid>"}}).status, 400);
  EXPECT_EQ(bindings(), Strings{});
  ask({.lines = {"Contact: <sip:b@x.invalid>"}, .cseq = 2});
  EXPECT_EQ(ask({.lines = {contact, "Contact: <sip:b@x.invalid>;expires=0"}, .cseq = 3}).status, 200);
  EXPECT_EQ(bindings(), Strings{"sip:a@x.invalid 3600"});
}

// RFC 5626 6.
TEST_F(RegistrarTest, UsesOutboundBehindAProxyOnlyWhenThatKeepsTheFlow) {
  const std::string via = "Via: SIP/2.0/UDP p1.example.com;branch=z9hG4bK0",
                    contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  const auto refused = ask({.lines = {via, "Supported: outbound", contact}});
  EXPECT_EQ(refused.status, 439);
  EXPECT_EQ(refused.reason, "First Hop Lacks Outbound Support");
  EXPECT_EQ(ask({.lines = {via, "Supported: outbound", "Path: <sip:p1;lr>", contact}, .cseq = 2}).status, 439);

  const auto kept = ask({.lines = {via, "Supported: outbound", "Path: <sip:p2;lr>, <sip:t@p1;lr;ob>", contact}, .cseq = 3});
  EXPECT_EQ(kept.status, 200);
  EXPECT_TRUE(has(kept, "Require: outbound"));

  const auto ignored = ask({.lines = {via, contact}, .cseq = 4, .to = "<sip:bob@example.org>"});
  EXPECT_EQ(contact_line(ignored), "<sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";expires=3600") << "no reg-id is stored";
}

TEST_F(RegistrarTest, KeepsThePathAndGivesItBackToAClientThatKnowsIt) {
  const auto with = ask({.lines = {"Supported: path", "Path: <sip:p1;lr>", "Path: <sip:p2;lr>,\r\n <sip:p3;lr>", "Contact: <sip:a@x.invalid>"}});
  EXPECT_TRUE(has(with, "Path: <sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>"));
  EXPECT_EQ(store.lookup("alice@example.org").at(0).route, (Strings{"<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"}));
  const auto without = ask({.lines = {"Path: <sip:p1;lr>", "Contact: <sip:a@x.invalid>"}, .cseq = 2});
  EXPECT_FALSE(has(without, "Path: <sip:p1;lr>"));
}

// S26.
TEST_F(RegistrarTest, TakesFivePathHopsAndNoMore) {
  const std::string contact = "Contact: <sip:a@x.invalid>", two = "Path: <sip:p1;lr>, <sip:p2;lr>";
  EXPECT_EQ(ask({.lines = {two, two, "Path: <sip:p5;lr>,", contact}}).status, 200);
  const auto refused = ask({.lines = {two, two, "Path: <sip:p5;lr>, <sip:p6;lr>", contact}, .cseq = 2, .to = "<sip:bob@example.org>"});
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(has(refused, "P-Registrar-Error: Too many hops in Path"));
  EXPECT_EQ(bindings("bob@example.org"), Strings{});
}

TEST_F(RegistrarTest, WritesNoLineEndOfTheClientIntoItsAnswer) {
  const auto result = ask({.lines = {"Supported: path", "Path: <sip:p1;lr>\r\n\t;x=\"a\r\n b\"",
                                     "Contact: <sip:a@x.invalid>;a=\"x\r\n y\"\r\n ;+sip.instance=\"<urn:\r\n 1>\";reg-id=1"}});
  EXPECT_EQ(result.status, 200);
  for (const auto& line : result.headers) EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos) << line;
  EXPECT_NE(contact_line(result).find(";a=\"x   y\""), std::string::npos) << contact_line(result);
}

TEST_F(RegistrarTest, RefusesWhatItCannotRead) {
  struct Row {
    Register request;
    const char* why;
  };
  for (const Row& row : {
           Row{{.lines = {"Contact: <sip:a@x.invalid>"}, .to = "<sip:example.org>"}, "P-Registrar-Error: No username in To URI"},
           Row{{.lines = {"Contact: <sip:a@x.invalid>"}, .to = "<tel:+15551234>"}, "P-Registrar-Error: To is not a SIP URI"},
           Row{{.lines = {"Contact: <sip:a@x.invalid"}}, "P-Registrar-Error: Contact cannot be parsed"},
           Row{{.lines = {"Contact: *;x=1", "Expires: 0"}}, "P-Registrar-Error: Contact cannot be parsed"},
           Row{{.lines = {"Contact: <sip:a@x.invalid>, *"}}, "P-Registrar-Error: * is not the only contact"},
           Row{{.lines = {"Contact: *", "Expires: soon"}}, "P-Registrar-Error: * used in contact and expires is not zero"},
       }) {
    const auto result = ask(row.request);
    EXPECT_EQ(result.status, 400) << row.why;
    EXPECT_TRUE(has(result, row.why)) << row.why << " against " << (result.headers.empty() ? "" : result.headers.front());
    EXPECT_EQ(segment->bindings.contacts(), 0u);
  }
}

TEST_F(RegistrarTest, RefusesMoreContactsThanOneCommitTakes) {
  settings.max_contacts = 0;
  Strings lines;
  for (std::size_t i = 0; i <= shm::BindingTable::max_changes; ++i) lines.push_back("Contact: <sip:a" + std::to_string(i) + "@x.invalid>");
  EXPECT_EQ(ask({.lines = lines}).status, 503);
  EXPECT_EQ(segment->bindings.contacts(), 0u);
  lines.pop_back();
  EXPECT_EQ(ask({.lines = lines}).status, 200);
  EXPECT_EQ(segment->bindings.contacts(), shm::BindingTable::max_changes);
}

TEST_F(RegistrarTest, Answers503WhenTheTableIsFullAnd413WhenATextIsTooLarge) {
  for (unsigned i = 0; i < segment->bindings.capacity(); ++i)
    ask({.lines = {"Contact: <sip:a@x.invalid>"}, .to = "<sip:user" + std::to_string(i) + "@example.org>"});
  const auto full = ask({.lines = {"Contact: <sip:a@x.invalid>"}});
  EXPECT_EQ(full.status, 503);
  EXPECT_TRUE(has(full, "Retry-After: 5"));
  ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 2, .to = "<sip:user1@example.org>"});
  EXPECT_EQ(ask({.lines = {"Contact: <sip:a@x.invalid>;x=\"" + std::string(14'000, 'x') + "\""}}).status, 413);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:a@x.invalid>"}}).status, 200);
}

// --- where a binding leads ---------------------------------------------------------------------------------------------

constexpr Endpoint udp(std::uint8_t last, std::uint16_t port) {
  return {.address = {192, 0, 2, last}, .port = port, .family = AddressFamily::ipv4, .protocol = TransportProtocol::udp};
}
const Arrival datagram{.flow = {}, .remote = udp(9, 40'000), .local = udp(1, 5060), .sub_protocol = SubProtocol::sip, .client = {}};

// S25.
TEST_F(RegistrarTest, LeadsADatagramClientToWhereItsRegisterCameFromAndNotToWhatItWrote) {
  const auto result = ask_from({.lines = {"Contact: <sip:a@10.1.2.3:5062>"}}, datagram);
  EXPECT_FALSE(result.bound_here) << "no connection to remember it by";
  const auto targets = store.lookup("alice@example.org");
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].request_uri, "sip:a@10.1.2.3:5062");
  EXPECT_EQ(targets[0].to, datagram.back());
  EXPECT_EQ(targets[0].client, result.client);
  EXPECT_NE(result.client, ClientId::none);
  EXPECT_EQ(only().received, "sip:192.0.2.9:40000");

  ask_from({.lines = {"Contact: <sip:a@192.0.2.9:40000>"}, .cseq = 2, .to = "<sip:bob@example.org>"}, datagram);
  EXPECT_EQ(only("bob@example.org").received, "") << "it knows its address";
}

TEST_F(RegistrarTest, FollowsADatagramClientWhoseAddressHasChanged) {
  const std::string contact = "Contact: <sip:a@10.1.2.3>";
  ask_from({.lines = {contact}}, datagram);
  Arrival elsewhere = datagram;
  elsewhere.remote = udp(9, 50'000);
  EXPECT_EQ(ask_from({.lines = {contact}}, elsewhere).status, 200) << "a NAT gave it another port, and it sent the same once more";
  EXPECT_EQ(only().to, elsewhere.back());
}

TEST_F(RegistrarTest, GoesByThePathOfAPeerAndBackAlongTheConnectionOfAnybodyElse) {
  const std::string via = "Via: SIP/2.0/TCP p1.example.com;branch=z9hG4bK0";
  Arrival proxied = datagram;
  proxied.flow = flow;
  proxied.remote.protocol = TransportProtocol::tcp;
  ask_from({.lines = {via, "Path: <sip:token@p1.example.com;lr>", "Contact: <sip:a@10.1.2.3>"}}, proxied);
  EXPECT_EQ(store.lookup("alice@example.org").at(0).to, proxied.back());

  ASSERT_TRUE(settings.peers.add("192.0.2.0/24"));
  ask_from({.lines = {via, "Path: <sip:token@p1.example.com;lr>", "Contact: <sip:a@10.1.2.3>"}, .cseq = 2}, proxied);
  const auto target = store.lookup("alice@example.org").at(0);
  EXPECT_FALSE(target.to.is_known());
  EXPECT_EQ(target.next_hop, "sip:token@p1.example.com;lr");
  EXPECT_EQ(target.route, Strings{"<sip:token@p1.example.com;lr>"});
}

// S25: a browser in the peers' network is a browser. RFC 7118 knows no servers that speak for others.
TEST_F(RegistrarTest, GoesByNoPathOfABrowserWhereverItIs) {
  ASSERT_TRUE(settings.peers.add("192.0.2.0/24"));
  Arrival browser = datagram;
  browser.flow = flow;
  browser.remote.protocol = TransportProtocol::ws;
  ask_from({.lines = {"Path: <sip:elsewhere.example.com;lr>", "Contact: <sip:a@a.invalid>"}}, browser);
  const auto target = store.lookup("alice@example.org").at(0);
  EXPECT_EQ(target.to, browser.back());
  EXPECT_EQ(target.next_hop, "");
}

// --- who comes back ----------------------------------------------------------------------------------------------------

class ReturnTest : public LocationTest {
 protected:
  void lose(Flow lost = flow) { segment->bindings.drop_flow(shm::ProcessSlot{0}, lost, shm::FlowLoss::suspend(now_seconds() + 30)); }
  std::int64_t now_seconds() const { return base::whole_seconds(clock.now()); }
};

TEST_F(ReturnTest, SaysWhichClientIsBackOverAnotherConnection) {
  const std::string contact = "Contact: <sip:a@x.invalid>";
  const auto first = ask({.lines = {contact}});
  EXPECT_TRUE(first.returned.empty()) << "it was never here before";
  ASSERT_NE(first.client, ClientId::none);
  EXPECT_TRUE(ask({.lines = {contact}, .cseq = 2}).returned.empty()) << "it was here all the time";
  lose();
  ASSERT_EQ(store.find(first.client)->expected_until, now_seconds() + 30);

  const auto back = ask({.lines = {contact}, .cseq = 3}, other_flow);

  EXPECT_EQ(back.returned, (std::vector<Returned>{{first.client, ConnectionId::none}}));
  EXPECT_EQ(back.client, first.client);
  EXPECT_EQ(store.find(first.client)->to.flow, other_flow);
  EXPECT_FALSE(store.find(first.client)->is_expected());
}

TEST_F(ReturnTest, KnowsAPageThatWasLoadedAnewByItsInstanceThoughItUsesNoOutbound) {
  const auto contact = [](const char* uri) { return std::string("Contact: <") + uri + ">;+sip.instance=\"<urn:uuid:1>\""; };
  const auto first = ask({.lines = {contact("sip:old@x.invalid")}});
  lose();
  const auto back = ask({.lines = {contact("sip:new@y.invalid")}, .call_id = "another"}, other_flow);
  EXPECT_EQ(back.returned, (std::vector<Returned>{{first.client, ConnectionId::none}}));
  EXPECT_EQ(bindings(), std::vector<std::string>{"sip:new@y.invalid 3600"});
  EXPECT_EQ(store.find(first.client)->request_uri, "sip:new@y.invalid");
}

TEST_F(ReturnTest, TakesANetworkChangeForAReturnBeforeTheOldConnectionIsKnownToBeDead) {
  const std::string contact = "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  const auto first = ask({.lines = {contact}});
  EXPECT_EQ(ask({.lines = {contact}, .cseq = 2}, other_flow).returned.at(0).client, first.client);
}

TEST_F(ReturnTest, ASecondFlowOfAnInstanceBringsItBackToo) {
  const auto contact = [](int reg_id) { return "Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=" + std::to_string(reg_id); };
  const auto first = ask({.lines = {contact(1)}});
  EXPECT_TRUE(ask({.lines = {contact(2)}, .cseq = 2}, other_flow).returned.empty()) << "the first is still there";
  lose(other_flow);
  lose();
  EXPECT_EQ(ask({.lines = {contact(3)}, .cseq = 3}, {ConnectionId{9}, WorkerSlot{0}}).returned.at(0).client, first.client);
}

TEST_F(ReturnTest, KeepsTwoContactsOfOneInstanceApart) {
  const std::string instance = ";+sip.instance=\"<urn:uuid:1>\"";
  const auto two = [&](const char* a, const char* b) { return std::string("Contact: <") + a + ">" + instance + ", <" + b + ">" + instance; };
  ask({.lines = {two("sip:a@x.invalid", "sip:b@x.invalid")}});
  EXPECT_EQ(bindings().size(), 2u);
  ask({.lines = {two("sip:c@x.invalid", "sip:d@x.invalid")}, .cseq = 2}, other_flow);
  EXPECT_EQ(bindings().size(), 2u);
  ask({.lines = {two("sip:e@x.invalid", "sip:e@x.invalid")}, .cseq = 3}, {ConnectionId{9}, WorkerSlot{0}});
  EXPECT_EQ(bindings().size(), 2u) << "named twice is one; the other stays until it expires";
}

TEST_F(ReturnTest, RemovingAnUnknownContactDoesNotRemoveTheInstance) {
  ask({.lines = {"Contact: <sip:a@x.invalid>;+sip.instance=\"<urn:uuid:1>\""}});
  ask({.lines = {"Contact: <sip:b@x.invalid>;+sip.instance=\"<urn:uuid:1>\";expires=0"}, .cseq = 2}, other_flow);
  EXPECT_EQ(bindings().size(), 1u);
}

TEST_F(ReturnTest, WhoIsExpectedGivesWayToWhoIsHere) {
  settings.max_contacts = 2;
  ask({.lines = {"Contact: <sip:a@x.invalid>, <sip:b@x.invalid>"}});
  lose();
  EXPECT_EQ(ask({.lines = {"Contact: <sip:c@x.invalid>"}, .cseq = 2}, other_flow).status, 200);
  EXPECT_EQ(bindings().size(), 2u);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:d@x.invalid>"}, .cseq = 3}, other_flow).status, 200);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:e@x.invalid>"}, .cseq = 4}, other_flow).status, 503);
}

TEST_F(ReturnTest, NobodyIsExpectedLongerThanHeWasRegistered) {
  const auto first = ask({.lines = {"Contact: <sip:a@x.invalid>;expires=60"}});
  pass(50);
  lose();
  EXPECT_EQ(store.find(first.client)->expected_until, now_seconds() + 10);
  pass(10);
  EXPECT_FALSE(store.find(first.client));
  EXPECT_TRUE(ask({.lines = {"Contact: <sip:a@x.invalid>;expires=60"}, .cseq = 2}).returned.empty());
}

// --- Path, Service-Route -----------------------------------------------------------------------------------------------

TEST_F(RegistrarTest, TreatsPathAsItsModeSays) {
  const Strings lines{"Path: <sip:p1;lr>", "Contact: <sip:a@x.invalid>"}, knowing{"Supported: path", lines[0], lines[1]};
  settings.path_mode = 0;
  EXPECT_FALSE(has(ask({.lines = knowing}), "Path: <sip:p1;lr>"));
  EXPECT_EQ(only().path, "<sip:p1;lr>") << "it is used all the same";
  settings.path_mode = 2;
  EXPECT_TRUE(has(ask({.lines = knowing, .cseq = 2}), "Path: <sip:p1;lr>"));
  const auto refused = ask({.lines = lines, .cseq = 3});
  EXPECT_EQ(refused.status, 420);
  EXPECT_EQ(refused.reason, "Bad Extension");
  EXPECT_TRUE(has(refused, "Unsupported: path"));
}

TEST_F(RegistrarTest, TellsTheServiceRouteToWhoIsRegistered) {
  settings.service_route = "<sip:proxy.example.org;lr>";
  const std::string line = "Service-Route: <sip:proxy.example.org;lr>";
  EXPECT_TRUE(has(ask({.lines = {"Contact: <sip:a@x.invalid>"}}), line));
  EXPECT_FALSE(has(ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 2}), line));
  EXPECT_FALSE(has(ask({.lines = {"Contact: *", "Expires: 1"}, .cseq = 3}), line));
}

// --- GRUU (RFC 5627) ---------------------------------------------------------------------------------------------------

class GruuTest : public LocationTest {
 protected:
  static std::string parameter(const std::string& contact, const std::string& name) {
    const auto at = contact.find(";" + name + "=\"");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 3;
    return contact.substr(from, contact.find('"', from) - from);
  }
  std::string found(const std::string& uri) {
    const auto targets = store.lookup(*sip::parse_uri(uri));
    if (!targets) return targets.is(Errc::not_found) ? "404" : "error";
    std::string out;
    for (const auto& target : *targets) out += (out.empty() ? "" : " ") + target.request_uri;
    return out.empty() ? "480" : out;
  }
  static Register with_instance(const char* uri, const char* instance, unsigned cseq, const char* call_id = "call-1") {
    return {.lines = {"Supported: gruu", std::string("Contact: <") + uri + ">;+sip.instance=\"<" + instance + ">\""}, .cseq = cseq, .call_id = call_id};
  }
};

TEST_F(GruuTest, GivesBothToAClientThatSupportsThemForAContactWithAnInstance) {
  const auto line = contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 1)));
  EXPECT_EQ(parameter(line, "pub-gruu"), "sip:alice@example.org;gr=urn:uuid:1");
  EXPECT_TRUE(parameter(line, "temp-gruu").starts_with("sip:tgruu.")) << line;
  EXPECT_TRUE(line.ends_with(";expires=3600")) << line;

  EXPECT_EQ(contact_line(ask({.lines = {}, .cseq = 2})).find("gruu"), std::string::npos) << "not supported";
  settings.gruu_enabled = false;
  EXPECT_EQ(contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 3))).find("gruu"), std::string::npos);
  settings.gruu_enabled = true;
  EXPECT_EQ(contact_line(ask({.lines = {"Supported: gruu", "Contact: <sip:b@x.invalid>"}, .to = "<sip:bob@example.org>"})).find("gruu"),
            std::string::npos) << "no instance";
}

TEST_F(GruuTest, LeadsToThatInstanceAlone) {
  const auto line = contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 1)));
  ask(with_instance("sip:b@x.invalid", "urn:uuid:2", 2));
  EXPECT_EQ(found("sip:alice@example.org"), "sip:b@x.invalid sip:a@x.invalid");
  EXPECT_EQ(found(parameter(line, "pub-gruu")), "sip:a@x.invalid");
  EXPECT_EQ(found(parameter(line, "temp-gruu")), "sip:a@x.invalid");
  EXPECT_EQ(found("sip:alice@example.org;gr=urn%3auuid:2"), "sip:b@x.invalid");
  EXPECT_EQ(found("sip:alice@example.org;gr=urn:uuid:3"), "404");
  EXPECT_EQ(found("sip:nobody@example.org;gr=urn:uuid:1"), "480");
  EXPECT_EQ(found("sip:tgruu.nonsense@example.org;gr"), "404");
  ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 3});
  EXPECT_EQ(found(parameter(line, "temp-gruu")), "480");
}

TEST_F(GruuTest, GivesAnotherTemporaryOneWithEachRefreshAndKeepsTheEarlierUntilTheCallIdChanges) {
  const auto first = parameter(contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 1))), "temp-gruu");
  const auto second = parameter(contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 2))), "temp-gruu");
  EXPECT_NE(first, second);
  EXPECT_EQ(found(first), "sip:a@x.invalid");
  EXPECT_EQ(found(second), "sip:a@x.invalid");
  const auto third = parameter(contact_line(ask(with_instance("sip:a@x.invalid", "urn:uuid:1", 1, "after a restart"))), "temp-gruu");
  EXPECT_EQ(found(first), "404");
  EXPECT_EQ(found(second), "404");
  EXPECT_EQ(found(third), "sip:a@x.invalid");
}

TEST_F(GruuTest, IsNoPlaceToRegister) {
  EXPECT_EQ(ask({.lines = {"Contact: <sip:alice@example.org;gr=urn:uuid:1>"}}).status, 403);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:bob@EXAMPLE.org;gr>"}}).status, 403);
  EXPECT_EQ(ask({.lines = {"Contact: <sip:alice@elsewhere.example;gr=urn:uuid:1>"}}).status, 200) << "somebody else's";
}

TEST_F(RegistrarTest, SaysWhetherThereIsSomethingToStore) {
  EXPECT_TRUE(ask({.lines = {"Contact: <sip:a@x.invalid>"}}).is_change);
  EXPECT_TRUE(ask({.lines = {"Contact: <sip:a@x.invalid>"}}).is_change) << "the first answer may have been lost because it was not stored";
  EXPECT_FALSE(ask({.lines = {}, .cseq = 2}).is_change);
  EXPECT_TRUE(ask({.lines = {"Contact: *", "Expires: 0"}, .cseq = 3}).is_change);
}

}  // namespace
}  // namespace sipwsd::location
