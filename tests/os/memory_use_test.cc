#include "src/os/memory_use.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sipwsd::os {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

TEST(MemoryUse, SeesWhatIsHeldAloneAndWhatIsShared) {
  const auto use = MemoryUse::open();
  ASSERT_TRUE(use);
  const auto before = use->read();
  ASSERT_TRUE(before);

  const std::vector<char> held(64 * mib, 'x');
  void* shared = ::mmap(nullptr, 32 * mib, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  std::memset(shared, 1, 32 * mib);
  const auto after = use->read();
  ::munmap(shared, 32 * mib);

  ASSERT_TRUE(after);
  EXPECT_GE(after->private_bytes, before->private_bytes + 63 * mib);
  EXPECT_LT(after->private_bytes, before->private_bytes + 90 * mib) << "what is shared is not counted here";
  EXPECT_GE(after->shared_bytes, before->shared_bytes + 32 * mib);
}

class ControlGroups : public ::testing::Test {
 protected:
  ControlGroups() {
    char name[] = "/tmp/sipwsd-cgroup-XXXXXX";
    root = ::mkdtemp(name);
    write("proc/self/cgroup", "0::/\n");
  }
  ~ControlGroups() override { std::filesystem::remove_all(root); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + "/" + path).parent_path());
    std::ofstream(root + "/" + path) << text;
  }
  std::uint64_t there_is() { return memory_there_is(root); }

  std::string root;
};

TEST_F(ControlGroups, WithoutALimitThereIsWhatTheMachineHas) {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(there_is(), machine);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(there_is(), machine);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("proc/self/cgroup", "5:memory:/\n");
  EXPECT_EQ(there_is(), machine);
  std::filesystem::remove(root + "/proc/self/cgroup");
  EXPECT_EQ(there_is(), machine);
}

TEST_F(ControlGroups, TheTightestOfAllWeAreInCounts) {
  write("proc/self/cgroup", "0::/system.slice/sipwsd.service\n");
  write("sys/fs/cgroup/system.slice/sipwsd.service/memory.max", "268435456\n");
  EXPECT_EQ(there_is(), 256 * mib);
  write("sys/fs/cgroup/system.slice/memory.max", "134217728\n");
  EXPECT_EQ(there_is(), 128 * mib);
}

TEST_F(ControlGroups, OfVersionOneAreKnownByTheirController) {
  write("proc/self/cgroup", "7:cpu,cpuacct:/a\n4:hugetlb,memory:/docker/abc\n1:name=systemd:/x\n");
  write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "67108864\n");
  EXPECT_EQ(there_is(), 64 * mib);
}

TEST_F(ControlGroups, InAContainerWhatIsMountedIsOurOwn) {
  write("proc/self/cgroup", "0::/kubepods/pod1/of-the-host\n");
  write("sys/fs/cgroup/memory.max", "100000000\n");
  EXPECT_EQ(there_is(), 100'000'000u);
  write("proc/self/cgroup", "0::/../../elsewhere\n");
  EXPECT_NE(there_is(), 0u) << "nothing outside is read";
}

TEST_F(ControlGroups, NonsenseIsNoLimit) {
  const auto machine = there_is();
  write("proc/self/cgroup", "nonsense\n:\n0::relative\n0::\n");
  write("sys/fs/cgroup/memory.max", "-1\n");
  EXPECT_EQ(there_is(), machine);
}

}  // namespace
}  // namespace sipwsd::os
