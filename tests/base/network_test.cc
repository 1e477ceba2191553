#include "src/base/network.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>

namespace sipwsd::base {
namespace {

Endpoint at(const std::string& address) {
  Endpoint e;
  e.port = 5060;
  e.family = address.find(':') == std::string::npos ? AddressFamily::ipv4 : AddressFamily::ipv6;
  EXPECT_EQ(::inet_pton(e.family == AddressFamily::ipv4 ? AF_INET : AF_INET6, address.c_str(), e.address.data()), 1);
  return e;
}

TEST(Network, ContainsWhatBeginsAsItDoes) {
  struct Row {
    const char *network, *inside, *outside;
  };
  for (const Row& row : std::initializer_list<Row>{{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                                                   {"0.0.0.0/0", "203.0.113.9", "::1"},
                                                   {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                                                   {"192.0.2.7/32", "192.0.2.7", "192.0.2.135"},
                                                   {"172.16.0.0/12", "172.31.0.1", "172.32.0.1"},
                                                   {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
                                                   {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
                                                   {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
                                                   {"::/0", "2001:db8::1", "192.0.2.7"},
                                                   {"::1", "::1", "::2"},
                                                   {"::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"},
                                                   {"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"},
                                                   {"10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"}}) {
    const auto network = Network::parse(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_TRUE(network->contains(at(row.inside))) << row.network << " " << row.inside;
    EXPECT_FALSE(network->contains(at(row.outside))) << row.network << " " << row.outside;
    EXPECT_FALSE(network->contains(Endpoint{}));
  }
}

TEST(Network, IsPrintedAsItIsWritten) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "::1", "::/0"})
    EXPECT_EQ(Network::parse(text)->to_string(), text);
  EXPECT_EQ(Network::parse("192.0.2.7/32")->to_string(), "192.0.2.7");
  EXPECT_EQ(Network::parse("::ffff:10.0.0.0/104")->to_string(), "10.0.0.0/8");
}

TEST(Network, SaysWhatToWriteInstead) {
  const std::string no_network = "is no network; write it as 10.0.0.0/8, 2001:db8::/32 or one address";
  struct Row {
    const char* text;
    std::string why;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "\"\" " + no_network},
           {"lan", "\"lan\" " + no_network},
           {"10/8", "\"10/8\" " + no_network},
           {"10.0.0.0/", "\"10.0.0.0/\" " + no_network},
           {"10.0.0.0/-1", "\"10.0.0.0/-1\" " + no_network},
           {"10.0.0.0/8/9", "\"10.0.0.0/8/9\" " + no_network},
           {"10.0.0.0/999", "\"10.0.0.0/999\" " + no_network},
           {"[::1]", "\"[::1]\" " + no_network},
           {"10.0.0.0/33", "the length of \"10.0.0.0/33\" is more than 32; write a length from 0 to 32"},
           {"::/129", "the length of \"::/129\" is more than 128; write a length from 0 to 128"},
           {"10.1.2.3/8", "\"10.1.2.3/8\" has bits beyond its length; write 10.0.0.0/8 or 10.1.2.3"},
           {"2001:db8::1/32", "\"2001:db8::1/32\" has bits beyond its length; write 2001:db8::/32 or 2001:db8::1"}}) {
    const auto network = Network::parse(row.text);
    ASSERT_FALSE(network) << row.text;
    EXPECT_EQ(network.error().why, row.why);
  }
}

TEST(Networks, AreReadAsAListWithSpacesOrCommas) {
  const auto networks = Networks::parse(" 10.0.0.0/8, 192.0.2.7\t::1,,2001:db8::/32 ");
  ASSERT_TRUE(networks);
  EXPECT_EQ(networks->to_string(), "10.0.0.0/8 192.0.2.7 ::1 2001:db8::/32");
  EXPECT_TRUE(networks->contains(at("2001:db8::9")));
  EXPECT_FALSE(networks->contains(at("192.0.2.8")));
  EXPECT_TRUE(Networks::parse("")->is_empty());
  EXPECT_FALSE(Networks{}.contains(at("192.0.2.8")));
}

TEST(Networks, AreAllAddedOrNone) {
  Networks networks = Networks::loopback();
  EXPECT_FALSE(networks.add("10.0.0.0/8 nonsense"));
  EXPECT_EQ(networks, Networks::loopback());
  EXPECT_TRUE(networks.contains(at("127.9.9.9")));
  EXPECT_TRUE(networks.contains(at("::1")));
  EXPECT_FALSE(networks.contains(at("10.1.1.1")));
}

TEST(Subject, IsTheAddressOfIpv4AndTheNetworkOfIpv6) {
  EXPECT_EQ(subject_of(at("192.0.2.7")), subject_of(at("::ffff:192.0.2.7")));
  EXPECT_NE(subject_of(at("192.0.2.7")), subject_of(at("192.0.2.8")));
  EXPECT_EQ(subject_of(at("2001:db8:0:1::1")), subject_of(at("2001:db8:0:1:ffff::2")));
  EXPECT_NE(subject_of(at("2001:db8:0:1::1")), subject_of(at("2001:db8:0:2::1")));
  EXPECT_EQ(subject_of(at("192.0.2.7")).port, 0);
  EXPECT_EQ(subject_text(subject_of(at("192.0.2.7"))), "192.0.2.7");
  EXPECT_EQ(subject_text(subject_of(at("2001:db8:0:1::1"))), "2001:db8:0:1::/64");
}

}  // namespace
}  // namespace sipwsd::base
