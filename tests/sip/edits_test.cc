#include "src/sip/edits.h"

#include <gtest/gtest.h>

#include "src/sip/contact.h"
#include "src/sip/from_to.h"
#include "src/sip/header_list.h"
#include "src/sip/via.h"
#include "src/sip/writer.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using test::wire;

const std::string& original() {
  static const std::string text = wire(
      "INVITE sip:bob@example.org SIP/2.0\n"
      "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1;rport, SIP/2.0/TCP y;branch=z9hG4bK2\n"
      "v: SIP/2.0/UDP z;branch=z9hG4bK3\n"
      "Route: <sip:p1;lr> , <sip:p2;lr>\n"
      "Max-Forwards: 70\n"
      "From: <sip:alice@example.org>;tag=1\n"
      "To: <sip:bob@example.org>\n"
      "Call-ID: 1@x\n"
      "CSeq: 1 INVITE\n"
      "Contact: <sip:alice@x.invalid;transport=ws>\n"
      "Route: <sip:p3;lr>\n"
      "Content-Length: 4\n"
      "\nbody");
  return text;
}

// Applies what `edit` does; the result is checked to be a message and returned with \n line ends.
template <typename Edit>
std::string edited(Edit&& edit, std::string_view text = original()) {
  const Parsed parsed = parse(text);
  EXPECT_TRUE(parsed);
  Edits edits{*parsed};
  edit(edits, *parsed);
  OutputBuffer out;
  const std::size_t size = write(*parsed, edits, out);
  EXPECT_EQ(size, out.size());
  EXPECT_EQ(written_size(*parsed, edits), out.size());
  EXPECT_TRUE(parse(out.view())) << out.view();
  std::string result{out.view()};
  std::erase(result, '\r');
  return result;
}

std::string plain(std::string text) {
  std::erase(text, '\r');
  return text;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

const std::string& before() {
  static const std::string text = plain(original());
  return text;
}

TEST(Edits, NoneMeansTheSameBytes) {
  EXPECT_EQ(edited([](Edits& edits, const MessageView&) { EXPECT_TRUE(edits.empty()); }), before());
}

TEST(Edits, ChangeTheStartLine) {
  EXPECT_EQ(edited([](Edits& e, const MessageView&) { EXPECT_TRUE(e.set_request_uri("sip:bob@[::1];ob")); }),
            replaced(before(), "sip:bob@example.org SIP", "sip:bob@[::1];ob SIP"));
  EXPECT_EQ(edited([](Edits& e, const MessageView&) { EXPECT_TRUE(e.set_start_line("SIP/2.0 200 OK")); }),
            replaced(before(), "INVITE sip:bob@example.org SIP/2.0", "SIP/2.0 200 OK"));
}

TEST(Edits, TheLastWordOnAPartCounts) {
  EXPECT_EQ(edited([](Edits& e, const MessageView& m) {
              EXPECT_TRUE(e.set_request_uri("sip:one"));
              EXPECT_TRUE(e.set_request_uri("sip:two"));
              EXPECT_TRUE(e.set_value(HeaderId::max_forwards, "69"));
              EXPECT_TRUE(e.replace_value(*m.first(HeaderId::max_forwards), "68"));
              EXPECT_TRUE(e.set_value(HeaderId::expires, "1"));
              EXPECT_TRUE(e.set_value(HeaderId::expires, "2"));
            }),
            replaced(replaced(replaced(before(), "sip:bob@example.org SIP", "sip:two SIP"), "70", "68"),
                     "Content-Length: 4\n", "Content-Length: 4\nExpires: 2\n"));
}

TEST(Edits, InsertLinesWhereTheyWereAskedFor) {
  EXPECT_EQ(
      edited([](Edits& e, const MessageView&) {
        EXPECT_TRUE(e.insert_before(HeaderId::via, "Via: second"));
        EXPECT_TRUE(e.insert_before(HeaderId::via, "Via: first"));
        EXPECT_TRUE(e.insert_before(HeaderId::route, "Route: <sip:p0>"));
        EXPECT_TRUE(e.insert_after(HeaderId::to, "X-One: 1"));
        EXPECT_TRUE(e.insert_after(HeaderId::to, "X-Two: 2"));
        EXPECT_TRUE(e.insert_after(HeaderId::path, "Path: <sip:e1>"));
        EXPECT_TRUE(e.append("X-End: 3"));
        EXPECT_TRUE(e.insert_before(HeaderId::record_route, "Record-Route: <sip:r2>"));
        EXPECT_TRUE(e.insert_before(HeaderId::record_route, "Record-Route: <sip:r1>"));
      }),
      replaced(
          replaced(
              replaced(replaced(before(), "Via: SIP",
                                "Record-Route: <sip:r1>\nRecord-Route: <sip:r2>\nVia: first\nVia: second\nVia: SIP"),
                       "Route: <sip:p1", "Route: <sip:p0>\nRoute: <sip:p1"),
              "To: <sip:bob@example.org>\n", "To: <sip:bob@example.org>\nX-One: 1\nX-Two: 2\n"),
          "Content-Length: 4\n", "Content-Length: 4\nPath: <sip:e1>\nX-End: 3\n"));
}

TEST(Edits, RemoveLinesByIdAndName) {
  const std::string result = edited([](Edits& e, const MessageView&) {
    e.remove_all(HeaderId::route);
    e.remove_all("V");
    e.remove_all("contact");
    e.remove_all("X-None");
  });
  EXPECT_EQ(result.find("oute"), std::string::npos);
  EXPECT_EQ(result.find("SIP/2.0/"), std::string::npos);
  EXPECT_EQ(result.find("ontact"), std::string::npos);
  EXPECT_NE(result.find("Max-Forwards: 70\nFrom:"), std::string::npos);
}

TEST(Edits, RemoveTheFirstValuesOfAListOverCommasAndLines) {
  const auto routes_left = [](std::size_t count) {
    const std::string text =
        wire(edited([count](Edits& e, const MessageView&) { e.remove_first_values(HeaderId::route, count); }));
    const Parsed parsed = parse(text);
    std::string left;
    for (const Header& header : parsed->all(HeaderId::route)) left += std::string{header.value} + "|";
    return left;
  };
  EXPECT_EQ(routes_left(0), "<sip:p1;lr> , <sip:p2;lr>|<sip:p3;lr>|");
  EXPECT_EQ(routes_left(1), "<sip:p2;lr>|<sip:p3;lr>|");
  EXPECT_EQ(routes_left(2), "<sip:p3;lr>|");
  EXPECT_EQ(routes_left(3), "");
  EXPECT_EQ(routes_left(9), "");
}

TEST(Edits, CountValuesAsTheyAreRead) {
  const auto left_of = [](std::string_view routes, std::size_t count) {
    const std::string text = wire("INVITE sip:b SIP/2.0\n" + std::string{routes} + "Route: <sip:last;lr>\n\n");
    const Parsed parsed = parse(text);
    std::size_t read = 0;
    for ([[maybe_unused]] const ListValue& value : values(*parsed, HeaderId::route)) ++read;
    EXPECT_GT(read, count) << routes;
    Edits edits{*parsed};
    edits.remove_first_values(HeaderId::route, count);
    OutputBuffer out;
    write(*parsed, edits, out);
    std::string left;
    const Parsed again = parse(out.view());
    for (const ListValue& value : values(*again, HeaderId::route)) left.append(value.text).append(" ");
    return left;
  };
  EXPECT_EQ(left_of("Route: <sip:p1;lr>\nRoute:\n", 2), "<sip:last;lr> ");
  EXPECT_EQ(left_of("Route: <sip:p1;lr>,\n", 2), "<sip:last;lr> ");
  EXPECT_EQ(left_of("Route: <sip:p1;lr>,\n", 1), "<sip:last;lr> ") << "nothing is no value to leave behind";
  EXPECT_EQ(left_of("Route: <sip:p1;lr>,,<sip:p3;lr>\n", 2), "<sip:p3;lr> <sip:last;lr> ");
  EXPECT_EQ(left_of("Route:\nRoute: <sip:p1;lr>\n", 1), "<sip:p1;lr> <sip:last;lr> ");
}

TEST(Edits, FindAHeaderHoweverItIsSpelt) {  // S21
  struct Row {
    HeaderId id;
    const char* name;
    const char* line;
  };
  const Row table[] = {
      {HeaderId::contact, "Contact", "Contact: <sip:a@b>"},     {HeaderId::contact, "Contact", "cOnTaCt:<sip:a@b>"},
      {HeaderId::contact, "Contact", "Contact \t : <sip:a@b>"}, {HeaderId::contact, "m", "Contact: <sip:a@b>"},
      {HeaderId::contact, "M", "m: <sip:a@b>"},                 {HeaderId::contact, "Contact", "M : <sip:a@b>"},
      {HeaderId::contact, "contact", "Contact:\n <sip:a@b>"},   {HeaderId::contact, "m", "m\t:\n\t<sip:a@b>\n ;x=1"},
      {HeaderId::subject, "Subject", "s :"},                    {HeaderId::subject, "s", "SUBJECT:\n \n x"},
      {HeaderId::other, "X-Own", "x-oWN : 1"},                  {HeaderId::other, "x-own", "X-Own:\n 1,\n 2"},
  };
  for (const Row& row : table) {
    const std::string text = wire("INVITE sip:b SIP/2.0\nFrom: x\n" + std::string{row.line} + "\nTo: y\n" +
                                  std::string{row.line} + "\n\nbody");
    const auto without = [&](auto&& edit) { return edited(edit, text); };
    EXPECT_EQ(without([&](Edits& edits, const MessageView&) { edits.remove_all(row.name); }),
              "INVITE sip:b SIP/2.0\nFrom: x\nTo: y\n\nbody")
        << row.line;
    const Parsed parsed = parse(text);
    EXPECT_TRUE(parsed->first(row.name)) << row.line;
    if (row.id == HeaderId::other) continue;
    EXPECT_EQ(parsed->count(row.id), 2u) << row.line;
    EXPECT_EQ(without([&](Edits& edits, const MessageView&) { edits.remove_all(row.id); }),
              "INVITE sip:b SIP/2.0\nFrom: x\nTo: y\n\nbody")
        << row.line;
    const std::string set = without([&](Edits& edits, const MessageView&) {
      EXPECT_TRUE(edits.set_value(row.id, "new"));
    });
    EXPECT_NE(set.find("new\nTo: y"), std::string::npos) << "in its place: " << set;
  }
}

TEST(Edits, OfARequestUriWriteTheVersionInCapitals) {
  EXPECT_EQ(edited([](Edits& edits, const MessageView&) { EXPECT_TRUE(edits.set_request_uri("sip:c")); },
                   "OPTIONS sip:b Sip/2.0\r\n\r\n"),
            "OPTIONS sip:c SIP/2.0\n\n");
}

TEST(Edits, TakeOnlyHeaderLinesAndRequestUris) {
  const Parsed parsed = parse(original());
  Edits edits{*parsed};
  for (const char* line : {"", " ", "Name", "Name value", ": value", " Name: value", "\tName: value", "Na me: value", "\"N\": v"}) {
    EXPECT_FALSE(edits.append(line)) << line;
    EXPECT_FALSE(edits.prepend(line)) << line;
    EXPECT_FALSE(edits.insert_before(HeaderId::via, line)) << line;
    EXPECT_FALSE(edits.insert_after(HeaderId::via, line)) << line;
  }
  for (const char* uri : {"", " ", "sip:a b", "sip:a@b ", "sip:a@b SIP/2.0", "<sip:a@b>", "sip:a\x01@b", "sip:\"a\"@b"})
    EXPECT_FALSE(edits.set_request_uri(uri)) << uri;
  EXPECT_TRUE(edits.empty());
  EXPECT_TRUE(edits.append("Name:"));
  EXPECT_TRUE(edits.append("Name : value"));
  EXPECT_TRUE(edits.set_request_uri("sip:a%20b@[2001:db8::1]:5060;transport=ws?x=y"));
}

TEST(Edits, PopTheTopmostVia) {
  EXPECT_EQ(edited([](Edits& e, const MessageView&) { e.remove_first_values(HeaderId::via); }),
            replaced(before(), "SIP/2.0/WS x.invalid;branch=z9hG4bK1;rport, ", ""));
}

TEST(Edits, SetAndRemoveParameters) {
  EXPECT_EQ(edited([](Edits& e, const MessageView& m) {
              const auto receiver = to(m);
              EXPECT_TRUE(e.set_parameter(receiver->params, "tag", "99"));
              const auto sender = from(m);
              EXPECT_TRUE(e.set_parameter(sender->params, "TAG", "2"));
              const auto contact = first_contact(m);
              EXPECT_TRUE(e.set_parameter(contact->uri().params, "ob", std::nullopt));
              EXPECT_TRUE(e.set_parameter(contact->address.params, "expires", "60"));
              e.remove_parameter(contact->uri().params, "transport");
              e.remove_parameter(contact->uri().params, "absent");
            }),
            replaced(replaced(replaced(before(), "To: <sip:bob@example.org>", "To: <sip:bob@example.org>;tag=99"),
                              ";tag=1", ";TAG=2"),
                     "<sip:alice@x.invalid;transport=ws>", "<sip:alice@x.invalid;ob>;expires=60"));
}

TEST(Edits, StampTheTopmostVia) {
  EXPECT_EQ(edited([](Edits& e, const MessageView&) { EXPECT_TRUE(e.stamp_topmost_via("192.0.2.7", 51000)); }),
            replaced(before(), "z9hG4bK1;rport,", "z9hG4bK1;rport=51000;received=192.0.2.7,"));
  const std::string no_rport = wire("OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x.invalid\n\n");
  EXPECT_EQ(
      edited([](Edits& e, const MessageView&) { EXPECT_TRUE(e.stamp_topmost_via("192.0.2.7", 51000)); }, no_rport),
      "OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x.invalid;received=192.0.2.7\n\n");
  const std::string lying = wire("OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x;received=10.0.0.1;rport=1\n\n");
  EXPECT_EQ(edited([](Edits& e, const MessageView&) { EXPECT_TRUE(e.stamp_topmost_via("192.0.2.7", 5)); }, lying),
            "OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x;received=192.0.2.7;rport=5\n\n");
}

TEST(Edits, InsideARemovedPartGoWithIt) {
  EXPECT_EQ(edited([](Edits& e, const MessageView& m) {
              EXPECT_TRUE(e.stamp_topmost_via("192.0.2.7", 51000));
              EXPECT_TRUE(e.replace_value(*m.first(HeaderId::max_forwards), "1"));
              e.remove_first_values(HeaderId::via);
              e.remove_all(HeaderId::max_forwards);
              EXPECT_TRUE(e.insert_before(HeaderId::max_forwards, "X-Stays: yes"));
            }),
            replaced(replaced(before(), "SIP/2.0/WS x.invalid;branch=z9hG4bK1;rport, ", ""), "Max-Forwards: 70\n",
                     "X-Stays: yes\n"));
}

TEST(Edits, ReplaceTheBodyAndKeepContentLengthTrue) {
  EXPECT_EQ(edited([](Edits& e, const MessageView&) {
              e.set_body("one");
              e.set_body("longer body");
            }),
            replaced(replaced(before(), "\n\nbody", "\n\nlonger body"), "Content-Length: 4", "Content-Length: 11"));
  const std::string without = wire("MESSAGE sip:a SIP/2.0\nX: y\n\n");
  EXPECT_EQ(edited(
                [](Edits& e, const MessageView&) {
                  e.ensure_content_length();
                  e.ensure_content_length();
                  e.set_body(std::string_view("\1\n\0", 3));
                },
                without),
            std::string("MESSAGE sip:a SIP/2.0\nX: y\nContent-Length: 3\n\n\1\n\0", 49));
}

TEST(Edits, RefuseLineBreaksAndNul) {
  const Parsed parsed = parse(original());
  Edits edits{*parsed};
  for (const std::string_view evil : {std::string_view{"a\r\nX: y"}, std::string_view{"a\nb"}, std::string_view{"a\rb"},
                                      std::string_view{"a\0b", 3}}) {
    EXPECT_TRUE(edits.set_request_uri(evil).is(Errc::malformed));
    EXPECT_TRUE(edits.set_start_line(evil).is(Errc::malformed));
    EXPECT_TRUE(edits.prepend(evil).is(Errc::malformed));
    EXPECT_TRUE(edits.append(evil).is(Errc::malformed));
    EXPECT_TRUE(edits.insert_before(HeaderId::via, evil).is(Errc::malformed));
    EXPECT_TRUE(edits.insert_after(HeaderId::via, evil).is(Errc::malformed));
    EXPECT_TRUE(edits.set_value(HeaderId::subject, evil).is(Errc::malformed));
    EXPECT_TRUE(edits.set_value(HeaderId::to, evil).is(Errc::malformed));
    EXPECT_TRUE(edits.set_parameter(to(*parsed)->params, "tag", evil).is(Errc::malformed));
    EXPECT_TRUE(edits.set_parameter(to(*parsed)->params, evil, "1").is(Errc::malformed));
    EXPECT_TRUE(edits.stamp_topmost_via(evil, 1).is(Errc::malformed));
    EXPECT_TRUE(edits.replace(parsed->start_line(), evil).is(Errc::malformed));
  }
  EXPECT_TRUE(edits.empty());
}

TEST(Edits, ManyAndLongOnesFitToo) {
  const std::string result = edited([](Edits& e, const MessageView&) {
    for (int i = 0; i < 100; ++i) {
      const std::string line = "X-" + std::to_string(i) + ": " + std::string(100, static_cast<char>('a' + i % 26));
      EXPECT_TRUE(e.append(line));  // `line` is gone before anything is written
    }
  });
  std::string expected;
  for (int i = 0; i < 100; ++i)
    expected += "X-" + std::to_string(i) + ": " + std::string(100, static_cast<char>('a' + i % 26)) + "\n";
  EXPECT_EQ(result, replaced(before(), "Content-Length: 4\n", "Content-Length: 4\n" + expected));
}

TEST(Edits, OfAMessageWithoutHeadersStandBeforeTheEmptyLine) {
  EXPECT_EQ(edited(
                [](Edits& e, const MessageView&) {
                  EXPECT_TRUE(e.append("B: 2"));
                  EXPECT_TRUE(e.prepend("A: 1"));
                },
                "OPTIONS sip:a SIP/2.0\r\n\r\n"),
            "OPTIONS sip:a SIP/2.0\nA: 1\nB: 2\n\n");
}

}  // namespace
}  // namespace sipwsd::sip
