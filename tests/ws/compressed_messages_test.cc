// Compressed messages through the receive side (RFC 7692 6, 7.2.3): which frames may say RSV1, how they are cut, what
// may stand between them, what fails. Each row is fed whole, byte by byte and cut at every place. Numbers in `name` are
// the section of the RFC or the case of the Autobahn suite (12, 13).

#include "src/ws/permessage_deflate.h"
#include "src/ws/frame_encoder.h"

#include "tests/ws/wire.h"
#include "tests/ws/zlib_peer.h"

#include <gtest/gtest.h>

#include <random>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;
using wire::binary, wire::close, wire::close_payload, wire::continuation, wire::cut, wire::feed, wire::fin, wire::frame,
    wire::ping, wire::pong, wire::rsv1, wire::rsv2, wire::rsv3, wire::shown, wire::text;

using Strings = std::vector<std::string>;
constexpr DeflateAgreement alone{.server_no_context_takeover = true, .client_no_context_takeover = true};

struct Row {
  std::string name;
  std::string sent;
  Strings events;
};

Strings received(const Strings& pieces, const ReceiveLimits& limits = {}, const DeflateAgreement& agreement = alone) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate deflate{agreement, shared};
  return wire::receive(pieces, limits, Role::server, &deflate);
}

std::string deflated(const std::string& message) { return ZlibPeer{}.deflated(message); }

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

std::vector<Row> rows() {
  const std::string long_text(3000, 'z');
  std::vector<Row> rows{
      {"7.2.3.1 one frame", frame(fin | rsv1 | text, hello), {"text Hello"}},
      {"7.2.3.1 two frames",
       frame(rsv1 | text, hello.substr(0, 3)) + frame(fin | continuation, hello.substr(3)),
       {"text Hello"}},
      {"7.2.3.3 without compression", frame(fin | rsv1 | text, "\x00\x05\x00\xfa\xffHello\x00"s), {"text Hello"}},
      {"7.2.3.4 BFINAL", frame(fin | rsv1 | text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), {"text Hello"}},
      {"7.2.3.5 two blocks",
       frame(fin | rsv1 | text, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s),
       {"text Hello"}},
      {"7.2.3.6 empty", frame(fin | rsv1 | binary, "\x00"s), {"binary "}},
      {"7.2.3.6 empty fragments around it",
       frame(rsv1 | text, "") + frame(continuation, hello) + frame(fin | continuation, ""),
       {"text Hello"}},
      {"6.1 binary", frame(fin | rsv1 | binary, deflated("\xff\x00\xfe"s)), {"binary \xff\x00\xfe"s}},
      {"6.1 messages may be compressed or not",
       frame(fin | text, "plain") + frame(fin | rsv1 | text, hello) + frame(fin | text, "plain") +
           frame(fin | rsv1 | binary, deflated(long_text)),
       {"text plain", "text Hello", "text plain", "binary " + shown(long_text)}},
      {"6.1 fragments of one byte, control frames between",
       frame(rsv1 | text, hello.substr(0, 1)) + frame(fin | ping, "p") + frame(continuation, hello.substr(1, 1)) +
           frame(continuation, "") + frame(fin | pong, "") + frame(continuation, hello.substr(2, 4)) +
           frame(fin | continuation, hello.substr(6)),
       {"ping p", "pong ", "text Hello"}},
      {"6.1 close between fragments",
       frame(rsv1 | text, hello.substr(0, 3)) + frame(fin | close, close_payload(1000)) +
           frame(fin | continuation, hello.substr(3)),
       {"closed 1000 "}},
      {"6.1 RSV1 on a last fragment",
       frame(rsv1 | text, hello.substr(0, 3)) + frame(fin | rsv1 | continuation, hello.substr(3)),
       {"failed 1002"}},
      {"6.1 RSV1 on a middle fragment",
       frame(rsv1 | text, hello.substr(0, 3)) + frame(rsv1 | continuation, "") +
           frame(fin | continuation, hello.substr(3)),
       {"failed 1002"}},
      {"6.1 RSV1 on the continuation of a plain message",
       frame(text, "a") + frame(fin | rsv1 | continuation, hello),
       {"failed 1002"}},
      {"6.1 RSV1 on a ping", frame(fin | rsv1 | ping, ""), {"failed 1002"}},
      {"6.1 RSV1 on a pong", frame(fin | rsv1 | pong, ""), {"failed 1002"}},
      {"6.1 RSV1 on a close", frame(fin | rsv1 | close, close_payload(1000)), {"failed 1002"}},
      {"6.1 RSV1 on a stray continuation", frame(fin | rsv1 | continuation, hello), {"failed 1002"}},
      {"RFC 6455 5.2 RSV1 on an unknown opcode", frame(fin | rsv1 | 3, hello), {"failed 1002"}},
      {"RFC 6455 5.2 RSV2", frame(fin | rsv2 | text, "a"), {"failed 1002"}},
      {"RFC 6455 5.2 RSV3", frame(fin | rsv3 | text, "a"), {"failed 1002"}},
      {"RFC 6455 5.2 RSV1 and RSV2", frame(fin | rsv1 | rsv2 | text, hello), {"failed 1002"}},
      {"RFC 6455 5.2 RSV1 and RSV3", frame(fin | rsv1 | rsv3 | binary, hello), {"failed 1002"}},
      {"RFC 6455 5.4 a new message inside a compressed one",
       frame(rsv1 | text, hello) + frame(fin | rsv1 | text, hello),
       {"failed 1002"}},
      {"RFC 6455 8.1 text", frame(fin | rsv1 | text, deflated("\xce\xba\xe1\xbd\xb9")), {"text \xce\xba\xe1\xbd\xb9"}},
      {"RFC 6455 8.1 text that is not UTF-8", frame(fin | rsv1 | text, deflated("a\xff")), {"failed 1007"}},
      {"RFC 6455 8.1 text cut inside a character", frame(fin | rsv1 | text, deflated("a\xe1\xbd")), {"failed 1007"}},
      {"7.2.2 not DEFLATE", frame(fin | rsv1 | text, "Hello"), {"failed 1007"}},
      {"7.2.2 not DEFLATE, in fragments",
       frame(rsv1 | binary, "\x06"s) + frame(fin | ping, "") + frame(fin | continuation, "x"),
       {"ping ", "failed 1007"}},
      {"7.2.2 cut", frame(fin | rsv1 | text, hello.substr(0, 4)), {"failed 1007"}},
      {"nothing after a failure",
       frame(fin | rsv1 | text, "Hello") + frame(fin | text, "after") + frame(fin | close, ""),
       {"failed 1007"}},
  };
  for (const std::size_t size : {0, 1, 16, 64, 125, 126, 256, 1024, 4096, 65535, 65536, 131072}) {
    const std::string message(size, '*');
    rows.push_back({"12 a message of " + std::to_string(size), frame(fin | rsv1 | binary, deflated(message)),
                    {"binary " + shown(message)}});
  }
  return rows;
}

TEST(CompressedMessages, GiveTheEventsOfTheirRow) {
  for (const auto& row : rows()) EXPECT_EQ(received({row.sent}), row.events) << row.name;
}

// S11.
TEST(CompressedMessages, GiveTheSameHoweverTheyAreCut) {
  std::mt19937 random{11};
  for (const auto& row : rows()) {
    EXPECT_EQ(received(cut(row.sent, 1)), row.events) << row.name;
    for (std::size_t at = 1; at < row.sent.size(); ++at)
      ASSERT_EQ(received({row.sent.substr(0, at), row.sent.substr(at)}), row.events) << row.name << " cut at " << at;
    for (int round = 0; round < 5; ++round) {
      Strings pieces;
      for (std::size_t at = 0; at < row.sent.size();) {
        pieces.push_back(row.sent.substr(at, random() % 12));
        at += pieces.back().size();
      }
      ASSERT_EQ(received(pieces), row.events) << row.name;
    }
  }
}

TEST(CompressedMessages, AreProtocolErrorsWhereNothingWasAgreed) {
  for (const int opcode : {text, binary, continuation, ping, pong, close})
    EXPECT_EQ(wire::receive({frame(fin | rsv1 | opcode, hello)}), Strings{"failed 1002"}) << opcode;
}

TEST(CompressedMessages, MayReferToTheMessageBeforeOnlyWithContextTakeover) {
  const auto second = frame(fin | rsv1 | text, "\xf2\x00\x11\x00\x00"s);
  const auto both = frame(fin | rsv1 | text, hello) + frame(fin | text, "plain, and in no window") + second;
  EXPECT_EQ(received({both}, {}, DeflateAgreement{}), (Strings{"text Hello", "text plain, and in no window", "text Hello"}));
  EXPECT_EQ(received({both}), (Strings{"text Hello", "text plain, and in no window", "failed 1007"}));
}

// The size is that of the message; what comes compressed is bounded by the same number.
TEST(CompressedMessages, AreBoundedBeforeAndAfterInflating) {
  ReceiveLimits limits;
  limits.max_message_size = 1000;
  EXPECT_EQ(received({frame(fin | rsv1 | binary, deflated(std::string(1000, 'z')))}, limits).front().substr(0, 11), "binary 1000");
  EXPECT_EQ(received({frame(fin | rsv1 | binary, deflated(std::string(1001, 'z')))}, limits), Strings{"failed 1009"});
  EXPECT_EQ(received({frame(rsv1 | binary, deflated(std::string(1000000, 'z'))) + frame(fin | continuation, "")}, limits),
            Strings{"failed 1009"});
  EXPECT_EQ(received({wire::header(fin | rsv1 | binary, 1001)}, limits), Strings{"failed 1009"});
  EXPECT_EQ(received({frame(rsv1 | binary, std::string(600, 'x')) + wire::header(fin | continuation, 401) + wire::key}, limits),
            Strings{"failed 1009"});
}

// 64 KiB of small bombs in one read would keep the worker for half a second.
TEST(CompressedMessages, AreBoundedInOneRead) {
  const std::string message(256 * 1024, 'z');
  const auto one = frame(fin | rsv1 | binary, deflated(message));
  std::string many;
  for (int i = 0; i < 18; ++i) many += one;

  auto events = received({many});
  EXPECT_EQ(events.size(), 18u);
  EXPECT_EQ(events.back(), "failed 1008");

  events = received({many.substr(0, one.size() * 17), many.substr(0, one.size() * 17)});
  EXPECT_EQ(events, Strings(34, "binary " + shown(message)));

  // What bombs without number cost, whatever is said about them.
  std::string all;
  for (int i = 0; i < 230; ++i) all += one;
  SharedDeflate shared{{.level = 1, .min_size = 1}};
  PerMessageDeflate deflate{alone, shared};
  Strings all_events;
  Receiver receiver;
  feed(receiver, all, {}, all_events, &deflate);
  EXPECT_EQ(all_events.size(), 18u);
}

TEST(CompressedMessages, AreNotLookedAtAfterOurClose) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate deflate{alone, shared};
  Receiver receiver;
  Strings events;
  feed(receiver, frame(rsv1 | text, hello.substr(0, 3)), {}, events, &deflate);
  receiver.discard_data();
  feed(receiver,
       frame(fin | continuation, hello.substr(3)) + frame(fin | rsv1 | text, "no DEFLATE") + frame(fin | ping, "") +
           frame(fin | close, close_payload(1000)),
       {}, events, &deflate);
  EXPECT_EQ(events, (Strings{"ping ", "closed 1000 "}));
  EXPECT_EQ(shared.memory_held(), 0u);
}

// S14, for what is kept of a compressed message; and nothing once it has been shown.
TEST(CompressedMessages, AreKeptWithAtMostTwiceWhatHasCome) {
  std::mt19937 random{3};
  std::string noise(100000, '\0');
  for (auto& byte : noise) byte = static_cast<char>(random());
  const auto payload = deflated(noise);
  std::string wire;
  for (std::size_t i = 0; i < payload.size(); i += 50)
    wire += frame((i == 0 ? rsv1 | binary : int{continuation}) | (i + 50 >= payload.size() ? int{fin} : 0),
                  payload.substr(i, 50));
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate deflate{alone, shared};
  Receiver receiver;
  Strings events;
  std::size_t fed = 0;
  for (const auto& piece : cut(wire, 97)) {
    feed(receiver, piece, {}, events, &deflate);
    fed += piece.size();
    ASSERT_LE(receiver.memory_held(), 2 * fed + 1024);
  }
  EXPECT_EQ(events, Strings{"binary " + shown(noise)});
  EXPECT_EQ(receiver.memory_held(), 0u);
  EXPECT_EQ(deflate.memory_held(), 0u);
}

// Autobahn 12.1-12.5 with the parameters of 13.1-13.7: messages of every size go to us and come back.
TEST(CompressedMessages, ComeBackAsTheyWentWithEachOfAutobahnsParameters) {
  for (const bool takeover : {true, false})
    for (const int bits : {9, 15})
      for (const std::size_t size : {16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072}) {
        const DeflateAgreement agreement{.server_no_context_takeover = !takeover,
                                         .client_no_context_takeover = !takeover,
                                         .server_max_window_bits = static_cast<std::uint8_t>(bits),
                                         .client_max_window_bits = {}};
        SharedDeflate shared{{.level = 6, .min_size = 1}};
        PerMessageDeflate deflate{agreement, shared};
        ZlibPeer peer{15, bits};
        Receiver receiver;
        for (int i = 0; i < (size > 8192 ? 2 : 5); ++i) {
          std::string message;
          while (message.size() < size) message += "{\"id\": " + std::to_string(i * 1000 + message.size()) + "},\n";
          message.resize(size);
          if (!takeover) peer.forget_out(), peer.forget_in();
          Strings events;
          feed(receiver, frame(fin | rsv1 | text, peer.deflated(message)), {}, events, &deflate);
          ASSERT_EQ(events, Strings{"text " + shown(message)});

          const auto outgoing = deflate.outgoing(as_bytes(message));
          const auto echo = std::string{as_text(outgoing.payload)};
          ASSERT_EQ(outgoing.compressed ? peer.inflated(echo) : echo, message);
        }
      }
}

TEST(CompressedMessages, AreMarkedWithRsv1InTheFirstHeaderOnly) {
  std::array<std::byte, max_server_header> header;
  ASSERT_EQ(encode_header(header, Opcode::text, 7, Fin::last, Compressed::yes), 2u);
  EXPECT_EQ(as_text(ByteView{header}.first(2)), "\xc1\x07");  // RFC 7692 7.2.3.1
  ASSERT_EQ(encode_header(header, Opcode::text, 3, Fin::more, Compressed::yes), 2u);
  EXPECT_EQ(as_text(ByteView{header}.first(2)), "\x41\x03");
  ASSERT_EQ(encode_header(header, Opcode::continuation, 4, Fin::last), 2u);
  EXPECT_EQ(as_text(ByteView{header}.first(2)), "\x80\x04");
  std::array<std::byte, max_frame_header> client;
  ASSERT_EQ(encode_masked_header(client, Opcode::binary, 200, MaskKey{}, Fin::last, Compressed::yes), 8u);
  EXPECT_EQ(client[0], std::byte{0xc2});
}

}  // namespace
}  // namespace sipwsd::ws
