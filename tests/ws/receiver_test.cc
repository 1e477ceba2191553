#include "src/ws/receiver.h"

#include "tests/ws/wire.h"

#include <gtest/gtest.h>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;
using wire::binary, wire::close, wire::continuation, wire::cut, wire::feed, wire::fin, wire::frame, wire::header,
    wire::key, wire::masked, wire::ping, wire::receive, wire::text;

using Strings = std::vector<std::string>;

std::vector<std::byte> buffer_of(const std::string& bytes) { return {as_bytes(bytes).begin(), as_bytes(bytes).end()}; }

TEST(Receiver, ShowsAWholeMessageInsideTheReadBuffer) {
  auto buffer = buffer_of(frame(fin | text, "Hello") + frame(fin | ping, "p"));
  MutableBytes unread{buffer};
  Receiver receiver;

  const auto event = receiver.next(unread, {});

  ASSERT_TRUE(event && std::holds_alternative<Message>(*event));
  const auto payload = std::get<Message>(*event).payload;
  EXPECT_EQ(payload.data(), buffer.data() + 6);
  EXPECT_EQ(as_text(payload), "Hello");
  EXPECT_EQ(unread.data(), buffer.data() + 11);
  EXPECT_EQ(receiver.memory_held(), 0u);
}

TEST(Receiver, HoldsNothingWhenNothingIsUnderWay) {
  const std::string wire = frame(text, std::string(500, 'a')) + frame(fin | ping, std::string(100, 'p')) +
                           frame(continuation, "b") + frame(fin | continuation, "c") +
                           frame(fin | binary, std::string(3000, 'x'));
  Receiver receiver;
  Strings events;
  for (const auto& piece : cut(wire, 1)) {
    feed(receiver, piece, {}, events);
    if (receiver.is_idle()) {
      EXPECT_EQ(receiver.memory_held(), 0u);
    }
  }
  EXPECT_EQ(events.size(), 3u);
  EXPECT_TRUE(receiver.is_idle());
  EXPECT_EQ(receiver.memory_held(), 0u);
}

TEST(Receiver, IsNotIdleFromTheFirstByteOfAFrameToTheEndOfItsMessage) {
  const std::string wire = frame(text, "a") + frame(fin | continuation, "b");
  Receiver receiver;
  Strings events;
  EXPECT_TRUE(receiver.is_idle());
  for (std::size_t i = 0; i < wire.size(); ++i) {
    feed(receiver, wire.substr(i, 1), {}, events);
    EXPECT_EQ(receiver.is_idle(), i + 1 == wire.size()) << i;
  }
}

// S14: the memory follows what has come, not what was announced.
TEST(Receiver, HoldsAtMostTwiceThePayloadAndAKilobyte) {
  const std::string payload(200000, 'x');
  std::string fragments;
  for (std::size_t i = 0; i < 3000; ++i) fragments += frame((i == 0 ? int{binary} : int{continuation}), "x");
  for (const auto& [wire, per_byte] : {std::pair{frame(fin | binary, payload), 1u}, std::pair{fragments, 7u}}) {
    Receiver receiver;
    Strings events;
    std::size_t fed = 0;
    for (const auto& piece : cut(wire, 97)) {
      feed(receiver, piece, {}, events);
      fed += piece.size();
      const std::size_t received = fed / per_byte;
      if (receiver.is_idle()) continue;
      ASSERT_LE(receiver.memory_held(), 2 * received + 1024) << fed;
    }
  }
}

// S12: from the header alone.
TEST(Receiver, RefusesALengthOverTheLimitBeforeTheMaskOrAnyPayload) {
  ReceiveLimits limits;
  limits.max_message_size = 1000;
  for (const std::uint64_t length : {1001ULL, 65535ULL, 1ULL << 32, (1ULL << 63) - 1}) {
    Receiver receiver;
    Strings events;
    feed(receiver, header(fin | binary, length), limits, events);
    EXPECT_EQ(events, Strings{"failed 1009"}) << length;
    EXPECT_EQ(receiver.memory_held(), 0u);
  }
  EXPECT_EQ(receive({frame(fin | binary, std::string(1000, 'x'))}, limits).size(), 1u);
}

TEST(Receiver, CountsTheSizeOverAllFragments) {
  ReceiveLimits limits;
  limits.max_message_size = 1000;
  const std::string start = frame(binary, std::string(600, 'x'));
  EXPECT_EQ(receive({start + frame(fin | continuation, std::string(400, 'x'))}, limits).size(), 1u);
  EXPECT_EQ(receive({start + header(fin | continuation, 401) + key}, limits), Strings{"failed 1009"});
  // and begins anew with each message
  const std::string whole = start + frame(fin | continuation, std::string(400, 'x'));
  EXPECT_EQ(receive({whole + whole}, limits).size(), 2u);
}

std::string fragments_of(std::size_t count, const std::string& payload) {
  std::string wire = frame(binary, payload);
  for (std::size_t i = 1; i < count; ++i) wire += frame(continuation, payload);
  return wire;
}

// S14.
TEST(Receiver, BoundsTheNumberOfFragments) {
  ReceiveLimits limits;
  limits.max_message_size = 6400;
  limits.max_fragments = 50;  // 6400 / 64 is more: 100
  EXPECT_EQ(receive({fragments_of(100, "x")}, limits), Strings{});
  EXPECT_EQ(receive({fragments_of(101, "x")}, limits), Strings{"failed 1008"});
  limits.max_fragments = 150;
  EXPECT_EQ(receive({fragments_of(150, "x")}, limits), Strings{});
  EXPECT_EQ(receive({fragments_of(151, "x")}, limits), Strings{"failed 1008"});
}

TEST(Receiver, BoundsEmptyFragmentsMoreTightly) {
  const ReceiveLimits limits;
  EXPECT_EQ(receive({fragments_of(64, "")}, limits), Strings{});
  EXPECT_EQ(receive({fragments_of(65, "")}, limits), Strings{"failed 1008"});
  std::string many;  // whole empty messages are no fragments
  for (int i = 0; i < 200; ++i) many += frame(fin | text, "");
  EXPECT_EQ(receive({many}, limits).size(), 200u);
}

// RFC 6455 8.1: as soon as it is known.
TEST(Receiver, FailsATextAtTheBreakingByteAndNotAtTheEndOfTheFrame) {
  const std::string payload = "abc\xf4\x90" + std::string(1000, 'x');
  const auto wire = frame(fin | text, payload);
  EXPECT_EQ(receive({wire.substr(0, 8 + 4)}), Strings{});
  EXPECT_EQ(receive({wire.substr(0, 8 + 5)}), Strings{"failed 1007"});
}

// S17.
TEST(Receiver, SaysNothingMoreAfterCloseOrFailureAndKeepsNothing) {
  for (const auto& last : {frame(fin | close, "\x03\xe8" + std::string(100, 'r')), frame(fin | 3, "")}) {
    Receiver receiver;
    Strings events;
    for (const auto& piece : cut(frame(text, std::string(5000, 'x')) + last, 50)) feed(receiver, piece, {}, events);
    EXPECT_EQ(events.size(), 1u);
    EXPECT_TRUE(receiver.has_ended());
    EXPECT_TRUE(receiver.is_idle());
    EXPECT_EQ(receiver.memory_held(), 0u);

    feed(receiver, frame(fin | text, "late") + frame(fin | close, ""), {}, events);
    feed(receiver, "\x81", {}, events);
    EXPECT_EQ(events.size(), 1u);
    EXPECT_EQ(receiver.memory_held(), 0u);
  }
}

TEST(Receiver, PassesOverDataWhileItWaitsForTheAnswerToOurClose) {
  Receiver receiver;
  Strings events;
  feed(receiver, frame(text, std::string(1000, 'x')), {}, events);
  receiver.discard_data();
  EXPECT_EQ(receiver.memory_held(), 0u);

  feed(receiver,
       frame(fin | continuation, "\xff") + frame(fin | text, "no") + frame(fin | ping, "p") +
           header(fin | binary, 5000) + key,
       {}, events);
  for (int i = 0; i < 50; ++i) feed(receiver, std::string(100, 'x'), {}, events);
  EXPECT_EQ(receiver.memory_held(), 0u);
  feed(receiver, frame(fin | close, "\x03\xe8"), {}, events);

  EXPECT_EQ(events, (Strings{"ping p", "closed 1000 "}));
}

TEST(Receiver, KeepsAReasonThatCameInPiecesUntilTheNextCall) {
  const auto wire = frame(fin | close, "\x03\xe8slowly");
  Receiver receiver;
  std::vector<std::byte> buffer = buffer_of(wire.substr(0, 9));
  MutableBytes unread{buffer};
  ASSERT_FALSE(receiver.next(unread, {}));
  buffer = buffer_of(wire.substr(9));
  unread = buffer;

  const auto event = receiver.next(unread, {});

  ASSERT_TRUE(event && std::holds_alternative<Closed>(*event));
  EXPECT_EQ(std::get<Closed>(*event).reason, "slowly");
}

TEST(Receiver, GivesTheReasonTextsOfTheModuleWithItsFailures) {
  const auto reason_of = [](const std::string& bytes) {
    auto buffer = buffer_of(bytes);
    MutableBytes unread{buffer};
    Receiver receiver;
    const auto event = receiver.next(unread, {});
    return event && std::holds_alternative<Failed>(*event) ? std::get<Failed>(*event).reason : std::string_view{};
  };
  EXPECT_EQ(reason_of("\xf1"), "Protocol error");
  EXPECT_EQ(reason_of(header(fin | text, 1 << 30)), "Message too big");
}

}  // namespace
}  // namespace sipwsd::ws
