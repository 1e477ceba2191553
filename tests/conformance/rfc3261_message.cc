// Messages as bytes (RFC 3261 7, 18.3, 25): lines and folds, what may stand in them, where a message ends, how large it may
// be. What is refused leaves the next message alone wherever that can be found.

#include <fmt/format.h>

#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;

std::string many(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

// `text` with every `from` replaced.
std::string with(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

void add_header_lines(SipRows& rows) {
  SipSection s(rows, "3261/7.3.1");
  s.row("white space before every colon", with(SipText(), ": ", " \t : "), reaches());
  s.row("none behind any", with(SipText(), ": ", ":"), reaches());
  s.row("much of it around every value", SipText().change("Max-Forwards", "Max-Forwards \t:  \t 70 \t ").change("CSeq", "CSeq:   2 \t  OPTIONS   ").add("Subject:  \t "),
        reaches());
  s.row("a fold behind every colon", with(SipText(), ": ", ":\r\n "), reaches());
  s.row("with a tab", with(SipText(), ": ", ":\r\n\t"), reaches());
  s.row("two, one of them with nothing in it", with(SipText(), ": ", ":\r\n \r\n "), reaches());
  s.row("folds wherever white space may stand in a value",
        SipText()
            .change("Via", "Via: SIP\r\n /\r\n 2.0\r\n /\r\n TCP\r\n client.example.org\r\n ;\r\n branch\r\n =\r\n z9hG4bK74bf9")
            .change("From", "From: \"Alice\"\r\n <sip:alice@example.org>\r\n ;\r\n tag\r\n =\r\n 9fxced76sl")
            .change("CSeq", "CSeq: 2\r\n OPTIONS"),
        reaches());
  s.row("a fold within quotes", SipText().change("From", "From: \"Al\r\n ice\" <sip:alice@example.org>;tag=9fxced76sl"), reaches());
  s.row("a fold in a header nobody knows", SipText().add("X-Own: one\r\n two\r\n\tthree"), reaches());
  s.row("no fold before the colon", SipText().add("X-Own\r\n : one"), answered("400 Bad Header Line"));
  s.row("none of the Request-Line", SipText().first(" X-Own: one"), answered("400 Bad Header Line"));
  s.row("compact forms",
        SipText()
            .change("Via", "v: SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9")
            .change("From", "f: \"Alice\" <sip:alice@example.org>;tag=9fxced76sl")
            .change("To", "t: <sip:user@example.com>")
            .change("Call-ID", "i: 3848276298220188511@client.example.org")
            .change("Contact", "m: <sip:alice@client.example.org>")
            .change("Content-Length", "l: 0")
            .add("s: subject")
            .add("k: timer")
            .add("c: text/plain"),
        reaches());
  s.row("and in capitals, with white space",
        SipText()
            .change("Via", "V : SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9")
            .change("To", "T\t: <sip:user@example.com>")
            .change("Content-Length", "L :\r\n 0"),
        reaches());
  s.row("names in any case",
        SipText()
            .change("Via", "vIa: SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9")
            .change("From", "FROM: \"Alice\" <sip:alice@example.org>;tag=9fxced76sl")
            .change("Call-ID", "call-id: 3848276298220188511@client.example.org")
            .change("CSeq", "cSEQ: 2 OPTIONS")
            .change("Max-Forwards", "mAX-fORWARDS: 70")
            .change("Content-Length", "CONTENT-LENGTH: 0"),
        reaches());
  s.row("several values in a line", SipText().change("Via", "Via: SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9 , SIP/2.0/UDP b,SIP/2.0/TLS c;x=\",\""),
        reaches());
  s.row("a name of every character that a token may have", SipText().add("a0-.!%*_+`'~: value"), reaches());
  s.row("a value of nothing but separators", SipText().add("X-Own: ;;,,;;,;<>\"").add("X-Own: ,"), reaches());
  for (const std::string name : {"Subject", "Supported", "Accept", "User-Agent", "Date", "X-Own", "Organization"})
    s.row(name + " without a value", SipText().add(name + ":"), reaches());
  for (const std::string line : {"no colon", "Na(me: value", "Na me: value", ": value", "\"Name\": value", "N\xc3\xa4me: value", "Name;x: value", "@: value", "?"})
    s.row("`" + line + "` is no header line", SipText().add(line), answered("400 Bad Header Line"));
  s.row("known headers in an odd order, the Via last",
        SipText().leave_out("Via").add("Via: SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9"), reaches());
}

void add_bytes(SipRows& rows) {
  SipSection s(rows, "3261/25.1");
  s.row("UTF-8 in a display name and a text", SipText().change("From", "From: \"\xc3\x84lice \xe5\xa4\xa7\" <sip:alice@example.org>;tag=1").add("Subject: \xe5\xa4\xa7\xe5\x81\x9c"),
        reaches());
  s.row("bytes that are no UTF-8", SipText().add("Subject: \xff\xfe\xc3"), reaches());
  s.row("control characters in a text", SipText().add("Subject: a\x01\x07\x1b\x7f"s), reaches());
  s.row("a quoted NUL", SipText().change("From", "From: \"\\\0\" <sip:alice@example.org>;tag=1"s), reaches());
  s.row("a NUL", SipText().add("Subject: a\0b"s), answered("400 Bad Character in Header"));
  s.row("a NUL in quotes, not quoted", SipText().add("Subject: \"a\0b\""s), answered("400 Bad Character in Header"));
  s.row("a NUL behind a quoted backslash", SipText().add("Subject: \"\\\\\0\""s), answered("400 Bad Character in Header"));
  s.row("a NUL behind a backslash without quotes", SipText().add("Subject: \\\0"s), answered("400 Bad Character in Header"));
  s.row("a NUL in a header's name", SipText().add("Sub\0ject: a"s), answered("400 Bad Header Line"));
  s.row("a NUL in the Request-Line", SipText().uri("sip:us\0er@example.com"s), answered("400 Bad Character in Start Line"));
  s.row("a CR alone", SipText().add("Subject: a\rInjected: b"), answered("400 Bad Character in Header"));
  s.row("a CR too many at the end of a line", SipText().add("Subject: a\r"), answered("400 Bad Character in Header"));
  s.row("a CR in the Request-Line", SipText().uri("sip:us\rer@example.com"), answered("400 Bad Character in Start Line"));
  s.row("an LF alone: on a stream nothing is sure any more", SipText().add("Subject: a\nInjected: b"), answered("400 Bare LF in Headers")).on_stream = ends();
  s.row("a line that goes on behind an LF alone", SipText().add("Subject: a\n b"), answered("400 Bare LF in Headers")).on_stream = ends();
  s.row("LF for every CRLF", with(SipText(), "\r\n", "\n"), answered("400 Bare LF in Start Line")).on_stream = ends();
  s.row("every byte in a body", SipText().change("Content-Length", "Content-Length: 256").body([] {
          std::string all(256, '\0');
          for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
          return all;
        }()),
        reaches());
  s.row("a message as a body", SipText().change("Content-Length", fmt::format("Content-Length: {}", SipText().text().size())).body(SipText()), reaches());
}

void add_lengths(SipRows& rows) {
  SipSection s(rows, "3261/18.3");
  s.row("a CRLF before the Request-Line (7.5)", "\r\n" + SipText().text(), reaches());
  s.row("Content-Length is missing: to the end of the frame or datagram; a stream needs it", SipText().leave_out("Content-Length").body("a body"), reaches())
      .on_stream = ends_with("400 Missing Content-Length");
  s.row("a body as long as it says", SipText().change("Content-Length", "Content-Length: 6").body("a body"), reaches());
  s.row("longer: the rest is discarded", SipText().change("Content-Length", "Content-Length: 3").body("a body"), reaches()).only_in_packets = true;
  s.row("one byte shorter", SipText().change("Content-Length", "Content-Length: 7").body("a body"), answered("400 Content-Length Mismatch")).only_in_packets =
      true;
  s.row("much shorter; a stream waits for the rest", SipText().change("Content-Length", "Content-Length: 9999").body("a body"),
        answered("400 Content-Length Mismatch"))
      .on_stream = waits_for_the_rest();
  s.row("2^32", SipText().change("Content-Length", "Content-Length: 4294967296").body("a body"), answered("400 Content-Length Mismatch")).on_stream =
      ends_with("513 Message Too Large");
  s.row("leading zeros", SipText().change("Content-Length", "Content-Length: 0000000000000000000000006").body("a body"), reaches());
  s.row("folded", SipText().change("Content-Length", "Content-Length:\r\n \t\r\n 6 ").body("a body"), reaches());
  for (const std::string number : {"-1", "+6", "6.0", "0x6", "6 6", "six", "6;x", "18446744073709551616", "18446744073709551622", "", "\"6\"", "6,6"})
    s.row("`" + number + "`", SipText().change("Content-Length", "Content-Length: " + number).body("a body"), answered("400 Bad Content-Length")).on_stream =
        ends_with("400 Bad Content-Length");
  s.row("10^300", SipText().change("Content-Length", "Content-Length: 1" + std::string(300, '0')), answered("400 Bad Content-Length")).on_stream =
      ends_with("400 Bad Content-Length");
  for (const std::string second : {"Content-Length: 0", "l: 0", "L : 6", "CONTENT-LENGTH\t:\r\n 0"})
    s.row("twice, the second as `" + second.substr(0, second.find(':')) + "`", SipText().add(second), answered("400 Content-Length Given Twice")).on_stream =
        ends_with("400 Content-Length Given Twice");
  s.row("one that is none, in another header", SipText().add("X-Own: a\r\n Content-Length: 99"), reaches());
}

void add_limits(SipRows& rows) {
  SipSection s(rows, "3261/limits");
  s.row("a header of 15 KiB", SipText().add("X-Own: " + std::string(15 * 1024, 'x')), reaches());
  s.row("of 20 KiB", SipText().add("X-Own: " + std::string(20 * 1024, 'x')), answered("513 Header Too Long"));
  s.row("of 20 KiB in folds", SipText().add("X-Own: " + many("x\r\n ", 5 * 1024)), answered("513 Header Too Long"));
  s.row("64 KiB of headers", SipText().add(many("X-Own: " + std::string(8000, 'x') + "\r\n", 9) + "X-Own: y"), answered("513")).on_stream = ends();
  s.row("200 headers", SipText().add(many("X-Own: y\r\n", 200) + "X-Own: y"), reaches());
  s.row("300", SipText().add(many("X-Own: y\r\n", 300) + "X-Own: y"), answered("513 Too Many Headers"));
  s.row("5000", SipText().add(many("X: y\r\n", 5000) + "X: y"), answered("513 Too Many Headers"));
  s.row("a Request-URI of 15 KiB", SipText().uri("sip:" + std::string(15 * 1024, 'u') + "@example.com"), answered("480"));
  s.row("of 20 KiB", SipText().uri("sip:" + std::string(20 * 1024, 'u') + "@example.com"), answered("414"));
  s.row("100 Vias", SipText().add(many("Via: SIP/2.0/TCP a.example.org;branch=z9hG4bKx\r\n", 99) + "Via: SIP/2.0/TCP b"), reaches());
  s.row("100 Vias in one line", SipText().add("Via: " + many("SIP/2.0/TCP a.example.org;branch=z9hG4bKx,", 99) + "SIP/2.0/TCP b"), reaches());
  s.row("1000 parameters", SipText().change("From", "From: <sip:alice@example.org>;tag=1" + many(";p=v", 1000)), reaches());
  s.row("a thousand brackets and quotes", SipText().add("X-Own: " + many("<\"(", 1000)).add("Warning: " + many("\\\"", 1000)), reaches());
}

}  // namespace

void add_rfc3261_rows(SipRows& rows) {
  add_header_lines(rows);
  add_bytes(rows);
  add_lengths(rows);
  add_limits(rows);
}

}  // namespace sipwsd::test::conformance
