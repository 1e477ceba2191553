#include "src/dns/reply.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"
#include "tests/support/dns_packet.h"

namespace sipwsd::dns {
namespace {

using test::DnsPacket;
using Outcome = Records::Outcome;
using Section = DnsPacket::Section;

constexpr std::uint16_t response = 0x8180;

Endpoint address(const std::string& text) { return test::at(text, 0, TransportProtocol::none); }

DnsPacket reply_to(std::string_view name, unsigned type, std::uint16_t flags = response) {
  DnsPacket packet(7, flags);
  packet.ask(name, type);
  return packet;
}
DnsPacket& add_a(DnsPacket& packet, std::string_view owner, std::uint32_t ttl, const std::string& text) {
  return packet.record(Section::answer, owner, DnsPacket::a, ttl).address(text).end();
}
DnsPacket& add_soa(DnsPacket& packet, std::uint32_t ttl, std::uint32_t minimum) {
  packet.record(Section::authority, "example.org", DnsPacket::soa, ttl).name("ns.example.org").name("root.example.org");
  return packet.double_word(1).double_word(2).double_word(3).double_word(4).double_word(minimum).end();
}

Records parsed(const DnsPacket& packet, const Question& question) {
  auto records = parse_reply(packet, question);
  EXPECT_TRUE(records);
  return records ? *records : Records{};
}

const Question a_of_example{RecordType::a, "example.org"};

TEST(Reply, HasTheAddressesOfTheNameAndTheLeastOfTheirTimes) {
  auto packet = reply_to("example.org", DnsPacket::a);
  packet.record(Section::answer, DnsPacket::a, 300).address("192.0.2.1").end();
  add_a(packet, "EXAMPLE.org", 60, "192.0.2.2");

  const Records records = parsed(packet, a_of_example);

  EXPECT_EQ(records.outcome, Outcome::found);
  EXPECT_EQ(records.addresses, (std::vector{address("192.0.2.1"), address("192.0.2.2")}));
  EXPECT_EQ(records.ttl, 60u);
}

TEST(Reply, HasIpv6Addresses) {
  auto packet = reply_to("example.org", DnsPacket::aaaa);
  packet.record(Section::answer, DnsPacket::aaaa, 300).address("2001:db8::1").end();
  packet.record(Section::answer, DnsPacket::aaaa, 300).address("::ffff:192.0.2.9").end();
  EXPECT_EQ(parsed(packet, {RecordType::aaaa, "example.org"}).addresses,
            (std::vector{address("2001:db8::1"), address("192.0.2.9")}));
}

TEST(Reply, FollowsAliasesInAnyOrderAndLivesAsShortAsTheShortestOfThem) {
  auto packet = reply_to("example.org", DnsPacket::a);
  add_a(packet, "end.example.net", 300, "192.0.2.3");
  packet.record(Section::answer, "middle.example.net", DnsPacket::cname, 20).name("end.example.net").end();
  packet.record(Section::answer, DnsPacket::cname, 300).name("middle.example.net").end();

  const Records records = parsed(packet, a_of_example);

  EXPECT_EQ(records.addresses, (std::vector{address("192.0.2.3")}));
  EXPECT_EQ(records.ttl, 20u);
}

TEST(Reply, ComesToAnEndWhereAliasesDoNot) {
  auto packet = reply_to("example.org", DnsPacket::a);
  packet.record(Section::answer, DnsPacket::cname, 300).name("example.org").end();
  EXPECT_EQ(parsed(packet, a_of_example).outcome, Outcome::none);
}

TEST(Reply, OfServersAndTheirTargets) {
  auto packet = reply_to("_sip._udp.example.org", DnsPacket::srv);
  packet.record(Section::answer, DnsPacket::srv, 300).word(10).word(60).word(5070).name("Big.example.org").end();
  packet.record(Section::answer, DnsPacket::srv, 300).word(20).word(0).word(5060).pointer(22).end();  // compressed
  packet.record(Section::answer, DnsPacket::srv, 300).word(0).word(0).word(0).name("").end();         // "."
  const auto records = parsed(packet, {RecordType::srv, "_sip._udp.example.org"});
  EXPECT_EQ(records.srv, (std::vector<Srv>{{10, 60, 5070, "big.example.org"}, {20, 0, 5060, "example.org"}, {0, 0, 0, ""}}));
}

TEST(Reply, OfNamingAuthorityPointers) {
  auto packet = reply_to("example.org", DnsPacket::naptr);
  const auto naptr = [&](int order, const char* flags, const char* services, const char* expression, const char* to) {
    packet.record(Section::answer, DnsPacket::naptr, 300).word(static_cast<unsigned>(order)).word(50);
    packet.character_string(flags).character_string(services).character_string(expression).name(to).end();
  };
  naptr(90, "s", "SIP+D2T", "", "_sip._tcp.example.org");
  naptr(100, "u", "E2U+sip", "!^.*$!sip:a@example.org!", "");  // RFC 6116; no business of ours
  EXPECT_EQ(parsed(packet, {RecordType::naptr, "example.org"}).naptr,
            (std::vector<Naptr>{{90, 50, "s", "SIP+D2T", "_sip._tcp.example.org"}}));
}

TEST(Reply, ThatThereIsNothingIsBelievedAsLongAsTheSoaSays) {
  struct Row {
    std::uint16_t rcode;
    std::uint32_t ttl, minimum, is;
  };
  for (const Row& row : {Row{0, 3600, 30, 30}, Row{3, 20, 900, 20}, Row{3, 0x8000'0001, 900, 0}}) {
    auto packet = reply_to("example.org", DnsPacket::a, static_cast<std::uint16_t>(response | row.rcode));
    add_soa(packet, row.ttl, row.minimum);
    const Records records = parsed(packet, a_of_example);
    EXPECT_EQ(records.outcome, Outcome::none);
    EXPECT_EQ(records.ttl, row.is);
  }
}

TEST(Reply, ThatThereIsNothingSaysNoTimeWithoutASoa) {
  auto packet = reply_to("example.org", DnsPacket::a);
  packet.record(Section::answer, DnsPacket::cname, 300).name("nowhere.example.org").end();
  const Records records = parsed(packet, a_of_example);
  EXPECT_EQ(records.outcome, Outcome::none);
  EXPECT_EQ(records.ttl, std::nullopt);
}

TEST(Reply, OfAServerThatCouldNotSayIsAFailure) {
  for (const unsigned rcode : {1u, 2u, 4u, 5u, 9u})
    EXPECT_EQ(parsed(reply_to("example.org", DnsPacket::a, static_cast<std::uint16_t>(response | rcode)), a_of_example).outcome,
              Outcome::failed);
}

TEST(Reply, BelievesNothingAboutOtherNamesAndNothingBesidesTheAnswers) {
  auto packet = reply_to("example.org", DnsPacket::a);
  add_a(packet, "example.com", 300, "192.0.2.1");
  packet.record(Section::authority, "example.org", DnsPacket::a, 300).address("192.0.2.2").end();
  packet.record(Section::additional, "example.org", DnsPacket::a, 300).address("192.0.2.3").end();
  EXPECT_EQ(parsed(packet, a_of_example).outcome, Outcome::none);
}

TEST(Reply, LeavesOutRecordsThatMakeNoSense) {
  auto packet = reply_to("example.org", DnsPacket::a);
  packet.record(Section::answer, DnsPacket::a, 1).address("0.0.0.0").end();
  packet.record(Section::answer, DnsPacket::a, 1).address("224.0.1.75").end();
  packet.record(Section::answer, DnsPacket::a, 1).byte(192).byte(0).byte(2).end();
  packet.record(Section::answer, DnsPacket::a, 300).address("192.0.2.4").end();
  const Records records = parsed(packet, a_of_example);
  EXPECT_EQ(records.addresses, (std::vector{address("192.0.2.4")}));
  EXPECT_EQ(records.ttl, 300u);

  auto servers = reply_to("example.org", DnsPacket::srv);
  servers.record(Section::answer, DnsPacket::srv, 300).word(1).word(1).word(5060).character_string("a.b").byte(0).end();
  servers.record(Section::answer, DnsPacket::srv, 300).word(1).word(1).word(5060).name("a b").end();
  servers.record(Section::answer, DnsPacket::srv, 300).word(1).word(1).word(0).name("a").end();
  servers.record(Section::answer, DnsPacket::srv, 300).word(1).word(1).word(5060).name("a").byte(1).end();
  servers.record(Section::answer, DnsPacket::srv, 300).word(1).word(1).word(5060).name("good").end();
  EXPECT_EQ(parsed(servers, {RecordType::srv, "example.org"}).srv, (std::vector<Srv>{{1, 1, 5060, "good"}}));
}

TEST(Reply, HasAtMost64Records) {
  auto packet = reply_to("example.org", DnsPacket::a);
  for (unsigned i = 1; i <= 200; ++i) packet.record(Section::answer, DnsPacket::a, 300).address("192.0.2." + std::to_string(i)).end();
  EXPECT_EQ(parsed(packet, a_of_example).addresses.size(), 64u);
}

TEST(Reply, IsMalformedWhenItIsNoneOrNotToTheQuestion) {
  const auto is_malformed = [](const DnsPacket& packet) { return parse_reply(packet, a_of_example).is(Errc::malformed); };
  EXPECT_TRUE(is_malformed(reply_to("example.org", DnsPacket::a, 0x0180)));  // a query
  EXPECT_TRUE(is_malformed(reply_to("example.org", DnsPacket::a, 0x8980)));  // opcode 1
  EXPECT_TRUE(is_malformed(reply_to("example.com", DnsPacket::a)));
  EXPECT_TRUE(is_malformed(reply_to("example.org", DnsPacket::aaaa)));
  EXPECT_TRUE(is_malformed(DnsPacket(7, response)));  // no question
  auto two = reply_to("example.org", DnsPacket::a);
  two.ask("example.org", DnsPacket::a);
  EXPECT_TRUE(is_malformed(two));
}

TEST(Reply, IsMalformedWhereverItIsCut) {
  auto packet = reply_to("example.org", DnsPacket::srv);
  packet.record(Section::answer, DnsPacket::cname, 300).name("x.example.org").end();
  packet.record(Section::answer, "x.example.org", DnsPacket::srv, 300).word(1).word(2).word(5060).name("y.example.org").end();
  const Question question{RecordType::srv, "example.org"};
  ASSERT_EQ(parsed(packet, question).srv.size(), 1u);
  for (std::size_t size = 0; size < packet.size(); ++size)
    EXPECT_TRUE(parse_reply(std::span<const std::uint8_t>(packet).first(size), question).is(Errc::malformed)) << size;
}

TEST(Reply, IsMalformedWhenANameHasNoEnd) {
  const Question question{RecordType::a, "example.org"};
  const auto with_owner = [&](auto write) {
    auto packet = reply_to("example.org", DnsPacket::a);
    packet.count(Section::answer);
    write(packet);
    packet.word(DnsPacket::a).word(1).double_word(300).word(4).address("192.0.2.1");
    return parse_reply(packet, question);
  };
  EXPECT_TRUE(with_owner([](DnsPacket& packet) { packet.pointer(static_cast<unsigned>(packet.size())); }).is(Errc::malformed));
  EXPECT_TRUE(with_owner([](DnsPacket& packet) { packet.pointer(static_cast<unsigned>(packet.size()) + 2); }).is(Errc::malformed));
  EXPECT_TRUE(with_owner([](DnsPacket& packet) { packet.pointer(0x3fff); }).is(Errc::malformed));
  EXPECT_TRUE(with_owner([](DnsPacket& packet) { packet.byte(0x40).byte(0); }).is(Errc::malformed));  // no such label type
  EXPECT_TRUE(with_owner([](DnsPacket& packet) {
                for (int i = 0; i < 5; ++i) packet.character_string(std::string(63, 'a'));
                packet.byte(0);
              }).is(Errc::malformed));
  // Pointers to pointers, each further back, as many as fit.
  EXPECT_TRUE(with_owner([](DnsPacket& packet) {
                const auto start = static_cast<unsigned>(packet.size());
                packet.pointer(12);
                for (unsigned i = 0; i < 40; ++i) packet.pointer(start + 2 * i);
              }).is(Errc::malformed));
}

}  // namespace
}  // namespace sipwsd::dns
