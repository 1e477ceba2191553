#include "src/dns/host_name.h"

#include <gtest/gtest.h>

namespace sipwsd::dns {
namespace {

std::string described(std::string_view text) {
  const Host host = classify(text);
  switch (host.kind) {
    case Host::Kind::address: return "address " + host.address.address_text();
    case Host::Kind::name: return "name " + host.name;
    case Host::Kind::localhost: return "localhost " + host.name;
    case Host::Kind::nowhere: return "nowhere";
  }
  return "?";
}

struct Row {
  std::string_view text;
  std::string_view is;
};

TEST(HostName, IsAnAddressANameOrOneThatNeverReachesDns) {
  const std::string label63(63, 'a');
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  const std::string longest_is = "name " + longest, too_long = longest + "b", label64 = label63 + "a.org";
  const Row rows[] = {
      {"192.0.2.7", "address 192.0.2.7"},
      {"2001:db8::5", "address 2001:db8::5"},
      {"[2001:DB8::5]", "address 2001:db8::5"},
      {"::ffff:192.0.2.7", "address 192.0.2.7"},
      {"127.0.0.1", "address 127.0.0.1"},
      {"[::1]", "address ::1"},
      {"example.org", "name example.org"},
      {"Sip.EXAMPLE.org.", "name sip.example.org"},
      {"pbx", "name pbx"},
      {"3com.com", "name 3com.com"},
      {"a_b-c.example", "name a_b-c.example"},
      {"localhost", "localhost localhost"},
      {"LocalHost.", "localhost localhost"},
      {"a.localhost", "localhost a.localhost"},
      {"notlocalhost", "name notlocalhost"},
      {"localhost.example.org", "name localhost.example.org"},
      {longest, longest_is},
      // RFC 6761 6.4
      {"invalid", "nowhere"},
      {"df7jal23ls0d.invalid", "nowhere"},
      {"a.b.INVALID", "nowhere"},
      {"a.invalid.", "nowhere"},
      {"notinvalid", "name notinvalid"},
      {"invalid.example.org", "name invalid.example.org"},
      // neither addresses nor names
      {"", "nowhere"},
      {".", "nowhere"},
      {"..", "nowhere"},
      {"a..b", "nowhere"},
      {".a", "nowhere"},
      {"a..", "nowhere"},
      {"1.2.3", "nowhere"},
      {"1.2.3.4.5", "nowhere"},
      {"256.1.1.1", "nowhere"},
      {"01.2.3.4.", "nowhere"},
      {"2130706433", "nowhere"},
      {"[192.0.2.7]", "nowhere"},
      {"[::1", "nowhere"},
      {"::1]", "nowhere"},
      {"fe80::1%eth0", "nowhere"},
      {"[fe80::1%25eth0]", "nowhere"},
      {"ex ample.org", "nowhere"},
      {"example.org\n", "nowhere"},
      {std::string_view("example.org\0", 12), "nowhere"},
      {"exa\\mple.org", "nowhere"},
      {"b\xc3\xbc" "cher.example", "nowhere"},
      {label64, "nowhere"},
      {too_long, "nowhere"},
      // nobody is there
      {"0.0.0.0", "nowhere"},
      {"224.0.1.75", "nowhere"},
      {"255.255.255.255", "nowhere"},
      {"[::]", "nowhere"},
      {"[ff02::1]", "nowhere"},
  };
  for (const Row& row : rows) EXPECT_EQ(described(row.text), row.is) << row.text;
}

TEST(HostName, OfARecordIsNotAskedForWhereTheUrisOwnWouldNotBe) {
  EXPECT_TRUE(may_be_asked("_sip._udp.example.org"));
  EXPECT_FALSE(may_be_asked("_sip._udp.abc.invalid"));
  EXPECT_FALSE(may_be_asked("localhost"));
  EXPECT_FALSE(may_be_asked(""));
  EXPECT_FALSE(may_be_asked(std::string(64, 'a') + ".org"));
}

}  // namespace
}  // namespace sipwsd::dns
