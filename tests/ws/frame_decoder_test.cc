#include "src/ws/frame_decoder.h"

#include "tests/ws/wire.h"

#include <gtest/gtest.h>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t no_limit = ~0ULL >> 1;

Result<FrameHeader> decode(const std::string& bytes, Role role = Role::server, std::uint64_t limit = no_limit) {
  return decode_header(as_bytes(bytes), role, limit);
}

// RFC 6455 5.7.
TEST(FrameDecoder, ReadsTheExamplesOfTheRfc) {
  struct Row {
    std::string bytes;
    Role role;
    bool final;
    Opcode opcode;
    std::uint64_t length;
    std::size_t size;
  };
  const Row table[] = {
      {"\x81\x05\x48\x65\x6c\x6c\x6f", Role::client, true, Opcode::text, 5, 2},
      {"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Role::server, true, Opcode::text, 5, 6},
      {"\x01\x03\x48\x65\x6c", Role::client, false, Opcode::text, 3, 2},
      {"\x80\x02\x6c\x6f", Role::client, true, Opcode::continuation, 2, 2},
      {"\x89\x05\x48\x65\x6c\x6c\x6f", Role::client, true, Opcode::ping, 5, 2},
      {"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Role::server, true, Opcode::pong, 5, 6},
      {"\x82\x7e\x01\x00"s, Role::client, true, Opcode::binary, 256, 4},
      {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s, Role::client, true, Opcode::binary, 65536, 10},
  };
  for (const auto& row : table) {
    const auto header = decode(row.bytes, row.role);
    ASSERT_TRUE(header) << row.bytes;
    EXPECT_EQ(header->final, row.final);
    EXPECT_EQ(header->opcode, row.opcode);
    EXPECT_EQ(header->payload_length, row.length);
    EXPECT_EQ(header->size, row.size);
    EXPECT_EQ(header->masked, row.role == Role::server);
  }
}

TEST(FrameDecoder, AsksForMoreUntilTheMaskIsThere) {
  for (const std::uint64_t length : {5ULL, 300ULL, 70000ULL}) {
    const auto bytes = wire::header(wire::fin | wire::binary, length) + wire::key;
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_TRUE(decode(bytes.substr(0, size)).is(Errc::incomplete)) << size;
    const auto header = decode(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->size, bytes.size());
    EXPECT_EQ(header->payload_length, length);
    EXPECT_EQ(header->mask, (MaskKey{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}}));
  }
}

TEST(FrameDecoder, RefusesAsSoonAsTheFieldIsThere) {
  EXPECT_TRUE(decode("\xc1").is(Errc::malformed));                    // reserved bit
  EXPECT_TRUE(decode("\x83").is(Errc::malformed));                    // opcode
  EXPECT_TRUE(decode("\x09").is(Errc::malformed));                    // fragmented ping
  EXPECT_TRUE(decode("\x81\x05").is(Errc::malformed));                // unmasked
  EXPECT_TRUE(decode("\x81\x85", Role::client).is(Errc::malformed));  // masked
  EXPECT_TRUE(decode("\x89\xfe").is(Errc::malformed));                // long ping
  EXPECT_TRUE(decode("\x82\xfe\x00\x7d"s).is(Errc::malformed));       // 125 in two bytes
  EXPECT_TRUE(decode("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s).is(Errc::malformed));
  EXPECT_TRUE(decode("\x82\xfe\x00\x7e"s, Role::server, 125).is(Errc::too_large));
}

TEST(FrameDecoder, TakesExactlyTheLimitAndLeavesControlFramesAlone) {
  const auto bytes = wire::header(wire::fin | wire::binary, 1000) + wire::key;
  EXPECT_TRUE(decode(bytes, Role::server, 1000));
  EXPECT_TRUE(decode(bytes, Role::server, 999).is(Errc::too_large));
  EXPECT_TRUE(decode(wire::header(wire::fin | wire::ping, 125) + wire::key, Role::server, 10));
}

TEST(CloseCode, ComesFromTheKindOfFailure) {
  EXPECT_EQ(close_code_of(Error{Errc::malformed, {}}), CloseCode::protocol_error);
  EXPECT_EQ(close_code_of(Error{Errc::too_large, {}}), CloseCode::message_too_big);
  EXPECT_EQ(close_code_of(Error{Errc::out_of_range, {}}), CloseCode::invalid_payload);
  EXPECT_EQ(close_code_of(Error{Errc::refused, {}}), CloseCode::policy_violation);
  EXPECT_EQ(close_code_of(Error{Errc::full, {}}), CloseCode::internal_error);
}

// RFC 6455 7.4.1, 7.4.2; S15: every number.
TEST(CloseCode, MayBeOnTheWireOnlyWhereTheRfcOrTheRegistrySaysSo) {
  for (std::uint32_t code = 0; code <= 65535; ++code) {
    const bool expected = code == 1000 || code == 1001 || code == 1002 || code == 1003 || code == 1007 ||
                          code == 1008 || code == 1009 || code == 1010 || code == 1011 || code == 1012 ||
                          code == 1013 || code == 1014 || (code >= 3000 && code < 5000);
    ASSERT_EQ(may_be_sent(static_cast<std::uint16_t>(code)), expected) << code;
    ASSERT_EQ(may_be_received(static_cast<std::uint16_t>(code)), expected) << code;
  }
}

}  // namespace
}  // namespace sipwsd::ws
