// DEFLATE messages: the examples of RFC 7692 7.2.3 byte by byte, every window against zlib itself, and what is refused.

#include "src/ws/permessage_deflate.h"

#include "tests/ws/zlib_peer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sipwsd::ws {
namespace {

using namespace std::string_literals;

constexpr std::size_t plenty = 1 << 20;

std::string bytes_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

std::string told(const Result<ByteView>& result) {
  if (result) return std::string{as_text(*result)};
  switch (result.error().code) {
    case Errc::too_large: return "too large";
    case Errc::out_of_range: return "no DEFLATE";
    case Errc::refused: return "too many blocks";
    default: return "another error";
  }
}

// One message into a fresh stream.
std::string inflated(const std::string& payload, std::size_t limit = plenty) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate connection{DeflateAgreement{}, shared};
  return told(connection.inflated(as_bytes(payload), limit));
}

std::string deflated(PerMessageDeflate& connection, const std::string& message) {
  const auto outgoing = connection.outgoing(as_bytes(message));
  EXPECT_TRUE(outgoing.compressed);
  return std::string{as_text(outgoing.payload)};
}

const std::string hello = bytes_of({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});

TEST(Inflater, ReadsTheExamplesOfTheRfc) {
  struct Row {
    const char* section;
    std::string payload, message;
  };
  const Row table[] = {
      {"7.2.3.1 one block", hello, "Hello"},
      {"7.2.3.3 a block without compression",
       bytes_of({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00}), "Hello"},
      {"7.2.3.4 a block with BFINAL", bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}), "Hello"},
      {"7.2.3.5 two blocks",
       bytes_of({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00}), "Hello"},
      {"7.2.3.6 nothing", bytes_of({0x00}), ""},
  };
  for (const auto& row : table) EXPECT_EQ(inflated(row.payload), row.message) << row.section;
}

// RFC 7692 7.2.3.2.
TEST(Inflater, KeepsItsWindowOnlyWithContextTakeover) {
  const auto shorter = bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00});
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate keeps{DeflateAgreement{}, shared};
  PerMessageDeflate forgets{DeflateAgreement{.client_no_context_takeover = true}, shared};

  EXPECT_EQ(told(keeps.inflated(as_bytes(hello), plenty)), "Hello");
  EXPECT_EQ(told(keeps.inflated(as_bytes(shorter), plenty)), "Hello");

  EXPECT_EQ(told(forgets.inflated(as_bytes(hello), plenty)), "Hello");
  EXPECT_EQ(told(forgets.inflated(as_bytes(hello), plenty)), "Hello");
  EXPECT_EQ(told(forgets.inflated(as_bytes(shorter), plenty)), "no DEFLATE");
}

TEST(Deflater, WritesTheExamplesOfTheRfc) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate keeps{DeflateAgreement{}, shared};
  EXPECT_EQ(deflated(keeps, "Hello"), hello);
  EXPECT_EQ(deflated(keeps, "Hello"), bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00}));
}

// RFC 7692 7.2.1: behind a block with BFINAL the next begins with the next byte, and what came before stays in the
// window, in this message and, with context takeover, in the next.
TEST(Inflater, GoesOnBehindABlockWithBfinal) {
  const auto last = bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  const auto again = bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00});
  EXPECT_EQ(inflated(last + hello), "HelloHello");
  EXPECT_EQ(inflated(last + last + last + "\0"s), "HelloHelloHello");
  EXPECT_EQ(inflated(last + again), "HelloHello");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += bytes_of({0x03, 0x00});  // empty, fixed codes, BFINAL
  EXPECT_EQ(inflated(many + hello), "Hello");

  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate keeps{DeflateAgreement{}, shared};
  EXPECT_EQ(told(keeps.inflated(as_bytes(last + "\0"s), plenty)), "Hello");
  EXPECT_EQ(told(keeps.inflated(as_bytes(again), plenty)), "Hello");
}

// Each without need, each seen in the wild, none of them ambiguous.
TEST(Inflater, ForgivesATailThatWasLeftOnOrTakenTwice) {
  const auto last = bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  const auto tail = bytes_of({0x00, 0x00, 0xff, 0xff});
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate keeps{DeflateAgreement{}, shared};
  for (const auto& payload : {hello + tail, last, ""s, hello})
    EXPECT_EQ(told(keeps.inflated(as_bytes(payload), plenty)), payload.empty() ? "" : "Hello");
}

TEST(Inflater, RefusesWhatIsNoDeflate) {
  struct Row {
    const char* name;
    std::string payload;
  };
  const Row table[] = {
      {"a reserved block type", bytes_of({0x06})},
      {"a reserved block type at the end", bytes_of({0x07})},
      {"stored lengths that do not agree", bytes_of({0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})},
      {"a distance before the first byte", bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00})},
      {"plain text", "Hello, this is not compressed"},
      {"a zlib header", bytes_of({0x78, 0x9c}) + hello},
      {"a gzip header", bytes_of({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}) + hello},
      {"codes that are oversubscribed", bytes_of({0x04, 0x00, 0xfe, 0xff})},
      {"garbage behind a block with BFINAL", bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06})},
  };
  for (const auto& row : table) EXPECT_EQ(inflated(row.payload), "no DEFLATE") << row.name;
}

std::string sip_like(std::size_t size, unsigned seed) {
  static const std::vector<std::string> words{"INVITE sip:bob@example.com SIP/2.0\r\n", "Via: SIP/2.0/WSS ",
                                              "df7jal23ls0d.invalid;branch=z9hG4bK", "a=candidate:",
                                              "\r\n", "192.0.2.1 ", "typ host\r\n", "\xc3\xa4\xe2\x82\xac"};
  std::mt19937 random{seed};
  std::string text;
  while (text.size() < size) text += words[random() % words.size()] + std::to_string(random() % 1000);
  return text;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random{seed};
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::vector<std::string> messages() {
  std::vector<std::string> all;
  for (const std::size_t size : {1, 2, 16, 255, 256, 300, 1000, 4096, 20000, 70000}) {
    all.push_back(sip_like(size, static_cast<unsigned>(size)));
    all.push_back(noise(size, static_cast<unsigned>(size)));
    all.push_back(std::string(size, 'z'));
  }
  return all;
}

// Wherever a block is cut. (Between two blocks nobody can tell.)
TEST(Inflater, RefusesAMessageThatEndsInsideABlock) {
  ZlibPeer peer;
  for (const auto& message : {sip_like(400, 1), sip_like(20, 2), std::string(5000, 'z')}) {
    peer.forget_out();
    const auto payload = peer.deflated(message);
    ASSERT_EQ(inflated(payload), message);
    for (std::size_t size = 1; size < payload.size(); ++size)
      ASSERT_EQ(inflated(payload.substr(0, size)), "no DEFLATE") << size << " of " << payload.size();
  }
}

class EveryWindow : public testing::TestWithParam<std::tuple<int, bool>> {
 protected:
  int bits() const { return std::get<0>(GetParam()); }
  bool takeover() const { return std::get<1>(GetParam()); }
  // What the other side agreed to has no part in this.
  DeflateAgreement for_sending() const {
    return {.server_no_context_takeover = !takeover(),
            .client_no_context_takeover = false,
            .server_max_window_bits = static_cast<std::uint8_t>(bits()),
            .client_max_window_bits = {}};
  }
  DeflateAgreement for_receiving() const {
    return {.server_no_context_takeover = false,
            .client_no_context_takeover = !takeover(),
            .server_max_window_bits = {},
            .client_max_window_bits = static_cast<std::uint8_t>(bits())};
  }
};

TEST_P(EveryWindow, IsReadByZlibWithThatWindow) {
  for (const int level : {1, 6, 9}) {
    SharedDeflate shared{{.level = level, .min_size = 1}};
    PerMessageDeflate server{for_sending(), shared};
    ZlibPeer client{15, bits()};
    for (const auto& message : messages()) {
      const auto outgoing = server.outgoing(as_bytes(message));
      if (outgoing.compressed) {
        if (!takeover()) client.forget_in();
        ASSERT_EQ(client.inflated(std::string{as_text(outgoing.payload)}), message) << message.size();
      } else {
        ASSERT_EQ(as_text(outgoing.payload), message);
        ASSERT_FALSE(takeover());  // the peer's window would miss it
      }
    }
  }
}

TEST_P(EveryWindow, ReadsWhatZlibWroteWithThatWindow) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate server{for_receiving(), shared};
  ZlibPeer client{bits(), 15};
  for (const auto& message : messages()) {
    if (!takeover()) client.forget_out();
    ASSERT_EQ(told(server.inflated(as_bytes(client.deflated(message)), plenty)), message) << message.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Deflate, EveryWindow, testing::Combine(testing::Range(9, 16), testing::Bool()));

// RFC 7692 7.1.2.2: a client may bind itself to 256 bytes; those that are made of zlib then use 512.
TEST(Inflater, ReadsAClientThatAgreedTo256Bytes) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate server{DeflateAgreement{.client_max_window_bits = 8}, shared};
  ZlibPeer client{9, 15};
  for (const auto& message : messages())
    ASSERT_EQ(told(server.inflated(as_bytes(client.deflated(message)), plenty)), message);
}

// Both ends of ours: the client role swaps the directions.
TEST(PerMessageDeflate, TalksToItselfInTheOtherRole) {
  const DeflateAgreement agreement{.server_no_context_takeover = true,
                                   .client_no_context_takeover = false,
                                   .server_max_window_bits = 9,
                                   .client_max_window_bits = 12};
  SharedDeflate here{{.level = 6, .min_size = 1}}, there{{.level = 6, .min_size = 1}};
  PerMessageDeflate server{agreement, here}, client{agreement, there, Role::client};
  for (const auto& message : messages()) {
    ASSERT_EQ(told(server.inflated(as_bytes(deflated(client, message)), plenty)), message);
    const auto outgoing = server.outgoing(as_bytes(message));
    if (outgoing.compressed) {
      ASSERT_EQ(told(client.inflated(outgoing.payload, plenty)), message);
    }
  }
}

TEST(PerMessageDeflate, SendsShortMessagesAndWhatDoesNotShrinkAsTheyAre) {
  SharedDeflate shared{{.level = 6, .min_size = 100}};
  PerMessageDeflate connection{DeflateAgreement{.server_no_context_takeover = true}, shared};
  const auto compressed = [&](const std::string& message) {
    const auto outgoing = connection.outgoing(as_bytes(message));
    EXPECT_TRUE(outgoing.compressed || as_text(outgoing.payload) == message);
    return outgoing.compressed;
  };
  EXPECT_FALSE(compressed(""));
  EXPECT_FALSE(compressed(std::string(99, 'z')));
  EXPECT_TRUE(compressed(std::string(100, 'z')));
  EXPECT_FALSE(compressed(noise(1000, 1)));
}

// Once it has gone into a window that is kept, the peer must have it, too.
TEST(PerMessageDeflate, SendsNoiseCompressedWhenTheWindowIsKept) {
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate connection{DeflateAgreement{}, shared};
  ZlibPeer client;
  for (const auto& message : {noise(1000, 1), noise(1000, 1), ""s, noise(1000, 1)}) {
    const auto outgoing = connection.outgoing(as_bytes(message));
    EXPECT_EQ(outgoing.compressed, !message.empty());
    if (outgoing.compressed) {
      EXPECT_EQ(client.inflated(std::string{as_text(outgoing.payload)}), message);
    }
  }
}

// Connections that share their streams see nothing of each other.
TEST(SharedDeflate, ForgetsOneConnectionBeforeTheNext) {
  const DeflateAgreement alone{.server_no_context_takeover = true, .client_no_context_takeover = true};
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate alice{alone, shared}, mallory{alone, shared};
  const auto secret = sip_like(500, 3);
  const auto first = deflated(alice, secret);
  EXPECT_EQ(deflated(mallory, secret), first);

  EXPECT_EQ(told(alice.inflated(as_bytes(first), plenty)), secret);
  EXPECT_EQ(told(mallory.inflated(as_bytes(bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00})), plenty)), "no DEFLATE");
  EXPECT_EQ(told(mallory.inflated(as_bytes("garbage"), plenty)), "no DEFLATE");
  EXPECT_EQ(told(alice.inflated(as_bytes(first), plenty)), secret);
}

// --- limits -----------------------------------------------------------------------------------------------------------

TEST(Inflater, LetsAMessageGrowToTheLimitAndNotBeyond) {
  ZlibPeer peer;
  const auto payload = peer.deflated(std::string(100000, 'z'));
  EXPECT_EQ(inflated(payload, 100000), std::string(100000, 'z'));
  EXPECT_EQ(inflated(payload, 99999), "too large");
  EXPECT_EQ(inflated(payload, 0), "too large");
  EXPECT_EQ(inflated(bytes_of({0x00}), 0), "");
}

// 1 GiB in 1 MiB: each flushed piece stands alone, so one MiB of zeros a thousand times is a message.
std::string bomb() {
  ZlibPeer peer{15, 15, 9};
  const auto piece = peer.flushed(std::string(1 << 20, '\0'), Z_FULL_FLUSH);
  std::string all;
  for (int i = 0; i < 1024; ++i) all += piece;
  return all;
}

TEST(Inflater, StopsABombAtTheLimitWithoutTheMemoryForMore) {
  const auto payload = bomb();
  ASSERT_LT(payload.size(), std::size_t{1200 * 1024});
  for (const std::size_t limit : {std::size_t{1000}, std::size_t{256 * 1024}, std::size_t{3 << 20}}) {
    HeldBytes out;
    Inflater inflater{15};
    EXPECT_TRUE(inflater.inflate(as_bytes(payload), limit, out).is(Errc::too_large));
    EXPECT_LE(out.capacity(), limit + 1);
  }
}

// Bits, least significant first.
class BitWriter {
 public:
  BitWriter& put(unsigned value, int count) {
    for (int i = 0; i < count; ++i) bits_ += (value >> i & 1) != 0 ? '1' : '0';
    return *this;
  }
  std::string bytes() const {
    std::string out((bits_.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < bits_.size(); ++i)
      if (bits_[i] == '1') out[i / 8] = static_cast<char>(out[i / 8] | 1 << i % 8);
    return out;
  }

 private:
  std::string bits_;
};

// Empty, but with tables to build: 257 literal codes of which one is used, one distance code. 11 bytes.
void put_empty_dynamic_block(BitWriter& writer) {
  writer.put(0, 1).put(2, 2).put(0, 5).put(0, 5).put(14, 4);
  for (int i = 0; i < 18; ++i) writer.put(i == 2 || i == 17 ? 1 : 0, 3);  // of the code lengths 18 and 1
  writer.put(1, 1).put(127, 7).put(1, 1).put(107, 7);                     // 256 zeros
  writer.put(0, 1).put(0, 1).put(0, 1);                                   // the end's length, the distance's, the end
}

std::string empty_dynamic_blocks(int count) {
  BitWriter writer;
  for (int i = 0; i < count; ++i) put_empty_dynamic_block(writer);
  return writer.put(0, 3).bytes();
}

// 256 KiB of them would keep a worker for 60 ms.
TEST(Inflater, RefusesMoreBlocksThanThereIsUseFor) {
  EXPECT_EQ(inflated(empty_dynamic_blocks(60)), "");
  EXPECT_EQ(inflated(empty_dynamic_blocks(80)), "too many blocks");
  EXPECT_EQ(inflated(empty_dynamic_blocks(20000)), "too many blocks");
  const auto many = [](const std::string& block, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += block;
    return inflated(all + "\0"s);
  };
  EXPECT_EQ(many("\x03\x00"s, 2000), "");  // fixed codes, BFINAL
  EXPECT_EQ(many("\x03\x00"s, 100000), "too many blocks");
  EXPECT_EQ(many("\0\0\0\xff\xff"s, 50000), "");
}

// What real compressors do at their most wasteful.
TEST(Inflater, ReadsMessagesThatWereFlushedOftenOrWrittenWithLittleMemory) {
  ZlibPeer peer;
  const auto text = sip_like(100000, 5);
  for (const std::size_t step : {1, 7, 100, 300, 1000}) {
    peer.forget_out();
    const auto part = text.substr(0, step < 100 ? 1000 : text.size());
    std::string payload;
    for (std::size_t at = 0; at < part.size(); at += step) payload += peer.flushed(part.substr(at, step), Z_SYNC_FLUSH);
    EXPECT_EQ(inflated(payload.substr(0, payload.size() - 4)), part) << step;
  }
  for (const auto& message : {text, noise(100000, 6), std::string(1000000, 'z')}) {
    ZlibPeer small{9, 15, 9, 1};
    EXPECT_EQ(inflated(small.deflated(message)), message);
  }
}

TEST(SharedDeflate, GivesBackWhatALargeMessageTook) {
  const DeflateAgreement alone{.server_no_context_takeover = true, .client_no_context_takeover = true};
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate connection{alone, shared};
  const auto large = deflated(connection, noise(100000, 1) + std::string(400000, 'z'));
  ASSERT_EQ(told(connection.inflated(as_bytes(large), plenty)).size(), 500000u);
  EXPECT_GT(shared.memory_held(), 600000u);

  const auto small = deflated(connection, std::string(1000, 'z'));
  EXPECT_EQ(told(connection.inflated(as_bytes(small), plenty)), std::string(1000, 'z'));
  EXPECT_LT(shared.memory_held(), 350000u);  // 262 K and 39 K are the streams'
}

TEST(PerMessageDeflate, HoldsNothingOfItsOwnWithoutContextTakeover) {
  const DeflateAgreement alone{.server_no_context_takeover = true, .client_no_context_takeover = true};
  SharedDeflate shared{{.level = 6, .min_size = 1}};
  PerMessageDeflate connection{alone, shared};
  EXPECT_EQ(told(connection.inflated(as_bytes(deflated(connection, sip_like(5000, 1))), plenty)), sip_like(5000, 1));
  EXPECT_EQ(connection.memory_held(), 0u);
}

// The table in deflate.h and the help of deflate_context_takeover.
TEST(PerMessageDeflate, HoldsWhatIsDocumentedWithContextTakeover) {
  struct Row {
    int bits;
    std::size_t kilobytes;
  };
  for (const auto& row : {Row{9, 18}, Row{10, 23}, Row{11, 32}, Row{12, 50}, Row{13, 86}, Row{14, 158}, Row{15, 302}}) {
    const auto bits = static_cast<std::uint8_t>(row.bits);
    SharedDeflate shared{{.level = 6, .min_size = 1}};
    PerMessageDeflate server{DeflateAgreement{.server_max_window_bits = bits, .client_max_window_bits = bits}, shared};
    ZlibPeer client{row.bits, 15};
    EXPECT_EQ(server.memory_held(), 0u);  // until it is used
    static_cast<void>(server.outgoing(as_bytes("Hello")));
    ASSERT_EQ(told(server.inflated(as_bytes(client.deflated("Hello")), plenty)), "Hello");
    EXPECT_LE(server.memory_held(), row.kilobytes * 1024) << row.bits;
    EXPECT_GT(server.memory_held(), (row.kilobytes - 1) * 1024) << row.bits;
  }
}

}  // namespace
}  // namespace sipwsd::ws
