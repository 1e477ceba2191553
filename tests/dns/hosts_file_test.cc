#include "src/dns/hosts_file.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/support/addresses.h"
#include "tests/support/certificates.h"

namespace sipwsd::dns {
namespace {

std::string addresses(const HostTable& table, const std::string& name) {
  std::string text;
  if (const auto found = table.find(name); found != table.end())
    for (const Endpoint& address : found->second) text += (text.empty() ? "" : " ") + address.address_text();
  return text;
}

TEST(HostsFile, HasAddressesAndNames) {
  const auto table = parse_hosts(
      "# a comment\n"
      "192.0.2.1 pbx.example.org PBX\r\n"
      "\t2001:db8::1\tpbx.example.org. # with a dot, and a comment\n"
      "127.0.0.1 localhost#no space\n"
      "192.0.2.1 pbx\n"
      "192.0.2.2 last");
  EXPECT_EQ(addresses(table, "pbx.example.org"), "192.0.2.1 2001:db8::1");
  EXPECT_EQ(addresses(table, "pbx"), "192.0.2.1");
  EXPECT_EQ(addresses(table, "localhost"), "127.0.0.1");
  EXPECT_EQ(addresses(table, "last"), "192.0.2.2");
  EXPECT_EQ(table.size(), 4u);
}

TEST(HostsFile, PassesOverWhatMakesNoSense) {
  const auto table = parse_hosts(
      "\n   \n192.0.2.1\nname 192.0.2.2\n1.2.3 x\n0.0.0.0 blocked\nfe80::1%lo0 link\n"
      "192.0.2.3 a..b 192.0.2.4 x.invalid good\n");
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(addresses(table, "good"), "192.0.2.3");
}

TEST(HostsFile, IsReadAgainWhenItChanges) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("hosts", "192.0.2.1 pbx\n");
  HostsFile file(path);
  ASSERT_NE(file.find("pbx"), nullptr);

  folder.write("hosts.new", "192.0.2.22 pbx other\n");
  ASSERT_EQ(std::rename((folder.path() + "/hosts.new").c_str(), path.c_str()), 0);
  ASSERT_EQ(file.find("other"), nullptr);
  file.refresh();

  ASSERT_NE(file.find("other"), nullptr);
  EXPECT_EQ(file.find("pbx")->front().address_text(), "192.0.2.22");
}

TEST(HostsFile, IsEmptyWhenThereIsNone) {
  HostsFile none(""), missing("/nowhere/hosts"), folder("/tmp");
  EXPECT_EQ(none.find("localhost"), nullptr);
  EXPECT_EQ(missing.find("localhost"), nullptr);
  EXPECT_EQ(folder.find("localhost"), nullptr);
}

TEST(HostsFile, IsEmptyWhenItIsLargerThanAMebibyte) {
  const test::TemporaryFolder folder;
  const HostsFile file(folder.write("hosts", "192.0.2.1 pbx\n" + std::string(1024 * 1024, '#')));
  EXPECT_EQ(file.find("pbx"), nullptr);
}

}  // namespace
}  // namespace sipwsd::dns
