// Frames and messages (RFC 6455 5, 6): the numbers in brackets are those of the Autobahn suite's cases.

#include <fmt/format.h>

#include "tests/conformance/bytes.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

std::string text(std::string_view payload) { return "text " + shown(payload); }
std::string binary(std::string_view payload) { return "binary " + shown(payload); }

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t all_opcodes[] = {0x0, 0x1, 0x2, 0x8, 0x9, 0xa};

const char* name_of(int opcode) {
  switch (opcode) {
    case 0x0: return "continuation";
    case 0x1: return "text";
    case 0x2: return "binary";
    case 0x8: return "Close";
    case 0x9: return "Ping";
    case 0xa: return "Pong";
    default: return "reserved";
  }
}

void mask_rows(Rows& rows) {
  Section s(rows, "6455/5.1", Profile::echo, From::opened);
  for (const auto opcode : all_opcodes) {
    s.row(fmt::format("an unmasked {} (S13)", name_of(opcode)), unmasked(static_cast<std::uint8_t>(fin | opcode), ""), fails(1002));
    s.row(fmt::format("an unmasked {} with a payload (S13)", name_of(opcode)), unmasked(static_cast<std::uint8_t>(fin | opcode), "Hello"),
          fails(1002));
  }
  s.row("an unmasked frame whose payload has not come", unmasked(op::text, std::string(300, 'x')).substr(0, 4), fails(1002));
  s.row("an unmasked frame inside a message", frame(op::first_text, "a") + unmasked(op::last, "b"), fails(1002));
  s.row("an unmasked Ping inside a message", frame(op::first_text, "a") + unmasked(op::ping, "b"), fails(1002));

  Section k(rows, "6455/5.3", Profile::echo, From::opened);
  k.row("the masked Hello of 5.7", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", answers({text("Hello")}));
  for (const auto& key : {"\0\0\0\0"s, "\xff\xff\xff\xff"s, "\0\0\0\1"s, "\x80\0\0\0"s, "abcd"s, "\x81\x85\x88\x89"s})
    k.row(fmt::format("a key of {:02x}{:02x}{:02x}{:02x}", static_cast<std::uint8_t>(key[0]), static_cast<std::uint8_t>(key[1]),
                      static_cast<std::uint8_t>(key[2]), static_cast<std::uint8_t>(key[3])),
          with_key(key, op::binary, all_bytes(300)), answers({binary(all_bytes(300))}));
  k.row("a key of its own for every frame", with_key("abcd", op::text, "one") + with_key("efgh", op::text, "two") + with_key("\0\0\0\0"s, op::ping, "p"),
        answers({"text one", "text two", "pong p"}));
  k.row("a key of its own for every fragment", with_key("abcd", op::first_text, "abcde") + with_key("efgh", op::more, "fgh") + with_key("ijkl", op::last, "i"),
        answers({"text abcdefghi"}));
}

void reserved_rows(Rows& rows) {
  Section s(rows, "6455/5.2-rsv", Profile::echo, From::opened);
  for (int bits = 1; bits <= 7; ++bits)
    for (const auto opcode : all_opcodes)
      s.row(fmt::format("reserved bits {} of a {} (3.{}; S13)", bits, name_of(opcode), bits),
            frame(static_cast<std::uint8_t>(fin | bits << 4 | opcode), "a"), fails(1002));
  s.row("RSV1 in a fragment", frame(op::first_text, "a") + frame(0x40, "b"), fails(1002));
  s.row("RSV1 in a Ping between fragments", frame(op::first_text, "a") + frame(0xc9, "b"), fails(1002));
  s.row("RSV1 behind good frames", frame(op::text, "a") + frame(op::ping, "b") + frame(0xc1, "c"), fails(1002, {"text a", "pong b"}));
  s.row("from the first byte alone", "\xc1", fails(1002));

  Section o(rows, "6455/5.2-opcode", Profile::echo, From::opened);
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    for (const int final : {0, static_cast<int>(fin)})
      for (const auto& payload : {""s, "Hello"s})
        o.row(fmt::format("opcode {}, {}, {} bytes (4.{}; S13)", opcode, final == 0 ? "not final" : "final", payload.size(), opcode < 8 ? 1 : 2),
              frame(static_cast<std::uint8_t>(final | opcode), payload), fails(1002));
  o.row("a reserved opcode inside a message", frame(op::first_text, "a") + frame(0x85, "b"), fails(1002));
  o.row("a reserved opcode behind good frames (4.1.3)", frame(op::text, "a") + frame(0x83, "") + frame(op::ping, "b"), fails(1002, {"text a"}));
  o.row("from the first byte alone", "\x83", fails(1002));
}

void length_rows(Rows& rows) {
  Section s(rows, "6455/5.2-length", Profile::echo, From::opened);
  for (const std::size_t size : {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64, 124, 125, 126, 127, 128, 129, 255, 256, 1000, 4095, 4096, 4097, 16383, 16384,
                                 16385, 65535, 65536, 65537, 131'072}) {
    const std::string payload(size, '*');
    s.row(fmt::format("a text of {} bytes (1.1)", size), frame(op::text, payload), answers({text(payload)}));
    s.row(fmt::format("a binary of {} bytes (1.2)", size), frame(op::binary, all_bytes(size)), answers({binary(all_bytes(size))}));
  }
  s.row("a message of exactly the largest size", frame(op::binary, std::string(max_message, 'm')), answers({binary(std::string(max_message, 'm'))}));

  Section n(rows, "6455/5.2-minimal", Profile::echo, From::opened);
  for (const std::uint64_t length : {0, 1, 5, 124, 125}) {
    const std::string payload(length, 'x');
    n.row(fmt::format("{} in 16 bits", length), with_length(op::binary, 126, length, payload), fails(1002));
    n.row(fmt::format("{} in 64 bits", length), with_length(op::binary, 127, length, payload), fails(1002));
  }
  n.row("126 in 16 bits", with_length(op::binary, 126, 126, std::string(126, 'x')), answers({binary(std::string(126, 'x'))}));
  for (const std::uint64_t length : {126, 127, 65534, 65535})
    n.row(fmt::format("{} in 64 bits", length), with_length(op::binary, 127, length), fails(1002));
  n.row("the top bit of 64", with_length(op::binary, 127, std::uint64_t{1} << 63), fails(1002));
  n.row("2^63 + 5", with_length(op::text, 127, (std::uint64_t{1} << 63) + 5, "Hello"), fails(1002));
  n.row("2^64 - 1", with_length(op::binary, 127, ~std::uint64_t{0}), fails(1002));
  n.row("2^64 - 4", with_length(op::binary, 127, ~std::uint64_t{3}), fails(1002));

  Section b(rows, "6455/10.4", Profile::echo, From::opened);
  for (const int bits : {20, 31, 32, 33, 40, 48, 62})
    b.row(fmt::format("2^{} is refused from the header alone (S12)", bits), with_length(op::binary, 127, std::uint64_t{1} << bits), fails(1009));
  b.row("2^63 - 1 too", with_length(op::binary, 127, (std::uint64_t{1} << 63) - 1), fails(1009));
  b.row("2^32 + 5: the upper half counts", with_length(op::text, 127, (std::uint64_t{1} << 32) + 5, "Hello"), fails(1009));
  b.row("one byte more than the largest", frame_header(op::binary, max_message + 1), fails(1009));
  b.row("one text byte more than the largest", frame_header(op::text, max_message + 1), fails(1009));
  b.row("a first fragment that is too large", frame_header(op::first_binary, max_message + 1), fails(1009));
  b.row("fragments that add up to the largest", frame(op::first_binary, std::string(max_message - 1, 'x')) + frame(op::last, "y"),
        answers({binary(std::string(max_message - 1, 'x') + "y")}));
  b.row("fragments that add up to one more (S12)", frame(op::first_binary, std::string(max_message, 'x')) + frame_header(op::last, 1), fails(1009));
  b.row("a fragment whose length alone overflows the sum", frame(op::first_binary, "x") + with_length(op::last, 127, (std::uint64_t{1} << 63) - 1),
        fails(1009));
  b.row("the largest, then the connection goes on",
        frame(op::binary, std::string(max_message, 'm')) + frame(op::text, "and"), answers({binary(std::string(max_message, 'm')), "text and"}));

  Section f(rows, "6455/10.4-fragments", Profile::echo, From::opened);
  std::vector<std::string> empty(64);
  empty.emplace_back("x");
  f.row("64 empty fragments are borne with", fragments(op::first_text, empty), answers({"text x"}));
  f.row("65 are not (S14)", fragments(op::first_text, std::vector<std::string>(65)), fails(1008));
  f.row("4096 fragments of one byte", byte_fragments(op::first_binary, all_bytes(4096)), answers({binary(all_bytes(4096))}));
  f.row("4097 are too many (S14)", byte_fragments(op::first_binary, all_bytes(4097)), fails(1008));
  f.row("a fragment each of two messages counts for each", byte_fragments(op::first_binary, all_bytes(3000)) + byte_fragments(op::first_binary, all_bytes(3000)),
        answers({binary(all_bytes(3000)), binary(all_bytes(3000))}));
}

void half_rows(Rows& rows) {
  Section s(rows, "6455/5.2-half", Profile::echo, From::opened);
  const std::string small = frame(op::text, "Hello"), medium = frame(op::binary, std::string(300, 'x')), large = frame(op::binary, std::string(70'000, 'x'));
  for (std::size_t size = 1; size < small.size(); ++size)
    s.row(fmt::format("the first {} bytes of a frame with 7 bits of length are waited with", size), small.substr(0, size), waits());
  for (std::size_t size = 2; size <= 9; ++size)
    s.row(fmt::format("the first {} bytes of a frame with 16 bits of length", size), medium.substr(0, size), waits());
  for (std::size_t size = 2; size <= 15; ++size)
    s.row(fmt::format("the first {} bytes of a frame with 64 bits of length", size), large.substr(0, size), waits());
  s.row("all but the last byte of a large message", large.substr(0, large.size() - 1), waits());
  s.row("a Ping without its last byte", frame(op::ping, "Hello").substr(0, 10), waits());
  s.row("a Close without its last byte", frame(op::close, close_payload(1000)).substr(0, 7), waits());
  s.row("a whole fragment is no message", frame(op::first_text, "Hello"), waits());
  s.row("nor are three", frame(op::first_text, "a") + frame(op::more, "b") + frame(op::more, "c"), waits());
}

void fragment_rows(Rows& rows) {
  Section s(rows, "6455/5.4", Profile::echo, From::opened);
  s.row("two fragments (5.3)", fragments(op::first_text, {"frag", "ment"}), answers({"text fragment"}));
  s.row("the fragmented Hello of 5.7, masked", fragments(op::first_text, {"Hel", "lo"}), answers({"text Hello"}));
  s.row("two binary fragments", fragments(op::first_binary, {"\xff"s, "\0"s}), answers({binary("\xff\0"s)}));
  for (const std::size_t count : {3, 10, 64, 500}) {
    const std::vector<std::string> pieces(count, "ab");
    std::string whole;
    for (const auto& piece : pieces) whole += piece;
    s.row(fmt::format("{} fragments", count), fragments(op::first_text, pieces), answers({text(whole)}));
  }
  s.row("fragments of one byte", byte_fragments(op::first_text, "Hello, World"), answers({"text Hello, World"}));
  s.row("an empty first fragment", fragments(op::first_text, {"", "b"}), answers({"text b"}));
  s.row("an empty middle fragment", fragments(op::first_text, {"a", "", "b"}), answers({"text ab"}));
  s.row("an empty last fragment", fragments(op::first_text, {"a", ""}), answers({"text a"}));
  s.row("nothing but empty fragments", fragments(op::first_text, {"", "", ""}), answers({"text "}));
  s.row("fragments of every length encoding", fragments(op::first_binary, {std::string(125, 'a'), std::string(126, 'b'), std::string(65'536, 'c')}),
        answers({binary(std::string(125, 'a') + std::string(126, 'b') + std::string(65'536, 'c'))}));
  s.row("two fragmented messages behind each other", fragments(op::first_text, {"a", "b"}) + fragments(op::first_binary, {"c", "d"}),
        answers({"text ab", "binary cd"}));
  const std::string large = all_bytes(65'536), words(65'536, '*');
  for (const std::size_t size : {64, 256, 1024, 4096, 16'384}) {
    std::vector<std::string> binaries, texts;
    for (std::size_t at = 0; at < large.size(); at += size) {
      binaries.push_back(large.substr(at, size));
      texts.push_back(words.substr(at, size));
    }
    s.row(fmt::format("64 KiB of binary in fragments of {} (9.4, 10.1)", size), fragments(op::first_binary, binaries), answers({binary(large)}));
    s.row(fmt::format("64 KiB of text in fragments of {} (9.3)", size), fragments(op::first_text, texts), answers({text(words)}));
  }
  s.row("a Ping between fragments (5.6)", frame(op::first_text, "a") + frame(op::ping, "p") + frame(op::last, "b"), answers({"pong p", "text ab"}));
  s.row("Pings everywhere (5.7)",
        frame(op::ping, "1") + frame(op::first_text, "a") + frame(op::ping, "2") + frame(op::more, "") + frame(op::ping, "3") + frame(op::last, "b") +
            frame(op::ping, "4"),
        answers({"pong 1", "pong 2", "pong 3", "text ab", "pong 4"}));
  s.row("a Pong between fragments", frame(op::first_text, "a") + frame(op::pong, "p") + frame(op::last, "b"), answers({"text ab"}));
  s.row("a Ping of 125 bytes inside a character", frame(op::first_text, "\xc3") + frame(op::ping, std::string(125, '\xff')) + frame(op::last, "\xbc"),
        answers({"pong " + std::string(125, '\xff'), "text \xc3\xbc"}));
  s.row("a Close between fragments: the message is lost", frame(op::first_text, "a") + frame(op::close, close_payload(1000)) + frame(op::last, "b"),
        closes("close 1000"));
  const struct {
    const char* what;
    std::string sent;
    std::vector<std::string> before;
  } wrong[] = {
      {"a final continuation of nothing (5.9)", frame(op::last, "a"), {}},
      {"a continuation of nothing (5.12)", frame(op::more, "a"), {}},
      {"an empty continuation of nothing", frame(op::last, ""), {}},
      {"a continuation behind a whole message (5.10)", frame(op::text, "a") + frame(op::last, "b"), {"text a"}},
      {"a continuation behind a fragmented message (5.15)", fragments(op::first_text, {"a", "b"}) + frame(op::more, "c"), {"text ab"}},
      {"a continuation behind a Ping", frame(op::ping, "p") + frame(op::last, "b"), {"pong p"}},
      {"a text inside a text (5.18)", frame(op::first_text, "a") + frame(op::text, "b"), {}},
      {"a text fragment inside a text", frame(op::first_text, "a") + frame(op::first_text, "b"), {}},
      {"a binary inside a text", frame(op::first_text, "a") + frame(op::binary, "b"), {}},
      {"a text inside a binary", frame(op::first_binary, "a") + frame(op::text, "b"), {}},
      {"a text behind three fragments", frame(op::first_text, "a") + frame(op::more, "b") + frame(op::more, "c") + frame(op::text, "d"), {}},
      {"a text inside a text, with a Ping between", frame(op::first_text, "a") + frame(op::ping, "p") + frame(op::text, "b"), {"pong p"}},
  };
  for (const auto& [what, sent, before] : wrong) s.row(what, sent, fails(1002, before));
}

void control_rows(Rows& rows) {
  Section s(rows, "6455/5.5", Profile::echo, From::opened);
  for (const int opcode : {0x8, 0x9, 0xa}) {
    const auto first = static_cast<std::uint8_t>(fin | opcode);
    s.row(fmt::format("a {} of 126 bytes (2.5; S13)", name_of(opcode)), frame(first, std::string(126, 'x')), fails(1002));
    s.row(fmt::format("a {} of 65536 bytes", name_of(opcode)), frame_header(first, 65'536), fails(1002));
    s.row(fmt::format("a {} of 5 bytes in 16 bits", name_of(opcode)), with_length(first, 126, 5, "Hello"), fails(1002));
    s.row(fmt::format("a {} of 5 bytes in 64 bits", name_of(opcode)), with_length(first, 127, 5, "Hello"), fails(1002));
    s.row(fmt::format("a {} that is not final (5.1; S13)", name_of(opcode)), frame(static_cast<std::uint8_t>(opcode), ""), fails(1002));
    s.row(fmt::format("a {} in two fragments (5.2)", name_of(opcode)), frame(static_cast<std::uint8_t>(opcode), "a") + frame(op::last, "b"), fails(1002));
    s.row(fmt::format("a {} that is not final inside a message", name_of(opcode)), frame(op::first_text, "a") + frame(static_cast<std::uint8_t>(opcode), "b"),
          fails(1002));
  }

  Section p(rows, "6455/5.5.2", Profile::echo, From::opened);
  for (const std::size_t size : {0, 1, 2, 4, 64, 124, 125})
    p.row(fmt::format("a Ping of {} bytes (2.1-2.4)", size), frame(op::ping, all_bytes(size)), answers({"pong " + all_bytes(size)}));
  p.row("a Ping need not be UTF-8", frame(op::ping, "\xff\xfe\xc0"), answers({"pong \xff\xfe\xc0"}));
  std::string ten;
  std::vector<std::string> pongs;
  for (int i = 0; i < 10; ++i) {
    ten += frame(op::ping, "ping " + std::to_string(i));
    pongs.push_back("pong ping " + std::to_string(i));
  }
  p.row("ten Pings, in order (2.10)", ten, answers(pongs));
  p.row("a Pong is not late: before the echo of what follows", frame(op::ping, "p") + frame(op::text, "t") + frame(op::ping, "q"),
        answers({"pong p", "text t", "pong q"}));

  Section q(rows, "6455/5.5.3", Profile::echo, From::opened);
  for (const std::size_t size : {0, 1, 125})
    q.row(fmt::format("a Pong nobody asked for, of {} bytes (2.7, 2.8; S16)", size), frame(op::pong, all_bytes(size)), nothing());
  std::string flood;
  for (int i = 0; i < 50; ++i) flood += frame(op::pong, "x");
  q.row("fifty of them", flood, nothing());
  q.row("a Pong, then a Ping (2.9)", frame(op::pong, "a") + frame(op::ping, "b"), answers({"pong b"}));
}

void message_rows(Rows& rows) {
  Section s(rows, "6455/5.6", Profile::echo, From::opened);
  s.row("a text with NUL", frame(op::text, "a\0b"s), answers({text("a\0b"s)}));
  s.row("a text of control characters", frame(op::text, "\x01\x02\x1b\x7f\r\n\t"), answers({text("\x01\x02\x1b\x7f\r\n\t")}));
  s.row("binary is not looked into", frame(op::binary, "\xff\x00\xc0\xed\xa0\x80"s), answers({binary("\xff\x00\xc0\xed\xa0\x80"s)}));
  s.row("a binary that is UTF-8 stays binary", frame(op::binary, "Hello"), answers({"binary Hello"}));
  s.row("binary fragments that are not UTF-8", fragments(op::first_binary, {"\xff", "\xc0", "\x80"}), answers({binary("\xff\xc0\x80")}));

  Section m(rows, "6455/6.2", Profile::echo, From::opened);
  std::string many;
  std::vector<std::string> replies;
  for (int i = 0; i < 100; ++i) {
    const bool is_text = i % 3 != 0;
    many += frame(is_text ? op::text : op::binary, std::to_string(i));
    replies.push_back((is_text ? "text " : "binary ") + std::to_string(i));
  }
  m.row("a hundred messages in one write come back in order", many, answers(replies));
  m.row("empty messages are messages", frame(op::text, "") + frame(op::binary, "") + frame(op::text, ""), answers({"text ", "binary ", "text "}));
  m.row("large and small in turn", frame(op::binary, all_bytes(70'000)) + frame(op::text, "a") + frame(op::binary, all_bytes(300)) + frame(op::text, "b"),
        answers({binary(all_bytes(70'000)), "text a", binary(all_bytes(300)), "text b"}));
}

}  // namespace

void add_framing_rows(Rows& rows) {
  mask_rows(rows);
  reserved_rows(rows);
  length_rows(rows);
  half_rows(rows);
  fragment_rows(rows);
  control_rows(rows);
  message_rows(rows);
}

}  // namespace sipwsd::test::conformance
