// Runs the table. With --list it is printed instead, as Markdown with the counts by section.
//
// Which requirement of reference/security.md is shown where (sections are those of the table; process/ is tests/process):
//
//   S01  9112/2.2, 9112/5, 9112/6, 6455/10.4-head, 6455/4.2.1(2) (5) (6)    S02  process/daemon_handshake_test, daemon_tls_test
//   S03  6455/4.2.1(1) (3) (4) (5)                                          S04  6455/4.2.1(6), 6455/4.2.2(5)sub-protocol
//   S05  6455/4.2.1(7), 6455/10.2                                           S06  6455/4.2.1(2), 6455/4.2.1(path), 9112/3
//   S07  6455/4.2.2(5)pipelined, and Cut::behind_the_get of every row
//   S10  Autobahn 1, 9: 5.2-length, 5.4; 2: 5.5.2, 5.5.3; 3: 5.2-rsv; 4: 5.2-opcode; 5, 10: 5.4; 6: 8.1; 7: 5.5.1, 7.4; 12, 13: 7692
//   S11  the four cuts of every row; every split point in memory: tests/ws/conformance_test, receiver_test
//   S12  6455/10.4, 6455/5.2-minimal; that nothing is allocated: tests/ws/memory_test
//   S13  6455/5.1, 6455/5.2-rsv, 6455/5.2-opcode, 6455/5.4, 6455/5.5
//   S14  6455/10.4-fragments; the time: process/daemon_websocket_test; the memory: tests/ws/memory_test
//   S15  6455/8.1-*, 6455/5.5.1, 6455/7.4
//   S16  6455/5.5.3, ServerCloses below; too many Pings: process/daemon_websocket_test
//   S17  6455/5.5.1-after, 6455/7.1.7, ServerCloses below; the time: process/daemon_websocket_test
//   S20  4475/*, 5118/*, 3261/*   S21  3261/7.3.1, 3261/20.29; tests/sip/edits_test   S25  3261/20.34, 3261/8.2.2.1, 3261/19.1.4
//   S26  3261/20.22 (hops)        S27  3261/8.2.2.1   (sip_conformance_test.cc runs these)
//   S58  process/daemon_tls_test, tests/clients/wss.test.mjs
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cctype>
#include <cstring>
#include <map>
#include <set>

#include "tests/conformance/runner.h"
#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

struct Case {
  const Row* row;
  Transport transport;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto transport : {Transport::ws, Transport::wss})
    for (const auto& row : all_rows()) cases.push_back({&row, transport});
  return cases;
}

std::string name_of(Transport transport) { return transport == Transport::ws ? "ws" : "wss"; }

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  std::string name = name_of(info.param.transport) + "_" + info.param.row->id;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

class Conformance : public testing::TestWithParam<Case> {};

TEST_P(Conformance, SaysWhatTheRowSays) {
  const auto& [row, transport] = GetParam();
  for (const Cut cut : cuts_for(*row))
    if (const auto wrong = run(*row, transport, cut); !wrong.empty())
      ADD_FAILURE() << row->id << ", " << name_of(cut) << ": " << row->sentence << "\n  " << wrong;
}

INSTANTIATE_TEST_SUITE_P(Table, Conformance, testing::ValuesIn(all_cases()), name_of_case);

// --- the closing handshake when the server begins (RFC 6455 7.1.2): the operator's ws.close starts it ---------------------

class ServerCloses : public testing::TestWithParam<Transport> {
 protected:
  // A connection that has just been told to close, its Close already read.
  static WsClient closing() {
    auto& one = daemon(Profile::echo);
    auto client = one.connect(GetParam());
    client.handshake();
    client.send_text("newest");
    client.receive();
    const auto dump = one.server().mi("ws.dump", {"used_asc"});
    const auto port = ":" + std::to_string(client.local_port()) + " -> ";
    const auto line = dump.rfind('\n', dump.find(port)) + 1;
    one.server().mi("ws.close", {dump.substr(line, dump.find(':', line) - line)});
    const auto close = client.receive();
    EXPECT_EQ(described(close), "close 1000 Normal closure");
    return client;
  }
  static void expect_end(WsClient& client) { EXPECT_TRUE(client.expect_end()) << "it was reset, not closed"; }
};

TEST_P(ServerCloses, AndTheServerEndsFirstOnceTheClientHasAnswered) {
  auto client = closing();
  client.send_close(1000);
  expect_end(client);
}

TEST_P(ServerCloses, AndTakesAnyAnswerForAnAnswer) {
  for (const auto& answer : {close_payload(1000), close_payload(1001, "other"), close_payload(4999), std::string()}) {
    auto client = closing();
    client.send_raw(frame(op::close, answer));
    expect_end(client);
  }
}

TEST_P(ServerCloses, AndSaysNothingMoreToWhatWasUnderWay) {
  auto client = closing();
  client.send_raw(frame(op::text, "crossed") + frame(op::ping, "crossed") + frame(op::pong, "crossed") + frame(op::first_text, "half") +
                  frame(op::close, close_payload(1000)));
  expect_end(client);
}

TEST_P(ServerCloses, AndEndsAtOnceOverAFrameThatBreaksTheProtocol) {
  for (const auto& wrong : {frame(0xf3, "x"), frame(op::close, close_payload(1005)), frame(op::ping, std::string(126, 'x'))}) {
    auto client = closing();
    client.send_raw(wrong);
    expect_end(client);  // and no second Close (RFC 6455 5.5.1)
  }
}

TEST_P(ServerCloses, AndEndsWhenTheClientEndsInsteadOfAnswering) {
  auto client = closing();
  client.end_sending();
  expect_end(client);
}

TEST_P(ServerCloses, AndDoesNotWaitForTextThatIsNotUtf8ToBeExplained) {
  auto client = closing();
  client.send_raw(frame(op::text, "\xff") + frame(op::close, close_payload(1000)));
  expect_end(client);
}

INSTANTIATE_TEST_SUITE_P(Over, ServerCloses, testing::Values(Transport::ws, Transport::wss), [](const auto& info) { return name_of(info.param); });

TEST(ConformanceTable, NamesEachRowOnce) {
  std::set<std::string> ids;
  for (const auto& row : all_rows()) EXPECT_TRUE(ids.insert(row.id).second) << row.id;
}

class Daemons : public testing::Environment {
  void TearDown() override { EXPECT_TRUE(stop_daemons()) << "a row has cost a daemon its worker, or its good end"; }
};

void print_table() {
  std::vector<std::pair<std::string, std::string>> table;
  for (const auto& row : all_rows()) table.emplace_back(row.id, row.sentence);
  for (const auto& row : all_sip_rows()) table.emplace_back(row.id, row.sentence);
  std::map<std::string, int> counts;
  std::vector<std::string> order;
  for (const auto& [id, sentence] : table) {
    const auto section = id.substr(0, id.rfind('-'));
    if (counts[section]++ == 0) order.push_back(section);
  }
  fmt::print("| section | rows |\n|---|---|\n");
  for (const auto& section : order) fmt::print("| {} | {} |\n", section, counts[section]);
  fmt::print("| all | {} |\n\n| id | what |\n|---|---|\n", table.size());
  for (const auto& [id, sentence] : table) fmt::print("| {} | {} |\n", id, printable(sentence));
}

}  // namespace
}  // namespace sipwsd::test::conformance

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    sipwsd::test::conformance::print_table();
    return 0;
  }
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new sipwsd::test::conformance::Daemons);
  return RUN_ALL_TESTS();
}
