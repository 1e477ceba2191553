#include "src/sip/header_table.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "src/sip/method.h"
#include "src/sip/status_code.h"

namespace sipwsd::sip {
namespace {

TEST(HeaderTable, FindsEveryNameInAnyCaseAndEveryCompactForm) {
  for (std::size_t i = 1; i < header_id_count; ++i) {
    const HeaderRow& header = row(static_cast<HeaderId>(i));
    std::string upper{header.name};
    std::string lower{header.name};
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(header_id(header.name), header.id) << header.name;
    EXPECT_EQ(header_id(upper), header.id) << upper;
    EXPECT_EQ(header_id(lower), header.id) << lower;
    if (header.compact == 0) continue;
    EXPECT_EQ(header_id(std::string(1, header.compact)), header.id) << header.compact;
    EXPECT_EQ(header_id(std::string(1, static_cast<char>(header.compact - 32))), header.id) << header.compact;
  }
}

TEST(HeaderTable, KnowsNothingElse) {
  for (const char* name : {"", "Vi", "Viaa", "X-Via", "Max Forwards", "Max-Forward", "z", "1", "{", "C%6Fntact",
                           "Contact ", "A-name-that-is-longer-than-any-other-name"})
    EXPECT_EQ(header_id(name), HeaderId::other) << name;
  for (std::size_t i = 1; i < header_id_count; ++i) {
    std::string name{row(static_cast<HeaderId>(i)).name};
    name[name.size() / 3] = '#';
    EXPECT_EQ(header_id(name), HeaderId::other) << name;
  }
}

TEST(HeaderTable, HasTheCompactFormsOfTheRfcs) {
  const std::pair<const char*, HeaderId> table[] = {{"a", HeaderId::accept_contact},
                                                    {"b", HeaderId::referred_by},
                                                    {"c", HeaderId::content_type},
                                                    {"d", HeaderId::request_disposition},
                                                    {"e", HeaderId::content_encoding},
                                                    {"f", HeaderId::from},
                                                    {"i", HeaderId::call_id},
                                                    {"j", HeaderId::reject_contact},
                                                    {"k", HeaderId::supported},
                                                    {"l", HeaderId::content_length},
                                                    {"m", HeaderId::contact},
                                                    {"o", HeaderId::event},
                                                    {"r", HeaderId::refer_to},
                                                    {"s", HeaderId::subject},
                                                    {"t", HeaderId::to},
                                                    {"u", HeaderId::allow_events},
                                                    {"v", HeaderId::via},
                                                    {"x", HeaderId::session_expires},
                                                    {"y", HeaderId::identity}};
  for (const auto& [compact, id] : table) EXPECT_EQ(header_id(compact), id) << compact;
}

TEST(Method, IsComparedWithItsCase) {
  for (const Method method :
       {Method::invite, Method::ack, Method::bye, Method::cancel, Method::options, Method::register_, Method::message,
        Method::info, Method::refer, Method::notify, Method::subscribe, Method::update, Method::prack, Method::publish})
    EXPECT_EQ(method_of(name(method)), method);
  EXPECT_EQ(method_of("invite"), Method::other);
  EXPECT_EQ(method_of("INVITES"), Method::other);
  EXPECT_EQ(name(Method::other), "");
}

TEST(StatusCode, HasThePhraseOfTheRfcOrOfItsClass) {
  EXPECT_EQ(reason_phrase(100), "Trying");
  EXPECT_EQ(reason_phrase(430), "Flow Failed");
  EXPECT_EQ(reason_phrase(439), "First Hop Lacks Outbound Support");
  EXPECT_EQ(reason_phrase(606), "Not Acceptable");
  EXPECT_EQ(reason_phrase(499), "Request Failure");
  EXPECT_EQ(reason_phrase(699), "Global Failure");
  EXPECT_EQ(reason_phrase(700), "");
  EXPECT_EQ(reason_phrase(0), "");
}

}  // namespace
}  // namespace sipwsd::sip
