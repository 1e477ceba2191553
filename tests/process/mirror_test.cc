// The mirror and the restoration in a real daemon, with a role in place of the worker that does what the test says: so
// that what is shown here is theirs alone (tests/process/daemon_registrar_test.cc has the same with REGISTERs).
#include "src/process/mirror.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/location/mirror_client.h"
#include "src/location/mirror_database.h"
#include "src/process/child_life.h"
#include "src/process/daemon.h"
#include "src/process/mailbox_pump.h"

namespace sipwsd::process {
namespace {

constexpr int deadline_ms = 10'000;

// --- the clerk: one line in, one line out ------------------------------------------------------------------------------

//   bind AOR CONTACT [stream]   binds and answers when that is stored
//   rm AOR                      removes all, and tells the mirror
//   list AOR                    its contacts
//   mirror                      the mirror's pid
class Clerk final : private os::Watcher {
 public:
  explicit Clerk(Inherited& inherited) : inherited_(inherited) {
    if (!loop_.add(in_.raw(), os::readable, *this)) throw std::runtime_error("cannot watch the pipe");
  }
  int run() {
    inherited_.announce_ready();
    say("ready");
    loop_.run();
    return 0;
  }

 private:
  void say(const std::string& line) {
    const std::string out = line + "\n";
    if (write(out_.raw(), out.data(), out.size()) < 0) _exit(99);
  }
  void on_ready(std::uint32_t) override {
    char buffer[4096];
    const auto size = read(in_.raw(), buffer, sizeof buffer);
    if (size <= 0) return;
    std::istringstream lines(std::string(buffer, static_cast<std::size_t>(size)));
    for (std::string line; std::getline(lines, line);) obey(line);
  }
  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb, aor, contact, how;
    words >> verb >> aor >> contact >> how;
    auto& bindings = inherited_.shared.bindings;
    bindings.snapshot(aor, snapshot_);
    if (verb == "bind") {
      shm::BindingChange change;
      change.binding.contact = contact;
      change.binding.expires_at = base::whole_seconds(inherited_.clock.now()) + 600;
      if (how == "stream") change.binding.to.flow = {ConnectionId{1}, WorkerSlot{0}};
      else change.binding.to.remote = {.address = {127, 0, 0, 1}, .port = 9, .family = AddressFamily::ipv4, .protocol = TransportProtocol::udp};
      if (!bindings.commit(inherited_.slot, aor, snapshot_.version(), {&change, 1})) return say("not bound");
      client_.store(aor, [this, aor](Result<void> stored) { say(aor + (stored ? " stored" : " not stored")); });
    } else if (verb == "rm") {
      std::vector<shm::BindingChange> changes;
      for (const auto& b : snapshot_) changes.push_back({.kind = shm::BindingChange::Kind::remove, .serial = b.serial, .binding = {}});
      say(bindings.commit(inherited_.slot, aor, snapshot_.version(), changes) ? "removed" : "not removed");
      client_.changed(aor);
    } else if (verb == "list") {
      std::string all;
      for (const auto& b : snapshot_)
        all += " " + std::string(b.contact) + (b.state == shm::BindingState::suspended ? "(suspended)" : "");
      say("list" + all);
    } else if (verb == "mirror") {
      say(std::to_string(inherited_.shared.processes.read(shm::ProcessSlot{1}).pid));
    }
  }

  Inherited& inherited_;
  os::Fd in_{open(inherited_.settings.arguments.at(0).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)};
  os::Fd out_{open(inherited_.settings.arguments.at(1).c_str(), O_RDWR | O_CLOEXEC)};
  os::EventLoop loop_{inherited_.clock};
  bus::Mailbox mailbox_{inherited_.shared.mailboxes, inherited_.slot};
  location::MirrorClient client_{mailbox_, loop_, shm::ProcessSlot{1}, inherited_.generation};
  ChildLife life_{inherited_, loop_, [this] { loop_.stop(); }};
  MailboxPump pump_{loop_, mailbox_, [this](shm::ProcessSlot, const bus::Letter& letter) {
                      if (const auto* stored = std::get_if<bus::BindingsStored>(&letter)) client_.on_letter(*stored);
                    }};
  shm::BindingSnapshot snapshot_;
};

std::uint16_t one(const config::Settings&) { return 1; }
constexpr auto roles_of_the_test = std::to_array<Role>({
    {"clerk", one, [](Inherited& inherited) { return Clerk{inherited}.run(); }, Sockets::of_its_slot},
    {"mirror", one, run_mirror, Sockets::none, Privileges::dropped_before_run, os::Sandbox::mirror},
});

// --- the daemon ----------------------------------------------------------------------------------------------------------

class MirrorTest : public testing::Test {
 protected:
  MirrorTest() {
    char pattern[] = "/tmp/sipwsd-mirror-XXXXXX";
    folder = mkdtemp(pattern);
    for (const char* name : {"/in", "/out"}) EXPECT_EQ(mkfifo((folder + name).c_str(), 0600), 0);
    in = os::Fd{open((folder + "/in").c_str(), O_RDWR | O_CLOEXEC)};
    out = os::Fd{open((folder + "/out").c_str(), O_RDWR | O_CLOEXEC)};
    settings.listen = {{TransportProtocol::ws, "127.0.0.1", 0, {}, 0}};
    settings.daemonize = false;
    settings.workers = 1;
    settings.auth_mode = config::AuthMode::none;
    settings.db_mode = 1;
    settings.db_url = "sqlite://" + folder + "/location.db";
    settings.arguments = {folder + "/in", folder + "/out"};
    settings.log_file = folder + "/log";
  }
  ~MirrorTest() override {
    if (pid > 0) kill(pid, SIGKILL), waitpid(pid, nullptr, 0);
    std::filesystem::remove_all(folder);
  }

  void start() {
    pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int quiet = open("/dev/null", O_WRONLY);
      dup2(quiet, 2);
      _exit(run_daemon(settings, roles_of_the_test, {}));
    }
  }
  void start_and_wait() {
    start();
    ASSERT_EQ(line(), "ready") << log();
  }
  int end() {
    int status = 0;
    waitpid(std::exchange(pid, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int stop() {
    kill(pid, SIGTERM);
    return end();
  }
  std::string line() {
    std::string text;
    for (pollfd fd{out.raw(), POLLIN, 0}; poll(&fd, 1, deadline_ms) == 1;) {
      char c = 0;
      if (read(out.raw(), &c, 1) != 1 || c == '\n') return text;
      text += c;
    }
    return "nothing for too long after: " + text;
  }
  std::string ask(const std::string& command) {
    const std::string text = command + "\n";
    EXPECT_EQ(write(in.raw(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return line();
  }
  std::string log() {
    std::ifstream file(folder + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder;
  os::Fd in, out;
  config::Settings settings;
  pid_t pid = 0;
};

TEST_F(MirrorTest, WhatItSaidIsStoredIsThereAfterAKillOfTheWholeDaemon) {
  start_and_wait();
  EXPECT_EQ(ask("bind alice@example.org sip:a@127.0.0.1"), "alice@example.org stored") << log();
  EXPECT_EQ(ask("bind alice@example.org sip:b@127.0.0.1"), "alice@example.org stored");
  EXPECT_EQ(ask("bind bob@example.org sip:c@x.invalid stream"), "bob@example.org stored");
  kill(pid, SIGKILL);
  EXPECT_EQ(end(), -1);

  start_and_wait();

  EXPECT_EQ(ask("list alice@example.org"), "list sip:b@127.0.0.1 sip:a@127.0.0.1") << log();
  EXPECT_EQ(ask("list bob@example.org"), "list sip:c@x.invalid(suspended)");
  EXPECT_NE(log().find("2 bindings are back, 1 more wait for their clients"), std::string::npos) << log();
  EXPECT_EQ(stop(), 0) << log();
}

TEST_F(MirrorTest, WritesAfterItsDeathWhatItHadBeenToldAndForgetsWhatIsGone) {
  start_and_wait();
  ASSERT_EQ(ask("bind alice@example.org sip:a@127.0.0.1"), "alice@example.org stored");
  ASSERT_EQ(ask("bind bob@example.org sip:b@127.0.0.1"), "bob@example.org stored");
  const pid_t before = std::stoi(ask("mirror x"));
  ASSERT_GT(before, 1);
  kill(before, SIGSTOP);
  ASSERT_EQ(ask("rm alice@example.org"), "removed");
  ASSERT_EQ(ask("bind carol@example.org sip:c@127.0.0.1"), "carol@example.org not stored") << "in bounded time";
  kill(before, SIGKILL);
  ASSERT_EQ(ask("bind dave@example.org sip:d@127.0.0.1"), "dave@example.org stored") << "by its successor";
  EXPECT_NE(std::stoi(ask("mirror x")), before);
  EXPECT_EQ(stop(), 0) << log();

  start_and_wait();

  EXPECT_EQ(ask("list alice@example.org"), "list");
  EXPECT_EQ(ask("list bob@example.org"), "list sip:b@127.0.0.1");
  EXPECT_EQ(ask("list carol@example.org"), "list sip:c@127.0.0.1");
  EXPECT_EQ(ask("list dave@example.org"), "list sip:d@127.0.0.1");
  EXPECT_EQ(stop(), 0);
}

TEST_F(MirrorTest, SyncsManyBindingsAtOnce) {
  start_and_wait();
  std::string commands;
  for (int i = 0; i < 60; ++i) commands += "bind u" + std::to_string(i) + "@example.org sip:a@127.0.0.1\n";
  commands.pop_back();
  EXPECT_EQ(ask(commands), "u0@example.org stored");
  for (int i = 1; i < 60; ++i) EXPECT_EQ(line(), "u" + std::to_string(i) + "@example.org stored");
  EXPECT_EQ(stop(), 0);
}

TEST_F(MirrorTest, ADatabaseThatIsNoneEndsTheStartWithAWord) {
  std::ofstream(folder + "/location.db") << std::string(5000, 'x');
  start();
  EXPECT_EQ(end(), number(config::ExitCode::configuration));
  EXPECT_NE(log().find("db_url: " + folder + "/location.db: file is not a database"), std::string::npos) << log();
}

TEST_F(MirrorTest, AFolderThatIsNotThereEndsTheStartWithAWord) {
  settings.db_url = "sqlite://" + folder + "/nowhere/location.db";
  start();
  EXPECT_EQ(end(), number(config::ExitCode::configuration));
  EXPECT_NE(log().find("nowhere/location.db: unable to open database file"), std::string::npos) << log();
}

TEST_F(MirrorTest, ASecondDaemonDoesNotTakeTheSameDatabase) {
  start_and_wait();
  const pid_t first = std::exchange(pid, 0);
  start();
  EXPECT_EQ(end(), number(config::ExitCode::unavailable)) << log();
  EXPECT_NE(log().find("location.db: database is locked"), std::string::npos) << log();
  pid = first;
  EXPECT_EQ(stop(), 0);
}

}  // namespace
}  // namespace sipwsd::process
