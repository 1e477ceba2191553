// permessage-deflate (RFC 7692): what is agreed on, and messages compressed in every way the RFC shows. The daemon's frames
// come back through a zlib of the test's own, with no larger window than was agreed on.

#include <fmt/format.h>

#include <random>

#include "tests/conformance/bytes.h"
#include "tests/conformance/request.h"
#include "tests/conformance/row.h"
#include "tests/ws/zlib_peer.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

constexpr std::uint8_t rsv1 = 0x40;
constexpr std::uint8_t deflated_text = op::text | rsv1, deflated_binary = op::binary | rsv1;
constexpr std::uint8_t first_deflated_text = op::first_text | rsv1, first_deflated_binary = op::first_binary | rsv1;

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;  // 7.2.3.1

std::string packed(const std::string& message, int window_bits = 15) { return ws::ZlibPeer(window_bits).deflated(message); }

std::string noise(std::size_t size) {
  std::mt19937 random(7692);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

void offer_rows(Rows& rows) {
  const auto offer = [](const std::string& value) { return Request().add("Sec-WebSocket-Extensions: " + value).text(); };
  const auto agreed = [](std::string_view more = {}) {
    return answers({head::accepted("sip", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", {},
                                   more.empty() ? "" : "permessage-deflate" + (more == "nothing" ? ""s : "; " + std::string(more)))});
  };
  const auto declined = answers({head::accepted()});
  const std::string none = "server_no_context_takeover; client_no_context_takeover";

  Section s(rows, "7692/7.1", Profile::deflate, From::first_byte);
  for (const std::string value : {"permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover",
                                  "permessage-deflate;client_no_context_takeover;server_no_context_takeover", "permessage-deflate; client_max_window_bits=15",
                                  "permessage-deflate; client_max_window_bits=\"15\"", "foo, permessage-deflate", "foo; bar=2, permessage-deflate",
                                  "permessage-deflate, permessage-deflate; client_max_window_bits", " permessage-deflate ;\tclient_max_window_bits "})
    s.row("`" + value + "` is agreed on, without windows that live", offer(value), agreed(none));
  for (const int bits : {9, 10, 11, 12, 13, 14, 15})
    s.row(fmt::format("the server's window is bounded by {}", bits), offer(fmt::format("permessage-deflate; server_max_window_bits={}", bits)),
          agreed(none + fmt::format("; server_max_window_bits={}", bits)));
  for (const int bits : {8, 9, 10, 14})
    s.row(fmt::format("the client's is bounded by {}", bits), offer(fmt::format("permessage-deflate; client_max_window_bits={}", bits)),
          agreed(none + fmt::format("; client_max_window_bits={}", bits)));
  s.row("both are", offer("permessage-deflate; server_max_window_bits=12; client_max_window_bits=11"),
        agreed(none + "; server_max_window_bits=12; client_max_window_bits=11"));
  for (const std::string value :
       {"permessage-deflate; unknown", "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010", "permessage-deflate; server_max_window_bits=x",
        "permessage-deflate; server_max_window_bits=-9", "permessage-deflate; server_max_window_bits=8", "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16", "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits", "permessage-deflate2", "xpermessage-deflate", "x-webkit-deflate-frame"})
    s.row("`" + value + "` is declined, and the handshake goes on", offer(value), declined);
  s.row("the second offer is taken when the first can't be (5.1)", offer("permessage-deflate; server_max_window_bits=8, permessage-deflate"), agreed(none));
  s.row("the first of two that can be is", offer("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
        agreed(none + "; server_max_window_bits=10"));
  s.row("offers in two lines", Request().add("Sec-WebSocket-Extensions: foo").add("Sec-WebSocket-Extensions: permessage-deflate").text(), agreed(none));
  s.row("no offer, nothing agreed on", Request().text(), declined);
  for (const std::string value : {"permessage-deflate;", "permessage-deflate; client_max_window_bits=", "permessage-deflate; client_max_window_bits=\"1 0\""})
    s.row("`" + value + "` breaks the grammar", offer(value), closes(head::bad_request));

  Section t(rows, "7692/7.1.1", Profile::deflate_takeover, From::first_byte);
  t.row("windows that live, when nobody minds", offer("permessage-deflate"), agreed("nothing"));
  t.row("the client wants none from us", offer("permessage-deflate; server_no_context_takeover"), agreed("server_no_context_takeover"));
  t.row("the client will have none", offer("permessage-deflate; client_no_context_takeover"), agreed("client_no_context_takeover"));
  t.row("neither has", offer("permessage-deflate; client_no_context_takeover; server_no_context_takeover"), agreed(none));

  Section w(rows, "7692/7.1.2", Profile::deflate_small, From::first_byte);
  w.row("our bound is said unasked", offer("permessage-deflate"), agreed(none + "; server_max_window_bits=10"));
  w.row("the client's only when it may be", offer("permessage-deflate; client_max_window_bits"),
        agreed(none + "; server_max_window_bits=10; client_max_window_bits=10"));
  w.row("a tighter bound wins", offer("permessage-deflate; client_max_window_bits=9; server_max_window_bits=9"),
        agreed(none + "; server_max_window_bits=9; client_max_window_bits=9"));
  w.row("a wider one does not", offer("permessage-deflate; client_max_window_bits=15; server_max_window_bits=15"),
        agreed(none + "; server_max_window_bits=10; client_max_window_bits=10"));
}

void example_rows(Rows& rows) {
  Section s(rows, "7692/7.2.3", Profile::deflate, From::opened);
  const auto row = [&](std::string sentence, std::string sent, Outcome outcome) {
    s.row_with_offer("permessage-deflate", std::move(sentence), std::move(sent), std::move(outcome));
  };
  const auto answer = answers({"text Hello"});  // uncompressed: it would be longer
  row("one block (7.2.3.1)", frame(deflated_text, hello), answer);
  row("in two fragments (7.2.3.1)", frame(first_deflated_text, hello.substr(0, 3)) + frame(op::last, hello.substr(3)), answer);
  row("in a fragment for each byte", byte_fragments(first_deflated_text, hello), answer);
  row("with empty fragments", fragments(first_deflated_text, {"", hello.substr(0, 1), "", hello.substr(1), ""}), answer);
  row("a block without compression (7.2.3.3)", frame(deflated_text, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), answer);
  row("a block with BFINAL (7.2.3.4)", frame(deflated_text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), answer);
  row("two blocks (7.2.3.5)", frame(deflated_text, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), answer);
  row("an empty message (7.2.3.6)", frame(deflated_text, "\x00"s), answers({"text "}));
  row("a binary message", frame(deflated_binary, hello), answers({"binary Hello"}));
  row("compressed and not, in turn", frame(deflated_text, hello) + frame(op::text, "Hello") + frame(deflated_text, hello),
      answers({"text Hello", "text Hello", "text Hello"}));
  row("an uncompressed fragmented message", fragments(op::first_text, {"Hel", "lo"}), answer);
  row("a Ping between compressed fragments", frame(first_deflated_text, hello.substr(0, 3)) + frame(op::ping, "p") + frame(op::last, hello.substr(3)),
      answers({"pong p", "text Hello"}));
  row("a message that needs the window of the one before, which is gone", frame(deflated_text, hello) + frame(deflated_text, "\xf2\x00\x11\x00\x00"s),
      fails(1007, {"text Hello"}));

  Section t(rows, "7692/7.2.3.2", Profile::deflate_takeover, From::opened);
  t.row_with_offer("permessage-deflate", "a message that needs the window of the one before", frame(deflated_text, hello) + frame(deflated_text, "\xf2\x00\x11\x00\x00"s),
                   answers({"deflated text Hello", "deflated text Hello"}));
  t.row_with_offer("permessage-deflate", "a message that is not compressed leaves the window as it is",
                   frame(deflated_text, hello) + frame(op::text, "between") + frame(deflated_text, "\xf2\x00\x11\x00\x00"s),
                   answers({"deflated text Hello", "deflated text between", "deflated text Hello"}));
  t.row_with_offer("permessage-deflate; client_no_context_takeover", "not when the client said that it will not",
                   frame(deflated_text, hello) + frame(deflated_text, "\xf2\x00\x11\x00\x00"s), fails(1007, {"deflated text Hello"}));
  t.row_with_offer("permessage-deflate; server_no_context_takeover", "the server forgets when it was asked to",
                   frame(op::text, std::string(500, 'a')) + frame(op::text, std::string(500, 'a')),
                   answers({"deflated text " + shown(std::string(500, 'a')), "deflated text " + shown(std::string(500, 'a'))}));
  ws::ZlibPeer peer;
  std::string sent;
  std::vector<std::string> replies;
  for (int i = 0; i < 30; ++i) {
    const auto message = fmt::format("message {} of thirty that are much alike", i);
    sent += frame(deflated_text, peer.deflated(message));
    replies.push_back("deflated text " + message);
  }
  t.row_with_offer("permessage-deflate", "thirty messages through one window", sent, answers(replies));
}

void wrong_rows(Rows& rows) {
  Section s(rows, "7692/6.2", Profile::deflate, From::opened);
  const auto row = [&](std::string sentence, std::string sent, Outcome outcome) {
    s.row_with_offer("permessage-deflate", std::move(sentence), std::move(sent), std::move(outcome));
  };
  row("RSV1 in a continuation (6.1)", frame(first_deflated_text, hello.substr(0, 3)) + frame(rsv1 | op::last, hello.substr(3)), fails(1002));
  row("RSV1 only in the continuation", frame(op::first_text, "a") + frame(rsv1 | op::last, "b"), fails(1002));
  for (const std::uint8_t control : {op::close, op::ping, op::pong})
    row(fmt::format("RSV1 in control frame {:#x} (6.1)", control), frame(rsv1 | control, ""), fails(1002));
  row("RSV2", frame(op::text | 0x20, "a"), fails(1002));
  row("RSV3", frame(op::text | 0x10, "a"), fails(1002));
  row("RSV1 and RSV2", frame(deflated_text | 0x20, hello), fails(1002));
  row("a reserved opcode with RSV1", frame(rsv1 | 0x83, hello), fails(1002));
  row("an unmasked compressed frame", unmasked(deflated_text, hello), fails(1002));
  row("a block of the type that is none", frame(deflated_text, "\x07"s), fails(1007));
  row("lengths of an uncompressed block that do not agree", frame(deflated_text, "\x00\x05\x00\x00\x00Hello\x00"s), fails(1007));
  row("a block that ends too early", frame(deflated_text, hello.substr(0, 3)), fails(1007));
  row("a distance into nothing", frame(deflated_text, "\xf2\x00\x11\x00\x00"s), fails(1007));
  row("noise", frame(deflated_binary, "\xff" + noise(200)), fails(1007));
  row("text that is not UTF-8 once it is unfolded", frame(deflated_text, packed("good \xff bad")), fails(1007));
  row("text that ends inside a character", frame(deflated_text, packed("good \xe2\x82")), fails(1007));
  row("a surrogate", frame(deflated_text, packed("\xed\xa0\x80")), fails(1007));
  row("compressed bytes need not be UTF-8, what they mean does", frame(deflated_text, packed("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac")),
      answers({"deflated text \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"}));
  row("binary need not be UTF-8 at all", frame(deflated_binary, packed("good \xff bad")), answers({"binary good \xff bad"}));

  Section n(rows, "7692/5.1", Profile::deflate, From::opened);
  n.row("RSV1 where nothing was agreed on", frame(deflated_text, hello), fails(1002));
  n.row_with_offer("permessage-deflate; server_max_window_bits=8", "RSV1 where the offer was declined", frame(deflated_text, hello), fails(1002));

  Section b(rows, "7692/8", Profile::deflate, From::opened);
  const auto bomb_row = [&](std::string sentence, std::string sent, Outcome outcome) {
    b.row_with_offer("permessage-deflate", std::move(sentence), std::move(sent), std::move(outcome));
  };
  const std::string most(max_message, '\0');
  bomb_row("a message that unfolds to exactly the largest", frame(deflated_binary, packed(most)), answers({"deflated binary " + shown(most)}));
  bomb_row("to one byte more", frame(deflated_binary, packed(most + "x")), fails(1009));
  bomb_row("to 10 MB", frame(deflated_binary, packed(std::string(10'000'000, '\0'))), fails(1009));
  bomb_row("to 10 MB, in fragments", byte_fragments(first_deflated_binary, packed(std::string(10'000'000, '\0')).substr(0, 2000)) + frame(op::ping, "p"),
           fails(1009));
  bomb_row("compressed bytes that are too many themselves", frame_header(deflated_binary, max_message + 1), fails(1009));
}

void size_rows(Rows& rows) {
  Section s(rows, "7692/7.2", Profile::deflate, From::opened);
  for (const std::size_t size : {1, 10, 100, 1000, 32'768, 65'536, 100'000}) {
    const std::string same(size, 'a'), text = [&] {
      std::string out;
      for (std::size_t i = 0; out.size() < size; ++i) out += fmt::format("word {} ", i * i % 977);
      return out;
    }();
    if (size >= 100)
      s.row_with_offer("permessage-deflate", fmt::format("{} times one letter comes back compressed", size), frame(deflated_text, packed(same)),
                       answers({"deflated text " + shown(same)}));
    if (size >= 100)
      s.row_with_offer("permessage-deflate", fmt::format("{} bytes of words, sent as they are, come back compressed", text.size()), frame(op::text, text),
                       answers({"deflated text " + shown(text)}));
    s.row_with_offer("permessage-deflate", fmt::format("{} bytes of noise come back as they are", size), frame(deflated_binary, packed(noise(size))),
                     answers({"binary " + shown(noise(size))}));
  }

  Section w(rows, "7692/7.2-window", Profile::deflate, From::opened);
  // Repeats at every distance, so that a window that is too large would show.
  const std::string far = noise(3000) + noise(3000) + std::string(500, 'x') + noise(3000);
  for (const int bits : {9, 10, 11, 12, 13, 14, 15}) {
    w.row_with_offer(fmt::format("permessage-deflate; server_max_window_bits={}", bits), fmt::format("a server's window of 2^{}", bits),
                     frame(op::binary, far), answers({"deflated binary " + shown(far)}));
    w.row_with_offer(fmt::format("permessage-deflate; client_max_window_bits={}", bits), fmt::format("a client's window of 2^{}", bits),
                     frame(deflated_binary, packed(far, bits)), answers({"deflated binary " + shown(far)}));
  }
}

}  // namespace

void add_deflate_rows(Rows& rows) {
  offer_rows(rows);
  example_rows(rows);
  wrong_rows(rows);
  size_rows(rows);
}

}  // namespace sipwsd::test::conformance
