#include "src/mi/fifo_frontend.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "src/os/signal_fd.h"
#include "tests/mi/mi_fixture.h"
#include "tests/support/test_server.h"

namespace sipwsd::mi {
namespace {

using std::chrono::milliseconds;

// The real FIFO in a folder of its own; only time is not real.
class FifoFrontendTest : public MiTest {
 protected:
  FifoFrontendTest() {
    os::ignore_broken_pipes();
    settings.fifo = scratch / "sipwsd.fifo";
    settings.reply_dir = scratch.path();
    auto made = FifoFrontend::create(loop, context);
    if (!made) throw std::runtime_error(made.error().why);
    frontend = std::move(*made);
    writer = os::Fd{open(settings.fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
  }
  void ask(std::string_view bytes) {
    ASSERT_EQ(::write(writer.raw(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    turn();
  }
  // Whatever is ready and due now is done.
  void turn() {
    for (int i = 0; i < 8; ++i) loop.run_once(milliseconds{0});
  }
  void wait(milliseconds time) {
    clock.advance(time);
    turn();
  }
  // The client's pipe, open or not yet.
  std::string make_pipe(const std::string& name) {
    const auto path = scratch / name;
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  static os::Fd listen(const std::string& path) { return os::Fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)}; }
  static std::string take(const os::Fd& pipe) {
    std::string all;
    char bytes[8192];
    for (ssize_t n; (n = ::read(pipe.raw(), bytes, sizeof bytes)) > 0;) all.append(bytes, static_cast<std::size_t>(n));
    return all;
  }
  static bool has_ended(const os::Fd& pipe) {
    char byte;
    return ::read(pipe.raw(), &byte, 1) == 0;
  }
  std::uint64_t commands() { return segment->value(shm::Counter::mi_commands); }

  test::Scratch scratch;
  os::EventLoop loop{clock};
  std::unique_ptr<FifoFrontend> frontend;
  os::Fd writer;
};

TEST_F(FifoFrontendTest, AnswersInTheClientsPipeAndEndsIt) {
  const auto reply = listen(make_pipe("r1"));
  ask(":ws.dump:r1\n\n");
  EXPECT_EQ(take(reply), "200 OK\n0 WebSocket connections found\n\n");
  EXPECT_TRUE(has_ended(reply));
}

TEST_F(FifoFrontendTest, TakesARequestInAnyPieces) {
  const auto reply = listen(make_pipe("r1"));
  for (const char byte : std::string_view{":ws.dump:r1\nsideways\n\n"}) ask({&byte, 1});
  EXPECT_EQ(take(reply), "400 Bad display order parameter\n\n");
}

TEST_F(FifoFrontendTest, AnswersTwoRequestsOfOneWriteInTheirOrder) {
  const auto first = listen(make_pipe("r1")), second = listen(make_pipe("r2"));
  ask(":ws.dump:r1\n\n:debug:r2\n\n");
  EXPECT_EQ(take(first), "200 OK\n0 WebSocket connections found\n\n");
  EXPECT_EQ(take(second), "200 OK\nDEBUG:: 3\n\n");
}

TEST_F(FifoFrontendTest, RefusesAnUnknownCommandAndABadArgumentInOneLine) {
  const auto first = listen(make_pipe("r1")), second = listen(make_pipe("r2")), third = listen(make_pipe("r3"));
  ask(":foo:r1\nwhatever\n\n");
  EXPECT_EQ(take(first), "500 command 'foo' not available\n");
  ask(":ws.dump:r2\na\"b\n\n");
  EXPECT_EQ(take(second), "400 parse error in command 'ws.dump'\n");
  ask(":pwd:r3\na\"b\n\n");
  EXPECT_TRUE(take(third).starts_with("200 OK\nWD:: ")) << "its arguments are not even read";
}

TEST_F(FifoFrontendTest, RunsACommandNobodyWantsTheAnswerOf) {
  ask(":ws.disable:\n\n");
  EXPECT_FALSE(segment->switches->ws_enabled());
}

TEST_F(FifoFrontendTest, DropsAMalformedRequestAndServesTheNext) {
  const auto reply = listen(make_pipe("r1"));
  ask("ws.disable:r1\n\n:ws.disable:../r1\n\n:debug:r1\n\n");
  EXPECT_TRUE(segment->switches->ws_enabled());
  EXPECT_EQ(take(reply), "200 OK\nDEBUG:: 3\n\n");
  EXPECT_EQ(segment->value(shm::Counter::mi_errors), 2u);
  EXPECT_EQ(commands(), 1u);
}

TEST_F(FifoFrontendTest, WaitsForAReaderThatIsLateButLessThanAThirdOfASecond) {
  const auto path = make_pipe("r1");
  ask(":ws.disable:r1\n\n");
  wait(milliseconds{80});
  wait(milliseconds{80});
  EXPECT_TRUE(segment->switches->ws_enabled()) << "not before its reply can be written";
  const auto reply = listen(path);
  wait(milliseconds{80});
  EXPECT_EQ(take(reply), "200 OK\n\n");
}

TEST_F(FifoFrontendTest, GivesUpAReaderThatNeverComesAndServesTheNext) {
  const auto late = make_pipe("r1");
  const auto next = listen(make_pipe("r2"));
  ask(":ws.disable:r1\n\n:debug:r2\n\n");
  EXPECT_EQ(take(next), "") << "one at a time";
  for (int attempt = 0; attempt < 4; ++attempt) wait(milliseconds{81});
  EXPECT_EQ(take(next), "200 OK\nDEBUG:: 3\n\n");
  const auto reply = listen(late);
  wait(milliseconds{1000});
  EXPECT_EQ(take(reply), "");
  EXPECT_TRUE(segment->switches->ws_enabled()) << "the command was not run";
}

TEST_F(FifoFrontendTest, FinishesACommandWhoseReaderWasLateBeforeItBeginsTheNext) {
  const auto late = make_pipe("r1");
  const auto next = listen(make_pipe("r2"));
  settings.arguments = {"first"};
  ask(":arg:r1\n\n:debug:r2\n7\n\n");
  const auto reply = listen(late);
  wait(milliseconds{80});
  EXPECT_EQ(take(reply), "200 OK\nfirst\n\n");
  EXPECT_EQ(take(next), "400 Bad parameter\n\n");
}

TEST_F(FifoFrontendTest, DoesNotRunACommandWhoseReplyPipeIsNotThere) {
  ask(":ws.disable:nobody\n\n");
  EXPECT_TRUE(segment->switches->ws_enabled());
  const auto reply = listen(make_pipe("r1"));
  ask(":debug:r1\n\n");
  EXPECT_EQ(take(reply), "200 OK\nDEBUG:: 3\n\n") << "and has not waited for it";
}

TEST_F(FifoFrontendTest, S54WritesToNothingButThePipeTheClientMade) {
  const auto pipe = make_pipe("pipe");
  const auto reply = listen(pipe);
  const auto regular = scratch / "regular";
  std::ofstream(regular) << "precious";
  ASSERT_EQ(symlink(pipe.c_str(), (scratch / "symlink").c_str()), 0);
  ASSERT_EQ(symlink(regular.c_str(), (scratch / "tofile").c_str()), 0);
  ASSERT_EQ(mkdir((scratch / "folder").c_str(), 0700), 0);
  for (const auto* name : {"regular", "symlink", "tofile", "folder"}) ask(std::string(":ws.disable:") + name + "\n\n");
  ASSERT_EQ(link(pipe.c_str(), (scratch / "second").c_str()), 0);
  for (const auto* name : {"pipe", "second"}) ask(std::string(":ws.disable:") + name + "\n\n");

  EXPECT_TRUE(segment->switches->ws_enabled()) << "none of them was run";
  EXPECT_EQ(take(reply), "");
  std::string content;
  std::ifstream(regular) >> content;
  EXPECT_EQ(content, "precious");

  ASSERT_EQ(unlink((scratch / "second").c_str()), 0);
  ask(":ws.disable:pipe\n\n");
  EXPECT_EQ(take(reply), "200 OK\n\n");
}

class WithALongReply : public FifoFrontendTest {
 protected:
  WithALongReply() {
    expected = "200 OK\n";
    for (int i = 0; i < 3000; ++i) {
      settings.arguments.push_back(std::string(99, static_cast<char>('a' + i % 26)));
      expected += settings.arguments.back() + "\n";
    }
    expected += "\n";
  }
  std::string expected;  // 300 KiB: several times what a pipe holds
};

TEST_F(WithALongReply, WritesItAsFastAsItIsRead) {
  const auto reply = listen(make_pipe("r1"));
  ask(":arg:r1\n\n");
  std::string got;
  for (int i = 0; i < 1000 && got.size() < expected.size(); ++i) {
    got += take(reply);
    turn();
  }
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(has_ended(reply));
}

TEST_F(WithALongReply, GivesUpAReaderThatDoesNotReadAndServesTheNext) {
  const auto reply = listen(make_pipe("r1")), next = listen(make_pipe("r2"));
  ask(":arg:r1\n\n:debug:r2\n\n");
  wait(milliseconds{4900});
  EXPECT_EQ(take(next), "");
  wait(milliseconds{200});
  EXPECT_EQ(take(next), "200 OK\nDEBUG:: 3\n\n");
  EXPECT_LT(take(reply).size(), expected.size());
  EXPECT_TRUE(has_ended(reply));
}

TEST_F(WithALongReply, LeavesAReaderThatLeaves) {
  auto reply = listen(make_pipe("r1"));
  const auto next = listen(make_pipe("r2"));
  ask(":arg:r1\n\n:debug:r2\n\n");
  reply.close();
  turn();
  EXPECT_EQ(take(next), "200 OK\nDEBUG:: 3\n\n");
}

TEST_F(FifoFrontendTest, AnswersWhenAWorkerHas) {
  add(7, 0);
  const auto reply = listen(make_pipe("r1")), next = listen(make_pipe("r2"));
  ask(":ws.ping:r1\n7\n\n:debug:r2\n\n");
  EXPECT_EQ(take(reply), "");
  EXPECT_EQ(take(next), "");
  worker_answers(worker0, 200);
  turn();
  EXPECT_EQ(take(reply), "200 OK\n\n");
  EXPECT_EQ(take(next), "200 OK\nDEBUG:: 3\n\n");
}

TEST_F(FifoFrontendTest, LeavesItsFifoToTheSupervisorAndReplacesWhatAPredecessorLeft) {
  frontend.reset();
  EXPECT_EQ(access(settings.fifo.c_str(), F_OK), 0);
  EXPECT_TRUE(FifoFrontend::create(loop, context));
}

TEST_F(FifoFrontendTest, TakesTheModeFromItsSettingsWhateverTheUmask) {
  frontend.reset();
  settings.fifo_mode = 0622;
  const mode_t before = umask(077);
  auto made = FifoFrontend::create(loop, context);
  umask(before);
  ASSERT_TRUE(made) << made.error().why;
  struct stat found {};
  ASSERT_EQ(stat(settings.fifo.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0622u);
}

TEST_F(FifoFrontendTest, RefusesToStartWithoutAReplyDirectoryOrWhereSomethingElseStands) {
  frontend.reset();
  ASSERT_EQ(::unlink(settings.fifo.c_str()), 0);  // as the supervisor does
  std::ofstream(settings.fifo) << "precious";
  EXPECT_TRUE(FifoFrontend::create(loop, context).is(Errc::exists));
  settings.reply_dir = scratch / "nowhere";
  const auto made = FifoFrontend::create(loop, context);
  ASSERT_TRUE(made.is(Errc::not_found));
  EXPECT_EQ(made.error().why, "reply_dir " + settings.reply_dir + " is not a directory");
}

}  // namespace
}  // namespace sipwsd::mi
