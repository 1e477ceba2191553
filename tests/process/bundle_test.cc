#include "src/process/bundle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace sipwsd::process {
namespace {

constexpr std::size_t room = 64 * 1024;

Bundle bundle() { return *Bundle::create("a test", room); }

TEST(Bundle, GivesBackTheVersionThatWasPublished) {
  Bundle b = bundle();
  ASSERT_TRUE(b.publish(1, "first"));
  ASSERT_TRUE(b.publish(2, std::string(room, 'x')));
  ASSERT_TRUE(b.publish(3, ""));

  EXPECT_EQ(*b.read(2), std::string(room, 'x'));
  EXPECT_EQ(*b.read(3), "");
}

TEST(Bundle, SaysThatAVersionIsGoneOrNotThereYet) {
  Bundle b = bundle();
  EXPECT_TRUE(b.read(1).is(Errc::gone));
  for (std::uint32_t version = 1; version <= 3; ++version) ASSERT_TRUE(b.publish(version, "x"));

  EXPECT_TRUE(b.read(1).is(Errc::gone)) << "overwritten by the third";
  EXPECT_TRUE(b.read(4).is(Errc::gone));
  EXPECT_TRUE(b.read(0).is(Errc::gone)) << "an untouched half is no version 0";
}

TEST(Bundle, TakesNoMoreThanItHasRoomForAndKeepsWhatItHas) {
  Bundle b = bundle();
  ASSERT_TRUE(b.publish(1, "first"));
  EXPECT_TRUE(b.publish(2, std::string(2 * room, 'x')).is(Errc::too_large));
  EXPECT_EQ(*b.read(1), "first");
}

TEST(Bundle, NoticesAHalfWrittenVersion) {
  // A writer that is always in the middle of it: every read is whole, or gone.
  Bundle b = bundle();
  ASSERT_TRUE(b.publish(1, std::string(room, 'a')));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint32_t version = 2; !stop; ++version)
      if (!b.publish(version, std::string(room, static_cast<char>('a' + version % 26)))) return;
  });
  int whole = 0, gone = 0;
  std::uint32_t version = 1;
  while (gone < 1000 && whole < 100'000) {
    const auto bytes = b.read(version);
    if (!bytes) {
      ++gone;
      ++version;
      continue;
    }
    ++whole;
    ASSERT_EQ(bytes->find_first_not_of(bytes->front()), std::string::npos) << "version " << version << " is torn";
  }
  stop = true;
  writer.join();
  EXPECT_GT(gone, 0);
}

TEST(Bundle, IsReadByAChildWhichCannotWriteIt) {
  Bundle b = bundle();
  ASSERT_TRUE(b.publish(1, "for the children"));

  const pid_t child = fork();
  if (child == 0) {
    const auto bytes = b.read(1);
    if (!bytes || *bytes != "for the children") _exit(1);
    if (pwrite(b.raw(), "x", 1, 0) >= 0) _exit(2);
    if (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, b.raw(), 0) != MAP_FAILED) _exit(3);
    if (ftruncate(b.raw(), 0) == 0) _exit(4);
    const auto later = b.read(2);  // not there yet
    _exit(later ? 5 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);

  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Bundle, WipesWhatWasThereTwoVersionsBefore) {
  Bundle b = bundle();
  ASSERT_TRUE(b.publish(1, std::string(1000, 'k') + "private key"));
  ASSERT_TRUE(b.publish(2, "x"));
  ASSERT_TRUE(b.publish(3, "y"));

  std::string all(4 * room, '\0');
  const auto size = pread(b.raw(), all.data(), all.size(), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(all.find("private key"), std::string::npos);
}

}  // namespace
}  // namespace sipwsd::process
