// Any bytes: never a crash, never a view outside, never a reply or an edited message that cannot be read.

#include <gtest/gtest.h>

#include <random>

#include "tests/sip/exercise.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

void expect_sound(std::string_view payload, const std::string& what) {
  // A copy of exactly that size, so that a sanitizer sees one byte too far.
  const std::unique_ptr<char[]> exact(new char[payload.size()]);
  std::copy(payload.begin(), payload.end(), exact.get());
  test::exercise({exact.get(), payload.size()}, [&](const char* why) { ADD_FAILURE() << what << ": " << why; });
}

TEST(Robustness, EveryBeginningOfEveryMessageIsReadSafely) {
  for (const test::Sample& one : test::all_samples())
    for (std::size_t size = 0; size < one.text.size(); ++size)
      expect_sound(std::string_view{one.text}.substr(0, size), one.section + " cut at " + std::to_string(size));
}

TEST(Robustness, ACutHeaderSectionIsNeverAccepted) {
  for (const test::Sample& one : test::all_samples()) {
    const std::size_t end = one.text.find("\r\n\r\n") + 4;
    for (std::size_t size = 0; size < end; ++size)
      EXPECT_FALSE(parse(std::string_view{one.text}.substr(0, size))) << one.section << " cut at " << size;
  }
}

TEST(Robustness, ACutBodyIsNoticedWhenContentLengthSaysSo) {
  const std::string& invite = test::sample("JsSIP INVITE").text;
  for (std::size_t size = invite.find("\r\n\r\n") + 4; size < invite.size(); ++size) {
    const Parsed parsed = parse(std::string_view{invite}.substr(0, size));
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.refusal().status, 400);
    EXPECT_TRUE(parsed.refusal().answerable);
  }
  EXPECT_TRUE(parse(invite));
}

TEST(Robustness, MutatedMessagesAreReadSafely) {
  std::mt19937 random{4475};
  const auto pick = [&random](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>{0, count - 1}(random);
  };
  constexpr std::string_view spice = " \t\r\n\0\",;:<>@=%\\/?[]()*SIPz0";
  const auto samples = test::all_samples();
  for (int round = 0; round < 6000; ++round) {
    std::string text = samples[pick(samples.size())].text;
    for (std::size_t changes = pick(6) + 1; changes > 0; --changes) {
      const std::size_t at = pick(text.size());
      switch (pick(5)) {
        case 0:
          text[at] = static_cast<char>(pick(256));
          break;
        case 1:
          text[at] = spice[pick(spice.size())];
          break;
        case 2:
          text.erase(at, pick(8) + 1);
          break;
        case 3:
          text.insert(at, 1, spice[pick(spice.size())]);
          break;
        case 4:
          text.insert(at, text.substr(pick(text.size()), pick(40)));
          break;
      }
      if (text.empty()) text = "x";
    }
    expect_sound(text, "round " + std::to_string(round));
    if (HasFailure()) FAIL() << text;
  }
}

TEST(Robustness, RandomBytesAreGarbage) {
  std::mt19937 random{5118};
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 200, '\0');
    for (char& c : text) c = static_cast<char>(random());
    expect_sound(text, "random bytes");
  }
}

}  // namespace
}  // namespace sipwsd::sip
