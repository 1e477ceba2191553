#include "src/location/mirror_client.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "tests/support/private_segment.h"

namespace sipwsd::location {
namespace {

constexpr shm::ProcessSlot worker{0}, mirror{3};

class MirrorClientTest : public ::testing::Test {
 protected:
  // What the mirror was asked.
  std::vector<bus::StoreBindings> asked() {
    std::vector<bus::StoreBindings> out;
    mirror_mailbox.drain(100'000, [&](shm::ProcessSlot, const bus::Letter& letter) {
      out.push_back(std::get<bus::StoreBindings>(letter));
      names.emplace_back(out.back().aor);
      out.back().aor = {};
    });
    return out;
  }
  void store(const std::string& aor) {
    client->store(aor, [this, aor](Result<void> stored) {
      told.push_back(aor + (stored ? " stored" : stored.is(Errc::full) ? " full" : stored.is(Errc::timed_out) ? " timed out" : " failed"));
    });
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    loop.run_once(std::chrono::milliseconds{0});
  }

  using Strings = std::vector<std::string>;
  test::PrivateSegment segment;
  base::FakeClock clock;
  os::EventLoop loop{clock};
  bus::Mailbox mailbox{segment->mailboxes, worker};
  bus::Mailbox mirror_mailbox{segment->mailboxes, mirror};
  std::optional<MirrorClient> client{std::in_place, mailbox, loop, mirror, 1u};
  Strings told, names;
};

TEST_F(MirrorClientTest, TellsEachWhenItIsStoredInWhateverOrder) {
  store("alice");
  store("bob");
  const auto letters = asked();
  ASSERT_EQ(names, (Strings{"alice", "bob"}));
  EXPECT_EQ(told, Strings{});

  client->on_letter({.ticket = letters[1].ticket, .outcome = bus::StoreOutcome::stored});
  client->on_letter({.ticket = letters[0].ticket, .outcome = bus::StoreOutcome::failed});
  client->on_letter({.ticket = letters[0].ticket, .outcome = bus::StoreOutcome::stored});

  EXPECT_EQ(told, (Strings{"bob stored", "alice failed"})) << "and each once";
}

TEST_F(MirrorClientTest, GivesUpAMirrorThatDoesNotAnswer) {
  store("alice");
  pass(MirrorClient::patience / 2);
  store("bob");
  EXPECT_EQ(told, Strings{});
  pass(MirrorClient::patience / 2 + std::chrono::milliseconds{5});
  EXPECT_EQ(told, (Strings{"alice timed out"}));
  pass(MirrorClient::patience);
  EXPECT_EQ(told, (Strings{"alice timed out", "bob timed out"}));

  client->on_letter({.ticket = asked().at(0).ticket, .outcome = bus::StoreOutcome::stored});

  EXPECT_EQ(told.size(), 2u) << "too late";
}

TEST_F(MirrorClientTest, SaysAtOnceThatTheMirrorDoesNotKeepUp) {
  const std::string name(1000, 'a');
  std::size_t posted = 0;
  while (told.empty() && posted < 1000) {
    store(name);
    ++posted;
  }
  EXPECT_EQ(told, Strings{name + " full"});
  EXPECT_GT(posted, 10u);
}

TEST_F(MirrorClientTest, AsksForNoAnswerWhenNobodyWaits) {
  client->changed("alice");
  const auto letters = asked();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].ticket, 0u);
  EXPECT_EQ(names, Strings{"alice"});
}

TEST_F(MirrorClientTest, IsSilentWithoutAMirror) {
  MirrorClient off{mailbox, loop, shm::ProcessSlot::none, 1};
  EXPECT_FALSE(off.is_on());
  off.changed("alice");
  EXPECT_TRUE(asked().empty());
}

TEST_F(MirrorClientTest, DoesNotTakeAnAnswerToItsPredecessorForItsOwn) {
  store("alice");
  const auto letters = asked();
  client.reset();
  client.emplace(mailbox, loop, mirror, 2u);
  store("bob");
  client->on_letter({.ticket = letters.at(0).ticket, .outcome = bus::StoreOutcome::stored});
  EXPECT_EQ(told, Strings{}) << "who died with the predecessor is not told";
}

}  // namespace
}  // namespace sipwsd::location
