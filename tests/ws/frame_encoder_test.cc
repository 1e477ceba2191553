#include "src/ws/frame_encoder.h"

#include "tests/ws/wire.h"

#include <gtest/gtest.h>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;

constexpr MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

std::string encoded(Opcode opcode, std::uint64_t length, Fin end = Fin::last) {
  std::array<std::byte, max_server_header> out{};
  const auto size = encode_header(out, opcode, length, end);
  return std::string{as_text(ByteView{out}.first(size))};
}
std::string text_of(const ControlFrame& frame) { return std::string{as_text(frame.bytes())}; }

// RFC 6455 5.7.
TEST(FrameEncoder, WritesTheExamplesOfTheRfc) {
  EXPECT_EQ(encoded(Opcode::text, 5), "\x81\x05");
  EXPECT_EQ(encoded(Opcode::text, 3, Fin::more), "\x01\x03");
  EXPECT_EQ(encoded(Opcode::continuation, 2), "\x80\x02");
  EXPECT_EQ(encoded(Opcode::binary, 256), "\x82\x7e\x01\x00"s);
  EXPECT_EQ(encoded(Opcode::binary, 65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(text_of(ping_frame(as_bytes("Hello"))), "\x89\x05Hello");

  std::array<std::byte, max_frame_header> out{};
  auto hello = std::array{std::byte{'H'}, std::byte{'e'}, std::byte{'l'}, std::byte{'l'}, std::byte{'o'}};
  const auto size = encode_masked_header(out, Opcode::text, hello.size(), key);
  apply_mask(hello, key);
  EXPECT_EQ(std::string{as_text(ByteView{out}.first(size))} + std::string{as_text(hello)},
            "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

// Above 65535 Kamailio 4.1 wrote four bytes after the 127 and lost the stream.
TEST(FrameEncoder, UsesTheShortestLengthAtEachBoundary) {
  for (const std::uint64_t length : {0ULL, 125ULL, 126ULL, 65535ULL, 65536ULL, 1ULL << 32, (1ULL << 63) - 1}) {
    EXPECT_EQ(encoded(Opcode::binary, length), wire::header(wire::fin | wire::binary, length, false)) << length;
    std::array<std::byte, max_frame_header> out{};
    const auto size = encode_masked_header(out, Opcode::binary, length, key);
    EXPECT_EQ(std::string{as_text(ByteView{out}.first(size))},
              wire::header(wire::fin | wire::binary, length) + wire::key)
        << length;
  }
}

TEST(FrameEncoder, IsReadBackByTheReceiverOfTheOtherRole) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 200000}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(wire::receive({encoded(Opcode::binary, size) + payload}, {}, Role::client),
              std::vector{"binary " + wire::shown(payload)});
  }
}

TEST(FrameEncoder, SendsTextOnlyWhenItIsText) {
  EXPECT_EQ(opcode_for("INVITE sip:a SIP/2.0\r\n\r\n\xc3\xa4"), Opcode::text);
  EXPECT_EQ(opcode_for("\xe4"), Opcode::binary);
  EXPECT_EQ(opcode_for(""), Opcode::text);
}

TEST(FrameEncoder, CutsAControlPayloadAt125) {
  EXPECT_EQ(text_of(pong_frame(as_bytes(std::string(125, 'x')))), "\x8a\x7d" + std::string(125, 'x'));
  EXPECT_EQ(text_of(pong_frame(as_bytes(std::string(126, 'x')))), "\x8a\x7d" + std::string(125, 'x'));
  EXPECT_EQ(text_of(pong_frame({})), "\x8a\x00"s);
}

TEST(CloseFrame, HoldsCodeAndReason) {
  const auto frame = close_frame(CloseCode::going_away, "restart");
  ASSERT_TRUE(frame);
  EXPECT_EQ(text_of(*frame), "\x88\x09\x03\xe9restart");
  EXPECT_EQ(text_of(*close_frame(CloseCode::no_status, "dropped")), "\x88\x00"s);
}

TEST(CloseFrame, CutsTheReasonOnACharacter) {
  const auto exact = close_frame(CloseCode::normal, std::string(121, 'x') + "\xc3\xa4");
  const auto cut = close_frame(CloseCode::normal, std::string(122, 'x') + "\xc3\xa4");
  ASSERT_TRUE(exact && cut);
  EXPECT_EQ(exact->payload().size(), 125u);
  EXPECT_EQ(as_text(cut->payload()).substr(2), std::string(122, 'x'));
  EXPECT_EQ(close_frame(CloseCode::normal, std::string(1000, 'x'))->payload().size(), 125u);
}

TEST(CloseFrame, LeavesOutAReasonThatIsNotUtf8) {
  EXPECT_EQ(text_of(*close_frame(CloseCode::normal, "\xff")), "\x88\x02\x03\xe8");
}

TEST(CloseFrame, RefusesACodeThatMayNotBeSent) {
  for (const int code : {0, 999, 1004, 1006, 1015, 1016, 2999, 5000})
    EXPECT_TRUE(close_frame(static_cast<CloseCode>(code), "").is(Errc::out_of_range)) << code;
  for (const int code : {1000, 1014, 3000, 4999}) EXPECT_TRUE(close_frame(static_cast<CloseCode>(code), "")) << code;
}

// RFC 6455 5.5.1.
TEST(CloseReply, EchoesTheCodeAndAnswersNoneWithNone) {
  EXPECT_EQ(text_of(close_reply(CloseCode::going_away)), "\x88\x02\x03\xe9");
  EXPECT_EQ(text_of(close_reply(static_cast<CloseCode>(4999))), "\x88\x02\x13\x87");
  EXPECT_EQ(text_of(close_reply(CloseCode::no_status)), "\x88\x00"s);
}

}  // namespace
}  // namespace sipwsd::ws
