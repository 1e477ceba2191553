#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "src/os/fifo.h"
#include "src/os/notify.h"
#include "src/os/pid_file.h"
#include "src/os/unix_socket.h"

namespace sipwsd::os {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    char name[] = "/tmp/sipwsd-os-XXXXXX";
    folder = mkdtemp(name);
  }
  ~FilesTest() override { std::filesystem::remove_all(folder); }
  std::string in(const std::string& name) const { return folder + "/" + name; }
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What a forked child answers.
  template <typename F>
  static int answer_of_child(F&& f) {
    const pid_t pid = fork();
    if (pid == 0) _exit(f());
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string folder;
};

using FifoTest = FilesTest;

TEST_F(FifoTest, IsCreatedWithItsModeWhateverTheUmask) {
  const mode_t kept = umask(0777);
  const auto fifo = create_fifo(in("f"), {.mode = 0622});
  umask(kept);
  ASSERT_TRUE(fifo) << fifo.error().why;
  struct stat found {};
  ASSERT_EQ(stat(in("f").c_str(), &found), 0);
  EXPECT_TRUE(S_ISFIFO(found.st_mode));
  EXPECT_EQ(found.st_mode & 07777, 0622u);
}

TEST_F(FifoTest, NeverReportsEndOfFileWhenTheLastWriterLeaves) {
  const auto fifo = create_fifo(in("f"), {});
  {
    const auto writer = open_fifo_for_writing(in("f"));
    ASSERT_TRUE(writer);
    ASSERT_EQ(write(writer->raw(), "ab", 2), 2);
  }
  char buffer[8];
  EXPECT_EQ(read(fifo->raw(), buffer, sizeof buffer), 2);
  EXPECT_EQ(read(fifo->raw(), buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(FifoTest, ReplacesAnOldFifoAndNothingElse) {
  ASSERT_TRUE(create_fifo(in("f"), {}));
  EXPECT_TRUE(create_fifo(in("f"), {}));

  std::ofstream(in("file")) << "precious";
  EXPECT_TRUE(create_fifo(in("file"), {}).is(Errc::exists));
  EXPECT_TRUE(remove_fifo(in("file")).is(Errc::exists));
  EXPECT_EQ(content(in("file")), "precious");

  ASSERT_EQ(symlink(in("file").c_str(), in("link").c_str()), 0);
  EXPECT_TRUE(create_fifo(in("link"), {}).is(Errc::exists));
  EXPECT_TRUE(std::filesystem::is_symlink(in("link")));
}

TEST_F(FifoTest, IsWeakInAFolderWhereOthersMayPutAnotherOne) {
  struct stat found {};
  ASSERT_EQ(stat(in("").c_str(), &found), 0);
  const uid_t other = 12345;
  const std::pair<mode_t, bool> table[] = {{0700, false}, {0755, false}, {0775, false}, {01777, false}, {0777, true}, {0702, true}};
  for (const auto& [mode, weak] : table) {
    ASSERT_EQ(chmod(in("").c_str(), mode), 0);
    EXPECT_EQ(!weakness_of_folder(in("f"), geteuid()).empty(), weak) << std::oct << mode;
  }
  ASSERT_EQ(chmod(in("").c_str(), 0700), 0);
  if (geteuid() != 0) return;  // nobody else can give a folder away
  ASSERT_EQ(chown(in("").c_str(), other, other), 0);
  EXPECT_NE(weakness_of_folder(in("f"), geteuid()).find("12345"), std::string::npos);
  EXPECT_EQ(weakness_of_folder(in("f"), other), "") << "the daemon's own user";
}
TEST_F(FifoTest, IsOpenedForWritingOnlyWhenItIsAFifoWithOneNameAndAReader) {
  EXPECT_TRUE(open_fifo_for_writing(in("none")).is(Errc::not_found));
  ASSERT_EQ(mkfifo(in("f").c_str(), 0600), 0);
  EXPECT_TRUE(open_fifo_for_writing(in("f")).is(Errc::gone));

  const Fd reader{open(in("f").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  EXPECT_TRUE(open_fifo_for_writing(in("f")));
  ASSERT_EQ(symlink(in("f").c_str(), in("link").c_str()), 0);
  EXPECT_TRUE(open_fifo_for_writing(in("link")).is(Errc::refused));
  std::ofstream(in("file")) << "x";
  EXPECT_TRUE(open_fifo_for_writing(in("file")).is(Errc::refused));
  EXPECT_EQ(content(in("file")), "x");
  ASSERT_EQ(link(in("f").c_str(), in("hard").c_str()), 0);
  EXPECT_TRUE(open_fifo_for_writing(in("f")).is(Errc::refused));
}

using PidFileTest = FilesTest;

TEST_F(PidFileTest, RefusesASecondStartAndNamesTheFirst) {
  auto first = PidFile::create(in("pid"));
  ASSERT_TRUE(first) << first.error().why;
  EXPECT_EQ(content(in("pid")), std::to_string(getpid()) + "\n");

  const auto second = PidFile::create(in("pid"));
  ASSERT_TRUE(second.is(Errc::exists));
  EXPECT_NE(second.error().why.find("already running with pid " + std::to_string(getpid())), std::string::npos)
      << second.error().why;
  EXPECT_NE(second.error().why.find(in("pid")), std::string::npos);
}

TEST_F(PidFileTest, IsRemovedWithItsOwnerButNotByAChildThatInheritedIt) {
  {
    auto file = PidFile::create(in("pid"));
    ASSERT_TRUE(file);
    EXPECT_EQ(answer_of_child([&] {
                file->remove();
                return 7;
              }),
              7);
    EXPECT_TRUE(std::filesystem::exists(in("pid")));
    EXPECT_TRUE(PidFile::create(in("pid")).is(Errc::exists)) << "the child's close must not end the lock";
  }
  EXPECT_FALSE(std::filesystem::exists(in("pid")));
}

TEST_F(PidFileTest, IsNoObstacleWhenItsOwnerWasKilled) {
  EXPECT_EQ(answer_of_child([&] {
              auto file = PidFile::create(in("pid"));
              _exit(file ? 0 : 1);  // without the destructor: as after SIGKILL the file stays behind
              return 2;
            }),
            0);
  ASSERT_TRUE(std::filesystem::exists(in("pid")));

  const auto next = PidFile::create(in("pid"));

  ASSERT_TRUE(next) << next.error().why;
  EXPECT_EQ(content(in("pid")), std::to_string(getpid()) + "\n");
}

TEST_F(PidFileTest, DoesNotFollowALink) {
  std::ofstream(in("victim")) << "precious";
  ASSERT_EQ(symlink(in("victim").c_str(), in("pid").c_str()), 0);
  EXPECT_FALSE(PidFile::create(in("pid")));
  EXPECT_EQ(content(in("victim")), "precious");
}

using UnixSocketTest = FilesTest;

TEST_F(UnixSocketTest, ReplacesADeadSocketAndNeverALiveOneOrAFile) {
  {
    const auto listener = listen_unix(in("s"), 0600);
    ASSERT_TRUE(listener) << listener.error().why;
    EXPECT_TRUE(connect_unix(in("s")));
    EXPECT_TRUE(listen_unix(in("s")).is(Errc::exists));
  }
  EXPECT_FALSE(connect_unix(in("s")));
  EXPECT_TRUE(listen_unix(in("s")));
  std::ofstream(in("file")) << "precious";
  EXPECT_TRUE(listen_unix(in("file")).is(Errc::exists));
  EXPECT_EQ(content(in("file")), "precious");
  EXPECT_TRUE(listen_unix(std::string(200, 'x')).is(Errc::too_large));
}

class NotifyTest : public FilesTest {
 protected:
  Fd listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(bind(socket.raw(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    return socket;
  }
  static std::string next_on(const Fd& socket) {
    char buffer[256];
    const auto size = recv(socket.raw(), buffer, sizeof buffer, 0);
    return size < 0 ? "" : std::string(buffer, static_cast<std::size_t>(size));
  }
};

TEST_F(NotifyTest, TellsTheManagerOverAPathAndAnAbstractName) {
  for (const std::string& path : {in("n"), "@sipwsd-os-test-" + std::to_string(getpid())}) {
    const Fd manager = listen_at(path);
    const Notifier notifier{path};
    notifier.ready("serving");
    EXPECT_EQ(next_on(manager), "READY=1\nSTATUS=serving");
    notifier.watchdog();
    EXPECT_EQ(next_on(manager), "WATCHDOG=1");
    notifier.stopping();
    EXPECT_EQ(next_on(manager), "STOPPING=1");
    notifier.reloading(base::TimePoint{base::Seconds{2}});
    EXPECT_EQ(next_on(manager), "RELOADING=1\nMONOTONIC_USEC=2000000");
  }
}

TEST_F(NotifyTest, TakesItsSocketAndIntervalOutOfTheEnvironment) {
  const Fd manager = listen_at(in("n"));
  setenv("NOTIFY_SOCKET", in("n").c_str(), 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);

  const Notifier notifier = Notifier::from_environment();

  EXPECT_EQ(notifier.watchdog_interval(), base::Milliseconds{1500});
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
  notifier.send("X=1");
  EXPECT_EQ(next_on(manager), "X=1");
}

TEST_F(NotifyTest, IsSilentWithNobodyToTellAndIgnoresAnothersWatchdog) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  const Notifier notifier = Notifier::from_environment();
  EXPECT_FALSE(notifier.is_listened_to());
  EXPECT_EQ(notifier.watchdog_interval(), std::nullopt);
  notifier.ready("x");
  Notifier{in("nobody")}.ready("x");
}

}  // namespace
}  // namespace sipwsd::os
