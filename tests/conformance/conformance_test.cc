// Runs the table. With --list it is printed instead, as Markdown with the counts by section.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cctype>
#include <cstring>
#include <map>
#include <set>

#include "tests/conformance/runner.h"

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
  std::map<std::string, int> counts;
  std::vector<std::string> order;
  for (const auto& row : all_rows()) {
    const auto section = row.id.substr(0, row.id.rfind('-'));
    if (counts[section]++ == 0) order.push_back(section);
  }
  fmt::print("| section | rows |\n|---|---|\n");
  for (const auto& section : order) fmt::print("| {} | {} |\n", section, counts[section]);
  fmt::print("| all | {} |\n\n| id | what |\n|---|---|\n", all_rows().size());
  for (const auto& row : all_rows()) fmt::print("| {} | {} |\n", row.id, row.sentence);
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
