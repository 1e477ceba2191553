// The Close frame and the end of a connection (RFC 6455 5.5.1, 7), when the client begins. conformance_test.cc has what the
// server begins, because an operator's word starts it.

#include <fmt/format.h>

#include "tests/conformance/bytes.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

std::string close_frame(int code, std::string_view reason = {}) { return frame(op::close, close_payload(code, reason)); }

void body_rows(Rows& rows) {
  Section s(rows, "6455/5.5.1", Profile::echo, From::opened);
  s.row("an empty Close is answered by an empty one (7.3.1)", frame(op::close, ""), closes("close"));
  s.row("a Close with a code is answered with it (7.3.3)", close_frame(1000), closes("close 1000"));
  s.row("a reason is not repeated (7.3.4)", close_frame(1000, "because"), closes("close 1000"));
  s.row("a reason of 123 bytes (7.3.5)", close_frame(1000, std::string(123, '*')), closes("close 1000"));
  s.row("a reason of 124 bytes (7.3.6)", close_frame(1000, std::string(124, '*')), fails(1002));
  s.row("a reason in UTF-8", close_frame(1000, "Auf Wiedersehen, sch\xc3\xb6nes \xe2\x82\xac"), closes("close 1000"));
  for (const auto& payload : {std::string("x"), std::string(1, '\x03'), std::string(1, '\0')})
    s.row(fmt::format("a Close of one byte, {:#04x} (7.3.2)", static_cast<unsigned char>(payload[0])), frame(op::close, payload), fails(1002));
  for (const std::string reason : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3", "\x80", "Hello \xce\xba\xe1\xbd"})
    s.row("a reason that is not UTF-8 (7.5.1; S15)", close_frame(1000, reason), fails(1007));
  s.row("a forbidden code with a reason that is not UTF-8: the code comes first", close_frame(1005, "\xff"), fails(1002));

  Section a(rows, "6455/5.5.1-after", Profile::echo, From::opened);
  const std::string good = close_frame(1000);
  a.row("what came before is still answered (7.1.2)", frame(op::text, "last words") + frame(op::ping, "p") + good,
        closes("close 1000", {"text last words", "pong p"}));
  a.row("a text behind the Close (7.1.4; S17)", good + frame(op::text, "too late"), closes("close 1000"));
  a.row("a Ping behind the Close (7.1.3)", good + frame(op::ping, "too late"), closes("close 1000"));
  a.row("a second Close (7.1.2)", good + close_frame(1001), closes("close 1000"));
  a.row("a second Close with a forbidden code", good + close_frame(1005), closes("close 1000"));
  a.row("a forbidden frame behind the Close", good + frame(0xf3, "x"), closes("close 1000"));
  a.row("an unmasked frame behind the Close", good + unmasked(op::text, "x"), closes("close 1000"));
  a.row("text that is not UTF-8 behind the Close", good + frame(op::text, "\xff"), closes("close 1000"));
  a.row("200 kB behind the Close (7.1.6)", good + frame(op::binary, std::string(200'000, 'x')), closes("close 1000"));
  a.row("half a frame behind the Close", good + frame(op::binary, "Hello").substr(0, 7), closes("close 1000"));
  a.row("garbage behind the Close", good + all_bytes(256), closes("close 1000"));
  a.row("a fragmented message that the Close cuts (7.1.5)", frame(op::first_text, "a") + good + frame(op::last, "b"), closes("close 1000"));
  a.row("200 kB before the Close come back first", frame(op::binary, std::string(200'000, 'y')) + good,
        closes("close 1000", {"binary " + shown(std::string(200'000, 'y'))}));

  Section f(rows, "6455/7.1.7", Profile::echo, From::opened);
  const std::string bad = frame(0x83, "");
  f.row("nothing behind a failure is looked at: a text", bad + frame(op::text, "x"), fails(1002));
  f.row("a Ping", bad + frame(op::ping, "x"), fails(1002));
  f.row("a Close", bad + good, fails(1002));
  f.row("another failure", bad + frame(op::text, "\xff") + unmasked(op::text, "x"), fails(1002));
  f.row("200 kB", bad + frame(op::binary, std::string(200'000, 'x')), fails(1002));
  f.row("what came before is answered", frame(op::text, "a") + frame(op::ping, "b") + bad, fails(1002, {"text a", "pong b"}));
  f.row("the rest of the frame that failed", frame(op::text, "\xff" + std::string(1000, 'a')) + frame(op::text, "x"), fails(1007));
}

void code_rows(Rows& rows) {
  Section s(rows, "6455/7.4", Profile::echo, From::opened);
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3500, 3998, 3999, 4000, 4001, 4500, 4998, 4999})
    s.row(fmt::format("{} may be sent and is echoed (7.7)", code), close_frame(code), closes(fmt::format("close {}", code)));
  for (const int code : {0, 1, 2, 99, 100, 126, 255, 256, 500, 998, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1500, 1999, 2000, 2001, 2500, 2998, 2999,
                         5000, 5001, 9999, 10'000, 32'767, 32'768, 60'000, 65'534, 65'535})
    s.row(fmt::format("{} may not (7.9, 7.13; S15)", code), close_frame(code), fails(1002));
  s.row("1005 with a reason may not either", close_frame(1005, "nothing"), fails(1002));
  for (const int code : {1000, 3999, 4999})
    s.row(fmt::format("{} with a reason", code), close_frame(code, "because"), closes(fmt::format("close {}", code)));
}

}  // namespace

void add_closing_rows(Rows& rows) {
  body_rows(rows);
  code_rows(rows);
}

}  // namespace sipwsd::test::conformance
