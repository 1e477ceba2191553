// Text is UTF-8 (RFC 6455 8.1, RFC 3629): sequence by sequence, whole and with every byte in a fragment of its own. The
// groups are those of Autobahn's section 6 and of Markus Kuhn's stress test it takes them from.

#include "tests/conformance/bytes.h"
#include "tests/conformance/row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

struct Sequence {
  const char* what;
  std::string bytes;
};

const Sequence good[] = {
    {"kosme (6.2)", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"},
    {"German, Greek, Chinese, an emoji", "Gr\xc3\xbc\xc3\x9f""e \xce\xb1 \xe4\xbd\xa0 \xf0\x9f\x98\x80"},
    {"U+0000 (6.5)", "\0"s},
    {"U+007F", "\x7f"},
    {"U+0080, the first of two bytes", "\xc2\x80"},
    {"U+07FF, the last of two", "\xdf\xbf"},
    {"U+0800, the first of three", "\xe0\xa0\x80"},
    {"U+0FFF", "\xe0\xbf\xbf"},
    {"U+1000", "\xe1\x80\x80"},
    {"U+CFFF", "\xec\xbf\xbf"},
    {"U+D7FF, the last before the surrogates", "\xed\x9f\xbf"},
    {"U+E000, the first behind them", "\xee\x80\x80"},
    {"U+FEFF, a byte order mark, is kept", "\xef\xbb\xbf""a"},
    {"U+FFFD", "\xef\xbf\xbd"},
    {"U+FFFE, no character, but valid (6.22)", "\xef\xbf\xbe"},
    {"U+FFFF", "\xef\xbf\xbf"},
    {"U+FDD0", "\xef\xb7\x90"},
    {"U+10000, the first of four", "\xf0\x90\x80\x80"},
    {"U+1FFFE", "\xf0\x9f\xbf\xbe"},
    {"U+3FFFF", "\xf0\xbf\xbf\xbf"},
    {"U+40000", "\xf1\x80\x80\x80"},
    {"U+FFFFF", "\xf3\xbf\xbf\xbf"},
    {"U+10FFFF, the last", "\xf4\x8f\xbf\xbf"},
    {"a combining mark alone", "\xcc\x80"},
    {"right to left", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\x8f"},
};

const Sequence bad[] = {
    {"80, a stray continuation byte (6.14)", "\x80"},
    {"bf", "\xbf"},
    {"two of them", "\x80\xbf"},
    {"seven of them", "\x80\xbf\x80\xbf\x80\xbf\x80"},
    {"one between letters", "a\x80z"},
    {"c2 alone, then a space (6.15)", "\xc2 "},
    {"df alone", "\xdf "},
    {"e0 alone", "\xe0 "},
    {"ef alone", "\xef "},
    {"f0 alone", "\xf0 "},
    {"f4 alone", "\xf4 "},
    {"two bytes of three, then a letter (6.16)", "\xe2\x82z"},
    {"two bytes of four, then a letter", "\xf0\x9fz"},
    {"three bytes of four, then a letter", "\xf0\x9f\x98z"},
    {"one character begins inside another", "\xe2\x82\xc3\xbc"},
    {"c0 (6.20)", "\xc0\x80"},
    {"c0 af, an overlong slash (6.18)", "\xc0\xaf"},
    {"c1 bf, the largest overlong of two", "\xc1\xbf"},
    {"e0 80 80", "\xe0\x80\x80"},
    {"e0 80 af, a slash in three", "\xe0\x80\xaf"},
    {"e0 9f bf, the largest overlong of three", "\xe0\x9f\xbf"},
    {"f0 80 80 80", "\xf0\x80\x80\x80"},
    {"f0 80 80 af, a slash in four", "\xf0\x80\x80\xaf"},
    {"f0 8f bf bf, the largest overlong of four", "\xf0\x8f\xbf\xbf"},
    {"f8, five bytes (6.12)", "\xf8\x88\x80\x80\x80"},
    {"fc, six bytes", "\xfc\x84\x80\x80\x80\x80"},
    {"f8 80 80 80 af, a slash in five", "\xf8\x80\x80\x80\xaf"},
    {"fb bf bf bf bf", "\xfb\xbf\xbf\xbf\xbf"},
    {"fe (6.17)", "\xfe"},
    {"ff", "\xff"},
    {"fe fe ff ff", "\xfe\xfe\xff\xff"},
    {"U+D800, the first surrogate (6.21)", "\xed\xa0\x80"},
    {"U+DB7F", "\xed\xad\xbf"},
    {"U+DBFF", "\xed\xaf\xbf"},
    {"U+DC00", "\xed\xb0\x80"},
    {"U+DFFF, the last surrogate", "\xed\xbf\xbf"},
    {"a pair of surrogates (CESU-8)", "\xed\xa0\xbd\xed\xb8\x80"},
    {"U+110000, above the last (6.4)", "\xf4\x90\x80\x80"},
    {"f5", "\xf5\x80\x80\x80"},
    {"f7 bf bf bf", "\xf7\xbf\xbf\xbf"},
    {"Latin-1", "Gr\xfc\xdf""e"},
    {"UTF-16 with its mark", "\xff\xfeH\0i\0"s},
};

// Valid so far, but the message ends inside a character.
const Sequence cut[] = {
    {"c3", "\xc3"},           {"e2", "\xe2"},           {"e2 82", "\xe2\x82"},         {"f0", "\xf0"},
    {"f0 9f", "\xf0\x9f"},    {"f0 9f 98", "\xf0\x9f\x98"}, {"letters, then e2 82", "kosme\xe2\x82"}, {"f4 8f bf", "\xf4\x8f\xbf"},
};

}  // namespace

void add_utf8_rows(Rows& rows) {
  Section g(rows, "6455/8.1-valid", Profile::echo, From::opened);
  for (const auto& [what, bytes] : good) {
    g.row(what, frame(op::text, bytes), answers({"text " + bytes}));
    g.row(std::string(what) + ", byte by byte in fragments", byte_fragments(op::first_text, bytes), answers({"text " + bytes}));
  }
  std::string long_text;
  for (int i = 0; i < 5000; ++i) long_text += "\xe2\x82\xac\xf0\x9f\x98\x80";
  g.row("35 kB of characters of three and four bytes", frame(op::text, long_text), answers({"text " + shown(long_text)}));
  g.row("the same in fragments that cut characters",
        fragments(op::first_text, {long_text.substr(0, 10'001), long_text.substr(10'001, 9'999), long_text.substr(20'000)}),
        answers({"text " + shown(long_text)}));
  g.row("a fresh message begins fresh: binary that ends inside a character", frame(op::binary, "\xe2\x82") + frame(op::text, "a"),
        answers({"binary \xe2\x82", "text a"}));

  Section b(rows, "6455/8.1-invalid", Profile::echo, From::opened);
  for (const auto& [what, bytes] : bad) {
    b.row(std::string(what) + " (S15)", frame(op::text, bytes), fails(1007));
    b.row(std::string(what) + ", byte by byte in fragments", byte_fragments(op::first_text, bytes), fails(1007));
  }

  Section c(rows, "6455/8.1-cut", Profile::echo, From::opened);
  for (const auto& [what, bytes] : cut) {
    c.row(std::string(what) + " and the message is over", frame(op::text, bytes), fails(1007));
    c.row(std::string(what) + " and the last fragment is over", byte_fragments(op::first_text, bytes), fails(1007));
    c.row(std::string(what) + " and an empty last fragment", fragments(op::first_text, {bytes, ""}), fails(1007));
    c.row(std::string(what) + " and more may come", frame(op::first_text, bytes), waits());
  }

  Section f(rows, "6455/8.1-fast", Profile::echo, From::opened);
  f.row("a bad byte is refused before its fragment's message is over (6.4.1)", frame(op::first_text, "\xce\xba\xe1\xbd\xb9\xf4\x90"), fails(1007));
  f.row("and before its frame is over (6.4.4)", frame(op::text, "\xff" + std::string(999, 'a')).substr(0, 100), fails(1007));
  f.row("in a large text, at its very end", frame(op::text, std::string(70'000, 'a') + "\xff"), fails(1007));
  f.row("in the last fragment", fragments(op::first_text, {"good", "good", "\xff"}), fails(1007));
  f.row("behind a good message", frame(op::text, "good") + frame(op::text, "\xc0"), fails(1007, {"text good"}));
}

}  // namespace sipwsd::test::conformance
