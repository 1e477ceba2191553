#include "src/transaction/branch.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <random>
#include <string>

#include "src/sip/message.h"
#include "src/transaction/owner.h"

namespace sipwsd::transaction {
namespace {

const BranchKey key{{11, 22}};
const Branch sample{static_cast<WorkerSlot>(3), 77, static_cast<Token>(0x0123456789abcdefULL), 0xdeadbeef};

std::string text_of(const Branch& branch) { return std::string{std::string_view{key.make(branch)}}; }

TEST(Branch, GivesBackWhatWasPutInIt) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 1000; ++i) {
    const Branch branch{static_cast<WorkerSlot>(random()), static_cast<std::uint32_t>(random()),
                        static_cast<Token>(random()), static_cast<std::uint32_t>(random())};
    EXPECT_EQ(key.recognise(text_of(branch)), branch);
  }
}

TEST(Branch, BeginsWithTheMagicCookieAndIsAToken) {
  const std::string text = text_of(sample);
  EXPECT_TRUE(text.starts_with("z9hG4bK"));
  EXPECT_EQ(text.size(), 47u);
  for (const char c : text) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c))) << c;
}

TEST(Branch, IsRecognisedInWhateverCaseItComesBack) {
  std::string text = text_of(sample);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(key.recognise(text), sample);
}

TEST(Branch, IsForeignWhenAnyCharacterOfItWasChanged) {
  const std::string text = text_of(sample);
  for (std::size_t i = 7; i < text.size(); ++i)
    for (const char other : std::string{"abcdefghijklmnopqrstuvwxyz2345670189.-"}) {
      if (other == text[i]) continue;
      std::string forged = text;
      forged[i] = other;
      EXPECT_FALSE(key.recognise(forged)) << forged;
    }
}

TEST(Branch, IsForeignWhenItIsShorterLongerOrSomebodyElses) {
  const std::string text = text_of(sample);
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(key.recognise(text.substr(0, size)));
  EXPECT_FALSE(key.recognise(text + "a"));
  EXPECT_FALSE(key.recognise(text + ".1"));
  EXPECT_FALSE(key.recognise("z9hG4bK776asdhds"));
  EXPECT_FALSE(key.recognise("z9hG4bK" + std::string(40, 'a')));
  EXPECT_FALSE(BranchKey({11, 23}).recognise(text));
}

std::string response_with(const std::string& via) {
  return "SIP/2.0 200 OK\r\n" + via +
         "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}

TEST(OwnerOfResponse, IsTheWorkerInOurTopmostVia) {
  const std::string ours = "SIP/2.0/WSS edge.example.org;branch=" + text_of(sample);
  for (const std::string& via : {"Via: " + ours + "\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK1\r\n",
                                 "v:  " + ours + " , SIP/2.0/WSS a.invalid;branch=z9hG4bK1\r\n"}) {
    const std::string bytes = response_with(via);
    const auto message = sip::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(owner_of_response(key, *message), (Owner{static_cast<WorkerSlot>(3), 77}));
  }
}

TEST(OwnerOfResponse, IsNobodyWhenOurViaIsNotTheTopmost) {
  const std::string ours = "Via: SIP/2.0/WSS edge.example.org;branch=" + text_of(sample) + "\r\n";
  const std::string buried_bytes = response_with("Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1\r\n" + ours);
  const auto buried = sip::parse(buried_bytes);
  ASSERT_TRUE(buried);
  EXPECT_EQ(owner_of_response(key, *buried), std::nullopt);
  const std::string none_bytes = response_with("");
  const auto none = sip::parse(none_bytes);
  EXPECT_EQ(owner_of_response(key, none.recovered()), std::nullopt);
}

std::string request_with(const std::string& method, const std::string& via, const std::string& to = "<sip:c@d>") {
  return method + " sip:c@d SIP/2.0\r\nVia: " + via + "\r\nFrom: <sip:a@b>;tag=1\r\nTo: " + to +
         "\r\nCall-ID: x\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n";
}

TEST(OwnerOfDatagram, IsOneWorkerForTheInviteItsCancelAndItsAck) {
  for (const std::string& via : {std::string{"SIP/2.0/UDP phone;branch=z9hG4bKabc"}, std::string{"SIP/2.0/UDP phone;branch=1"},
                                 std::string{"SIP/2.0/UDP phone"}}) {
    const std::string bytes[] = {request_with("INVITE", via), request_with("CANCEL", via),
                                 request_with("ACK", via, "<sip:c@d>;tag=9")};
    const auto invite = sip::parse(bytes[0]);
    const auto cancel = sip::parse(bytes[1]);
    const auto ack = sip::parse(bytes[2]);
    ASSERT_TRUE(invite && cancel && ack);
    const auto owner = owner_of_datagram({1, 2}, *invite, 8);
    EXPECT_EQ(owner_of_datagram({1, 2}, *cancel, 8), owner) << via;
    EXPECT_EQ(owner_of_datagram({1, 2}, *ack, 8), owner) << via;
  }
}

TEST(OwnerOfDatagram, SpreadsOverAllWorkers) {
  std::array<int, 4> share{};
  for (int i = 0; i < 400; ++i) {
    const std::string bytes = request_with("OPTIONS", "SIP/2.0/UDP phone;branch=z9hG4bK" + std::to_string(i));
    const auto request = sip::parse(bytes);
    ASSERT_TRUE(request);
    ++share.at(number(owner_of_datagram({1, 2}, *request, 4)));
  }
  for (const int one : share) EXPECT_GT(one, 50);
}

}  // namespace
}  // namespace sipwsd::transaction
