#include "src/sip/sanity.h"

#include <gtest/gtest.h>

#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using test::wire;

const std::string_view good =
    "OPTIONS sip:c@d SIP/2.0\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\n"
    "Call-ID: 1@x\nCSeq: 1 OPTIONS\nMax-Forwards: 70\nRoute: <sip:p;lr>\nContact: <sip:a@x>\nExpires: 1\n\n";

// `good` with one line replaced; the refusal of that.
std::optional<Refusal> refusal_with(std::string_view line_start, std::string_view line) {
  std::string text{good};
  const std::size_t begin = text.find(line_start);
  EXPECT_NE(begin, std::string::npos) << line_start;
  text.replace(begin, text.find('\n', begin) + 1 - begin, line);
  const std::string bytes = wire(text);
  const Parsed parsed = parse(bytes);
  EXPECT_TRUE(parsed) << line << ": " << (parsed ? "" : parsed.refusal().reason);
  return sanity_refusal(*parsed);
}

TEST(Sanity, LetsAGoodRequestPass) { EXPECT_FALSE(refusal_with("Expires", "Expires: 1\n")); }

TEST(Sanity, RefusesWithTheReasonOfTheHeader) {
  struct Row {
    const char* replaced;
    const char* by;
    int status;
    const char* reason;
    bool answerable;
  };
  const Row table[] = {
      {"Via", "", 400, "Missing Via", false},
      {"Via", "Via:\n", 400, "Missing Via", false},
      {"Via", "Via: nonsense\n", 400, "Bad Via", false},
      {"From", "", 400, "Missing From", true},
      {"To", "", 400, "Missing To", true},
      {"Call-ID", "", 400, "Missing Call-ID", true},
      {"CSeq", "", 400, "Missing CSeq", true},
      {"From", "From: <sip:a@b\n", 400, "Bad From", true},
      {"From", "From: <sip:a@b>;tag=1;tag=2\n", 400, "Bad From", true},
      {"From", "From: <sip:a@b>;tag\n", 400, "Bad From", true},
      {"To", "To: <sip:c@d>;tag=\"\"\n", 400, "Bad To", true},
      {"To", "To: c@d\n", 400, "Bad To", true},
      {"Call-ID", "Call-ID: a b\n", 400, "Bad Call-ID", true},
      {"CSeq", "CSeq: 2147483648 OPTIONS\n", 400, "Bad CSeq", true},
      {"CSeq", "CSeq: 1 INVITE\n", 400, "CSeq Method Mismatch", true},
      {"CSeq", "CSeq: 1 options\n", 400, "CSeq Method Mismatch", true},
      {"CSeq", "CSeq: 1 OPTIONS\nCSeq: 1 OPTIONS\n", 400, "Header Given Twice", true},
      {"To", "To: <sip:c@d>\nt: <sip:c@d>\n", 400, "Header Given Twice", true},
      {"Expires", "Expires: 1\nExpires: 2\n", 400, "Header Given Twice", true},
      {"Max-Forwards", "Max-Forwards: 256\n", 400, "Bad Max-Forwards", true},
      {"Max-Forwards", "Max-Forwards: -1\n", 400, "Bad Max-Forwards", true},
      {"Max-Forwards", "Max-Forwards:\n", 400, "Bad Max-Forwards", true},
      {"OPTIONS", "OPTIONS http://d/ SIP/2.0\n", 416, "Unsupported URI Scheme", true},
      {"OPTIONS", "OPTIONS c@d SIP/2.0\n", 400, "Bad Request-URI", true},
      {"OPTIONS", "OPTIONS sip:c@d?x=y SIP/2.0\n", 400, "Headers in Request-URI", true},
      {"OPTIONS", "NEWMETHOD sip:c@d SIP/2.0\n", 501, "Not Implemented", true},
      {"OPTIONS", "ACK sip:c@d SIP/2.0\n", 400, "CSeq Method Mismatch", false},
      {"Route", "Route: sip:p\n", 400, "Bad Route", true},
      {"Max-Forwards", "Max-Breadth: some\n", 400, "Bad Max-Breadth", true},
      {"Max-Forwards", "Max-Breadth: 6\nmax-breadth: 7\n", 400, "Header Given Twice", true},
  };
  for (const Row& row : table) {
    const auto refusal = refusal_with(row.replaced, row.by);
    ASSERT_TRUE(refusal) << row.by;
    EXPECT_EQ(refusal->status, row.status) << row.by;
    EXPECT_EQ(refusal->reason, row.reason) << row.by;
    EXPECT_EQ(refusal->answerable, row.answerable) << row.by;
  }
}

TEST(Sanity, LetsPassWhatTheRfcsAllow) {
  EXPECT_FALSE(refusal_with("Max-Forwards", ""));
  EXPECT_FALSE(refusal_with("Max-Forwards", "Max-Forwards: 255\n"));
  EXPECT_FALSE(refusal_with("Max-Forwards", "Max-Forwards: 0\n"));
  EXPECT_FALSE(refusal_with("From", "From: sip:a@b\n")) << "RFC 2543 had no From tag";
  EXPECT_FALSE(refusal_with("OPTIONS", "OPTIONS tel:+123 SIP/2.0\n"));
  EXPECT_FALSE(refusal_with("OPTIONS", "OPTIONS sips:c@d SIP/2.0\n"));
  EXPECT_FALSE(refusal_with("Contact", "Contact: *\n"));
  EXPECT_FALSE(refusal_with("Contact", "Subject: a\nSubject: b\nUser-Agent: c\nUser-Agent: d\n"));
  EXPECT_FALSE(refusal_with("Via", "Via: SIP/2.0/UDP x.invalid;branch=1\n")) << "the transport in Via is not compared";
}

// `good` as a REGISTER with this Contact line.
std::optional<Refusal> refusal_of_registration(std::string_view contact) {
  std::string text{good};
  for (const std::string_view method : {"OPTIONS sip", "1 OPTIONS"})
    text.replace(text.find(method) + (method.front() == '1' ? 2 : 0), 7, "REGISTER");
  const std::size_t begin = text.find("Contact");
  text.replace(begin, text.find('\n', begin) - begin, contact);
  const std::string bytes = wire(text);
  return sanity_refusal(*parse(bytes));
}

TEST(Sanity, ReadsTheContactsOfARegistrationAndLeavesOthersAlone) {
  for (const char* contact : {"Contact: <sip:a@x>, ", "Contact: *, <sip:a@x>", "m: <sip:a@x", "Contact: <sip:a@x>;;"}) {
    const auto refusal = refusal_of_registration(contact);
    ASSERT_TRUE(refusal) << contact;
    EXPECT_EQ(refusal->reason, "Bad Contact") << contact;
    EXPECT_FALSE(refusal_with("Contact", std::string{contact} + "\n")) << contact;
  }
  EXPECT_FALSE(refusal_of_registration("Contact: *"));
  EXPECT_FALSE(refusal_of_registration("Contact: <sip:a@x>, sip:b@y;expires=3"));
}

TEST(Sanity, ResponsesAreDroppedNotAnswered) {
  std::string text{good};
  text.replace(0, text.find('\n'), "SIP/2.0 200 OK");
  EXPECT_FALSE(sanity_refusal(*parse(wire(text))));
  const auto broken = sanity_refusal(*parse(wire("SIP/2.0 200 OK\nVia: SIP/2.0/WS x\n\n")));
  ASSERT_TRUE(broken);
  EXPECT_FALSE(broken->answerable);
}

}  // namespace
}  // namespace sipwsd::sip
