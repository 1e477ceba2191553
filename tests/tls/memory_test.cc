// What an idle TLS connection costs in memory: everything a session allocates, OpenSSL's objects included, after the
// handshake and after a message each way.

#include "tests/tls/tls_world.h"

#include <malloc.h>

namespace sipwsd::tls {
namespace {

class Memory : public EachVersion {};
INSTANTIATE_TEST_SUITE_P(Versions, Memory, each_version(), version_name);

std::size_t in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_P(Memory, OfAnIdleSessionIsSmall) {
  constexpr std::size_t sessions = 200;
  if (in_use() == 0) GTEST_SKIP() << "a sanitizer's allocator does not tell";
  std::vector<Served> all;
  all.reserve(sessions);
  const auto add = [&] {
    Client client(options());
    all.emplace_back(contexts);
    Served& server = all.back();
    server.plain_size = 4096;
    talk(client, server);
    client.write("hello");
    server.feed(client.give());
    ASSERT_TRUE(server.session.write("welcome", server.out));
    client.take(server.take_out());
    ASSERT_EQ(server.session.state(), State::open);
    server.received = std::string();
    server.out = std::string();
  };
  add();  // what is made once
  const std::size_t before = in_use();
  while (all.size() < sessions) add();
  const std::size_t each = (in_use() - before) / (sessions - 1);

  RecordProperty("bytes", static_cast<int>(each));
  std::printf("bytes of an idle session: %zu\n", each);
  EXPECT_LE(each, 14u * 1024);
}

}  // namespace
}  // namespace sipwsd::tls
