#include "src/bus/letter_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace sipwsd::bus {
namespace {

constexpr ConnectionId seven{7};

Endpoint some_endpoint() {
  Endpoint e;
  e.family = AddressFamily::ipv6;
  e.address = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
  e.port = 40022;
  e.protocol = TransportProtocol::wss;
  return e;
}

template <typename Kind>
bool same(const Kind& a, const Kind& b) {
  return std::apply([&](auto... field) { return ((a.*field == b.*field) && ...); }, Kind::fields);
}

const std::vector<Letter>& examples() {
  static const std::string large(200'000, 'x');
  static const std::vector<Letter> all{
      SendMessage{seven, OpcodeHint::binary, "z9hG4bK1", std::string_view{"a\0b", 3}},
      SendMessage{seven, OpcodeHint::automatic, "", large},
      SendFailed{seven, Errc::full, "z9hG4bK1"},
      SipResponse{seven, some_endpoint(), Endpoint{}, "SIP/2.0 200 OK\r\n\r\n"},
      SipDatagram{some_endpoint(), Endpoint{}, "OPTIONS sip:x SIP/2.0\r\n\r\n"},
      Ping{seven, 0, "sipwsd"},
      Pong{seven, 9, ""},
      Close{seven, 4'000'000'000, 1001, CloseMode::after_send, "going away"},
      Drop{seven, 1, DropReason::no_pong},
      MiAnswer{5, AnswerPart::more, 404, "line\n"},
      ConnectionClosed{seven},
      ClientMoved{ClientId{0x1122334455667788}, ConnectionId{5}, seven, WorkerSlot{3}, some_endpoint(), Endpoint{}},
      StoreBindings{1, "sip:alice@example.com"},
      BindingsStored{std::uint64_t{1} << 40, StoreOutcome::failed},
      StrayCancel{seven, WorkerSlot{2}, ClientId{9}, some_endpoint(), Endpoint{}, "CANCEL sip:bob@example.com SIP/2.0\r\n\r\n"},
  };
  return all;
}

std::vector<std::byte> bytes_of(const Letter& letter) {
  std::vector<std::byte> bytes(encoded_size(letter));
  encode(letter, bytes);
  return bytes;
}

TEST(LetterCodec, GivesBackEveryKindAsItWas) {
  std::set<std::size_t> kinds;
  for (const Letter& letter : examples()) {
    kinds.insert(letter.index());
    const auto bytes = bytes_of(letter);
    const auto back = decode(bytes);
    ASSERT_TRUE(back) << letter.index();
    ASSERT_EQ(back->index(), letter.index());
    std::visit(
        [&](const auto& kind) {
          EXPECT_TRUE(same(kind, std::get<std::remove_cvref_t<decltype(kind)>>(*back))) << letter.index();
        },
        letter);
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Letter>) << "a kind has no example";
}

TEST(LetterCodec, RefusesALetterThatEndsTooEarlyOrTooLate) {
  for (const Letter& letter : examples()) {
    auto bytes = bytes_of(letter);
    if (bytes.size() > 1000) continue;
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_TRUE(decode(ByteView{bytes}.first(size)).is(Errc::malformed)) << letter.index() << " cut at " << size;
    bytes.push_back(std::byte{0});
    EXPECT_TRUE(decode(bytes).is(Errc::malformed)) << letter.index();
  }
}

TEST(LetterCodec, RefusesAnotherVersionAndAnUnknownKind) {
  auto bytes = bytes_of(ConnectionClosed{ConnectionId{1}});
  bytes[1] = std::byte{99};
  EXPECT_TRUE(decode(bytes).is(Errc::unsupported));
  bytes = bytes_of(ConnectionClosed{ConnectionId{1}});
  bytes[0] = std::byte{250};
  EXPECT_TRUE(decode(bytes).is(Errc::unsupported));
  bytes[0] = std::byte{0};
  EXPECT_TRUE(decode(bytes).is(Errc::unsupported));
}

TEST(LetterCodec, NeverLooksPastWhatItWasGiven) {
  std::minstd_rand random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> noise(random() % 64);
    for (std::byte& b : noise) b = static_cast<std::byte>(random());
    if (noise.size() > 1) {
      noise[0] = static_cast<std::byte>(random() % 16);
      noise[1] = std::byte{letters_version};
    }
    const auto letter = decode(noise);
    if (!letter) continue;
    EXPECT_EQ(encoded_size(*letter), noise.size());
  }
}

TEST(LetterCodec, TextsAreViewsOfTheLetter) {
  const auto bytes = bytes_of(Ping{seven, 0, "payload"});
  const auto letter = decode(bytes);
  ASSERT_TRUE(letter);
  const char* payload = std::get<Ping>(*letter).payload.data();
  EXPECT_GE(payload, reinterpret_cast<const char*>(bytes.data()));
  EXPECT_LT(payload, reinterpret_cast<const char*>(bytes.data() + bytes.size()));
}

}  // namespace
}  // namespace sipwsd::bus
