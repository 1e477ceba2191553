// RFC 6455 as a table: what a client sends, what the receive side makes of it. The numbers in `name` are those of the
// Autobahn suite's cases (1-7, 9, 10), the rest is the section of the RFC. Each row is fed whole, byte by byte, cut at
// every place, in random pieces, and between neighbours (S10, S11, S13, S15, S17).

#include "tests/ws/wire.h"

#include <gtest/gtest.h>

#include <random>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;
using wire::binary, wire::close, wire::close_payload, wire::continuation, wire::cut, wire::fin, wire::frame,
    wire::header, wire::key, wire::masked, wire::number, wire::ping, wire::pong, wire::receive, wire::server_frame,
    wire::shown, wire::text;

using Strings = std::vector<std::string>;

struct Row {
  std::string name;
  std::string sent;
  Strings events;
};

bool has_ended(const Strings& events) {
  return !events.empty() && (events.back().starts_with("closed") || events.back().starts_with("failed"));
}

const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";  // Autobahn's text

std::vector<Row> data_rows() {
  std::vector<Row> rows;
  for (const std::size_t size : {0, 1, 125, 126, 127, 128, 300}) {
    const std::string payload(size, '*');
    rows.push_back({"1.1 5.6 text of " + std::to_string(size), frame(fin | text, payload), {"text " + shown(payload)}});
    rows.push_back(
        {"1.2 5.6 binary of " + std::to_string(size), frame(fin | binary, payload), {"binary " + shown(payload)}});
  }
  rows.push_back({"5.7 Hello", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", {"text Hello"}});
  rows.push_back({"5.3 a key of zeros", "\x81\x82\0\0\0\0ab"s, {"text ab"}});
  rows.push_back({"5.6 binary is not looked into", frame(fin | binary, "\xff\x00\xc0"s), {"binary \xff\x00\xc0"s}});
  rows.push_back({"several in one read",
                  frame(fin | text, "a") + frame(fin | binary, "b") + frame(fin | text, "c"),
                  {"text a", "binary b", "text c"}});
  return rows;
}

std::vector<Row> control_rows() {
  std::vector<Row> rows;
  const std::string most(125, 'x');
  rows.push_back({"2.1 empty ping", frame(fin | ping, ""), {"ping "}});
  rows.push_back({"2.2 ping", frame(fin | ping, "Hello"), {"ping Hello"}});
  rows.push_back({"2.3 binary ping", frame(fin | ping, "\x00\xff\xfe"s), {"ping \x00\xff\xfe"s}});
  rows.push_back({"2.4 longest ping", frame(fin | ping, most), {"ping " + most}});
  rows.push_back({"2.5 ping of 126", frame(fin | ping, most + "x"), {"failed 1002"}});
  rows.push_back({"2.7 unsolicited pong", frame(fin | pong, ""), {"pong "}});
  rows.push_back({"2.8 unsolicited pong with payload", frame(fin | pong, most), {"pong " + most}});
  rows.push_back({"2.9 pong, then ping", frame(fin | pong, "a") + frame(fin | ping, "b"), {"pong a", "ping b"}});
  rows.push_back({"2.10 pings",
                  frame(fin | ping, "1") + frame(fin | ping, "2") + frame(fin | ping, "3"),
                  {"ping 1", "ping 2", "ping 3"}});
  rows.push_back({"5.5 pong of 126", frame(fin | pong, most + "x"), {"failed 1002"}});
  rows.push_back({"5.1 fragmented ping", frame(ping, "a") + frame(fin | continuation, "b"), {"failed 1002"}});
  rows.push_back({"5.2 fragmented pong", frame(pong, "a") + frame(fin | continuation, "b"), {"failed 1002"}});
  rows.push_back({"5.5 fragmented close", frame(close, close_payload(1000)), {"failed 1002"}});
  return rows;
}

std::vector<Row> header_rows() {
  std::vector<Row> rows;
  for (int bits = 1; bits <= 7; ++bits)
    for (const int opcode : {text, binary, close, ping, pong, continuation})
      rows.push_back({"3 5.2 reserved bits " + std::to_string(bits) + " with opcode " + std::to_string(opcode),
                      frame(fin | bits << 4 | opcode, "a"),
                      {"failed 1002"}});
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    for (const int end : {0, int{fin}})
      for (const auto& payload : {""s, "a"s})
        rows.push_back({"4 5.2 opcode " + std::to_string(opcode), frame(end | opcode, payload), {"failed 1002"}});
  for (const int opcode : {text, binary, close, ping, pong})
    rows.push_back({"5.1 unmasked, opcode " + std::to_string(opcode), server_frame(fin | opcode, ""), {"failed 1002"}});

  const auto first = std::string(1, static_cast<char>(fin | binary));
  rows.push_back(
      {"5.2 125 in two bytes", first + "\xfe" + number(125, 2) + key + std::string(125, 'x'), {"failed 1002"}});
  rows.push_back({"5.2 0 in two bytes", first + "\xfe" + number(0, 2) + key, {"failed 1002"}});
  rows.push_back({"5.2 65535 in eight bytes", first + "\xff" + number(65535, 8) + key, {"failed 1002"}});
  rows.push_back({"5.2 0 in eight bytes", first + "\xff" + number(0, 8) + key, {"failed 1002"}});
  rows.push_back({"5.2 2^63", first + "\xff" + number(1ULL << 63, 8) + key, {"failed 1002"}});
  rows.push_back({"5.2 2^64-1", first + "\xff" + number(~0ULL, 8) + key, {"failed 1002"}});
  rows.push_back({"5.2 2^64-4", first + "\xff" + number(~0ULL - 3, 8) + key, {"failed 1002"}});
  rows.push_back({"10.4 2^63-1", first + "\xff" + number(~0ULL >> 1, 8) + key, {"failed 1009"}});
  rows.push_back({"10.4 2^32", first + "\xff" + number(1ULL << 32, 8) + key, {"failed 1009"}});
  return rows;
}

std::vector<Row> fragment_rows() {
  return {
      {"5.3 two fragments", frame(text, "frag") + frame(fin | continuation, "ment"), {"text fragment"}},
      {"5.4 binary fragments",
       frame(binary, "a") + frame(continuation, "b") + frame(fin | continuation, "c"),
       {"binary abc"}},
      {"5.6 ping between fragments",
       frame(text, "a") + frame(fin | ping, "p") + frame(fin | continuation, "b"),
       {"ping p", "text ab"}},
      {"5.4 pong between fragments",
       frame(text, "a") + frame(fin | pong, "p") + frame(fin | continuation, "b"),
       {"pong p", "text ab"}},
      {"5.4 close between fragments",
       frame(text, "a") + frame(fin | close, close_payload(1000)) + frame(fin | continuation, "b"),
       {"closed 1000 "}},
      {"5.9 continuation without a start", frame(fin | continuation, "a") + frame(fin | text, "b"), {"failed 1002"}},
      {"5.12 open continuation without a start", frame(continuation, "a") + frame(fin | text, "b"), {"failed 1002"}},
      {"5.15 continuation after the end",
       frame(text, "a") + frame(fin | continuation, "b") + frame(continuation, "c"),
       {"text ab", "failed 1002"}},
      {"5.16 continuation after a whole message",
       frame(fin | text, "a") + frame(fin | continuation, "b"),
       {"text a", "failed 1002"}},
      {"5.18 text inside a message", frame(text, "a") + frame(fin | text, "b"), {"failed 1002"}},
      {"5.18 binary inside a message", frame(text, "a") + frame(binary, "b"), {"failed 1002"}},
      {"5.19 pings all through",
       frame(text, "1") + frame(continuation, "2") + frame(fin | ping, "p") + frame(continuation, "3") +
           frame(continuation, "4") + frame(fin | ping, "q") + frame(fin | continuation, "5"),
       {"ping p", "ping q", "text 12345"}},
      {"6.1.2 three empty fragments",
       frame(text, "") + frame(continuation, "") + frame(fin | continuation, ""),
       {"text "}},
      {"6.1.3 only the middle one holds something",
       frame(text, "") + frame(continuation, "m") + frame(fin | continuation, ""),
       {"text m"}},
      {"5.4 only the last one holds something", frame(text, "") + frame(fin | continuation, "m"), {"text m"}},
      {"5.4 two fragmented messages",
       frame(text, "a") + frame(fin | continuation, "b") + frame(binary, "c") + frame(fin | continuation, "d"),
       {"text ab", "binary cd"}},
  };
}

std::vector<Row> utf8_rows() {
  std::vector<Row> rows;
  const auto valid = [&](const std::string& name, const std::string& payload) {
    rows.push_back({name, frame(fin | text, payload), {"text " + payload}});
  };
  const auto invalid = [&](const std::string& name, const std::string& payload) {
    rows.push_back({name, frame(fin | text, payload), {"failed 1007"}});
    rows.push_back(
        {name + ", with more behind it", frame(fin | text, payload + "tail") + frame(fin | ping, ""), {"failed 1007"}});
    rows.push_back({name + ", behind ASCII", frame(fin | text, "0123456789abcdef" + payload), {"failed 1007"}});
    rows.push_back({name + ", in a first fragment",
                    frame(text, payload + "x") + frame(fin | ping, "") + frame(fin | continuation, ""),
                    {"failed 1007"}});
  };
  valid("6.2 a valid text", "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!");
  valid("6.5 kosme", kosme);
  valid("6.7 U+0000", "\0"s);
  valid("6.7 U+0080", "\xc2\x80");
  valid("6.7 U+0800", "\xe0\xa0\x80");
  valid("6.7 U+10000", "\xf0\x90\x80\x80");
  valid("6.9 U+07FF", "\xdf\xbf");
  valid("6.9 U+FFFF", "\xef\xbf\xbf");
  valid("6.9 U+10FFFF", "\xf4\x8f\xbf\xbf");
  valid("6.11 U+D7FF", "\xed\x9f\xbf");
  valid("6.11 U+E000", "\xee\x80\x80");
  valid("6.22 a non-character", "\xef\xbf\xbe");
  invalid("6.3 a surrogate in the middle", kosme + "\xed\xa0\x80" + "edited");
  invalid("6.8 five bytes", "\xf8\x88\x80\x80\x80");
  invalid("6.8 six bytes", "\xfc\x84\x80\x80\x80\x80");
  invalid("6.10 U+110000", "\xf4\x90\x80\x80");
  invalid("6.12 a lone continuation byte", "\x80");
  invalid("6.12 many", "\x80\xbf\x80\xbf");
  invalid("6.14 a lone lead byte", "\xc0 ");
  invalid("6.16 fe", "\xfe");
  invalid("6.16 ff", "\xff");
  invalid("6.17 overlong 2", "\xc0\xaf");
  invalid("6.17 overlong 3", "\xe0\x80\xaf");
  invalid("6.18 overlong 4", "\xf0\x8f\xbf\xbf");
  invalid("6.20 half a surrogate pair", "\xed\xa0\x80");
  invalid("6.21 a surrogate pair", "\xed\xa0\x80\xed\xb0\x80");
  for (const auto& cut_off : {"\xce"s, "\xe1\xbd"s, "\xf0\x9f\x98"s})
    rows.push_back({"6.6 a text that ends inside a character", frame(fin | text, "ok" + cut_off), {"failed 1007"}});
  rows.push_back({"6.2.3 a character across fragments",
                  frame(text, "\xce") + frame(fin | ping, "") + frame(continuation, "\xba\xf0\x9f") +
                      frame(continuation, "") + frame(fin | continuation, "\x98\x80"),
                  {"ping ", "text \xce\xba\xf0\x9f\x98\x80"}});
  rows.push_back({"6.4 fails at the fragment that breaks it",
                  frame(text, kosme) + frame(continuation, "\xf4\x90") + frame(fin | ping, ""),
                  {"failed 1007"}});
  rows.push_back({"8.1 the last fragment leaves a character open",
                  frame(text, "a") + frame(fin | continuation, "\xe1\xbd"),
                  {"failed 1007"}});
  rows.push_back({"8.1 an empty last fragment leaves it open",
                  frame(text, "\xe1") + frame(fin | continuation, ""),
                  {"failed 1007"}});
  rows.push_back({"8.1 the state does not leak into the next message",
                  frame(binary, "\xe1") + frame(fin | continuation, "") + frame(fin | text, "ok"),
                  {"binary \xe1", "text ok"}});
  return rows;
}

std::vector<Row> close_rows() {
  std::vector<Row> rows;
  const std::string behind = frame(fin | text, "after") + frame(fin | ping, "after") + frame(fin | close, "");
  rows.push_back({"7.1.1 message, then close",
                  frame(fin | text, "Hello") + frame(fin | close, close_payload(1000)),
                  {"text Hello", "closed 1000 "}});
  rows.push_back({"7.1.2 two closes",
                  frame(fin | close, close_payload(1000)) + frame(fin | close, close_payload(1001)),
                  {"closed 1000 "}});
  rows.push_back(
      {"7.1.3 ping after close", frame(fin | close, close_payload(1000)) + frame(fin | ping, ""), {"closed 1000 "}});
  rows.push_back({"7.1.4 text after close", frame(fin | close, close_payload(1001)) + behind, {"closed 1001 "}});
  rows.push_back({"7.1.5 close inside a message",
                  frame(text, "a") + frame(fin | close, close_payload(1000)) + frame(fin | continuation, "b"),
                  {"closed 1000 "}});
  rows.push_back({"7.3.1 no payload", frame(fin | close, "") + behind, {"closed 1005 "}});
  rows.push_back({"7.3.2 one byte", frame(fin | close, "a") + behind, {"failed 1002"}});
  rows.push_back({"7.3.3 code only", frame(fin | close, close_payload(1000)), {"closed 1000 "}});
  rows.push_back(
      {"7.3.4 code and reason", frame(fin | close, close_payload(1000, "Hello World!")), {"closed 1000 Hello World!"}});
  rows.push_back({"7.3.5 longest reason",
                  frame(fin | close, close_payload(1000, std::string(123, '*'))),
                  {"closed 1000 " + std::string(123, '*')}});
  rows.push_back(
      {"7.3.6 reason of 124", frame(fin | close, close_payload(1000, std::string(124, '*'))), {"failed 1002"}});
  rows.push_back({"7.5.1 reason not UTF-8",
                  frame(fin | close, close_payload(1000, kosme + "\xed\xa0\x80"
                                                                 "edited")),
                  {"failed 1007"}});
  rows.push_back(
      {"7.5.1 reason cut inside a character", frame(fin | close, close_payload(1000, "\xe1\xbd")), {"failed 1007"}});
  for (const std::uint16_t code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
    rows.push_back({"7.7 code " + std::to_string(code),
                    frame(fin | close, close_payload(code, "r")) + behind,
                    {"closed " + std::to_string(code) + " r"}});
  for (const std::uint16_t code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    rows.push_back(
        {"7.9 code " + std::to_string(code), frame(fin | close, close_payload(code, "r")) + behind, {"failed 1002"}});
  rows.push_back({"nothing after a failure", frame(fin | 3, "") + behind, {"failed 1002"}});
  return rows;
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const auto& part : {data_rows(), control_rows(), header_rows(), fragment_rows(), utf8_rows(), close_rows()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

class Conformance : public testing::Test {
 protected:
  const std::vector<Row> rows_ = all_rows();
};

TEST_F(Conformance, EachRowGivesItsEventsWhenItComesWhole) {
  for (const auto& row : rows_) EXPECT_EQ(receive({row.sent}), row.events) << row.name;
}

TEST_F(Conformance, EachRowGivesTheSameByteByByte) {
  for (const auto& row : rows_) EXPECT_EQ(receive(cut(row.sent, 1)), row.events) << row.name;
}

TEST_F(Conformance, EachRowGivesTheSameCutAnywhere) {
  for (const auto& row : rows_)
    for (std::size_t at = 1; at < row.sent.size(); ++at)
      ASSERT_EQ(receive({row.sent.substr(0, at), row.sent.substr(at)}), row.events) << row.name << " cut at " << at;
}

TEST_F(Conformance, EachRowGivesTheSameInRandomPieces) {
  std::mt19937 random{7};
  for (const auto& row : rows_)
    for (int round = 0; round < 5; ++round) {
      Strings pieces;
      for (std::size_t at = 0; at < row.sent.size();) {
        pieces.push_back(row.sent.substr(at, random() % 12));  // an empty read is a read, too
        at += pieces.back().size();
      }
      ASSERT_EQ(receive(pieces), row.events) << row.name;
    }
}

TEST_F(Conformance, EachRowGivesTheSameBetweenNeighbours) {
  const std::string before =
      frame(fin | text, "before") + frame(binary, "fr") + frame(fin | continuation, "ag") + frame(fin | ping, "p");
  const std::string after = frame(fin | ping, "after") + frame(fin | text, kosme);
  for (const auto& row : rows_) {
    Strings expected{"text before", "binary frag", "ping p"};
    expected.insert(expected.end(), row.events.begin(), row.events.end());
    if (!has_ended(row.events)) expected.insert(expected.end(), {"ping after", "text " + kosme});
    const auto all = before + row.sent + after;

    ASSERT_EQ(receive({all}), expected) << row.name;
    for (const std::size_t size : {1, 2, 3, 7, 16, 64})
      ASSERT_EQ(receive(cut(all, size)), expected) << row.name << " by " << size;
    ASSERT_EQ(receive({before + row.sent.substr(0, row.sent.size() / 2), row.sent.substr(row.sent.size() / 2) + after}),
              expected)
        << row.name;
  }
}

// Autobahn 9 and 10 at the sizes that matter to a codec, with the limit an operator would set for them.
TEST(ConformanceOfLargeMessages, ComeThroughInOneFrameInFragmentsAndInSmallReads) {
  ReceiveLimits limits;
  limits.max_message_size = 16 * 1024 * 1024;
  std::string payload(4 * 1024 * 1024, '*');
  for (std::size_t i = 0; i < payload.size(); i += 1000)
    payload.replace(i % (payload.size() - 10), kosme.size(), kosme);
  payload.resize(4 * 1024 * 1024 - 16);
  payload.append(16, '*');

  const Strings expected{"text " + shown(payload)};
  EXPECT_EQ(receive({frame(fin | text, payload)}, limits), expected);
  EXPECT_EQ(receive(cut(frame(fin | text, payload), 4096), limits), expected);
  for (const std::size_t size : {64, 1300, 65536}) {
    std::string wire;
    for (std::size_t at = 0; at < payload.size(); at += size)
      wire += frame((at == 0 ? int{text} : int{continuation}) | (at + size >= payload.size() ? int{fin} : 0),
                    payload.substr(at, size));
    EXPECT_EQ(receive(cut(wire, 16384), limits), expected) << size;
  }
}

TEST(ConformanceOfLengths, TheLargestOfEachFormIsTaken) {
  for (const std::size_t size : {125, 126, 65535, 65536, 262144}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(receive({frame(fin | binary, payload)}), Strings{"binary " + shown(payload)}) << size;
  }
  EXPECT_EQ(receive({header(fin | binary, 262145)}), Strings{"failed 1009"});
}

TEST(ClientRole, WantsUnmaskedFramesAndRefusesMaskedOnes) {
  EXPECT_EQ(receive({"\x81\x05Hello"}, {}, Role::client), Strings{"text Hello"});
  EXPECT_EQ(receive(cut(server_frame(fin | text, std::string(300, 'x')) +
                            server_frame(fin | close, close_payload(1001, "restart")),
                        1),
                    {}, Role::client),
            (Strings{"text " + shown(std::string(300, 'x')), "closed 1001 restart"}));
  EXPECT_EQ(receive({frame(fin | text, "Hello")}, {}, Role::client), Strings{"failed 1002"});
}

}  // namespace
}  // namespace sipwsd::ws
