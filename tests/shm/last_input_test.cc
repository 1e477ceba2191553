#include "shm/last_input.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

constexpr WorkerSlot first = w0, second = w1;

class LastInputsTest : public testing::Test {
 protected:
  // A process at work as `worker` is killed in the middle of it.
  void die_over(std::string_view message, WorkerSlot worker = first) {
    const int status = in_child([&] {
      const LastInputs::Work work(inputs, worker, endpoint(7, 4000), message);
      raise(SIGKILL);
    });
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  SharedState shared = make_shared_state();
  LastInputs& inputs = shared.last_inputs;
};

TEST_F(LastInputsTest, AccuseNobodyWhenTheDeadWasAtWorkOnNothing) {
  EXPECT_FALSE(inputs.accuse(first));
  { const LastInputs::Work work(inputs, first, endpoint(7, 4000), "harmless"); }
  EXPECT_FALSE(inputs.accuse(first));
}

TEST_F(LastInputsTest, NameWhoSentWhatAWorkerDiedOver) {
  die_over("INVITE sip:x");

  const auto accused = inputs.accuse(first);

  ASSERT_TRUE(accused);
  EXPECT_EQ(accused->source, endpoint(7, 4000));
  EXPECT_EQ(accused->deaths, 1u);
  EXPECT_FALSE(inputs.accuse(first)) << "a death is asked about once";
}

TEST_F(LastInputsTest, CountTheDeathsOfOneInputInWhateverWorker) {
  die_over("INVITE sip:x", first);
  EXPECT_EQ(inputs.accuse(first)->deaths, 1u);
  die_over("INVITE sip:y", first);
  EXPECT_EQ(inputs.accuse(first)->deaths, 1u) << "another input";

  die_over("INVITE sip:x", second);

  EXPECT_FALSE(inputs.accuse(first));
  EXPECT_EQ(inputs.accuse(second)->deaths, 2u);
}

TEST_F(LastInputsTest, KeepTheDeathOfTheOtherWorkerApart) {
  const LastInputs::Work work(inputs, second, endpoint(9, 1), "fine");
  die_over("bad", first);
  EXPECT_TRUE(inputs.accuse(first));
  EXPECT_TRUE(inputs.accuse(second)) << "not cleared by the other's accusation";
}

TEST_F(LastInputsTest, ForgetTheOldestInputAfterSixtyFourOthers) {
  die_over("first");
  EXPECT_EQ(inputs.accuse(first)->deaths, 1u);
  for (int i = 0; i < 63; ++i) {
    die_over("other " + std::to_string(i));
    ASSERT_EQ(inputs.accuse(first)->deaths, 1u);
  }
  die_over("first");
  EXPECT_EQ(inputs.accuse(first)->deaths, 2u) << "still remembered";
  die_over("one more");
  EXPECT_EQ(inputs.accuse(first)->deaths, 1u);
  die_over("first");
  EXPECT_EQ(inputs.accuse(first)->deaths, 1u);
}

}  // namespace
}  // namespace sipwsd::shm
