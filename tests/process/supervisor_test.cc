// The supervisor with roles made for the purpose, as a process of its own: tests talk to it as an operator and the
// network do. Every wait is for an event (a line on standard error, a line in the journal, a process's end) with a
// generous deadline that only a failing test meets.
#include "src/process/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"
#include "src/process/adoption.h"
#include "src/process/child_life.h"
#include "src/process/daemon.h"

namespace sipwsd::process {
namespace {

constexpr int deadline_ms = 10'000;

// --- roles ---------------------------------------------------------------------------------------------------------

// settings.arguments[0] is a FIFO the test reads: one line an event, written in one piece.
void journal(const Inherited& inherited, const std::string& event) {
  const os::Fd fifo{open(inherited.settings.arguments.at(0).c_str(), O_WRONLY | O_CLOEXEC)};
  const std::string line = event + " " + inherited.title + " " + std::to_string(inherited.generation) + " " +
                           std::to_string(getpid()) + "\n";
  if (write(fifo.raw(), line.data(), line.size()) < 0) _exit(99);
}

// Accepts, says who it is, returns every byte; each connection has a record in the table.
class Echo {
 public:
  explicit Echo(Inherited& inherited) : inherited_(inherited) {}
  int run() {
    for (const ListeningSocket& listener : inherited_.listeners) {
      doors_.push_back(std::make_unique<Door>(*this, listener));
      if (!loop_.add(listener.fd, os::readable, *doors_.back())) return 1;
    }
    Adoption adoption{inherited_.shared.connections, inherited_.worker(), [&](const shm::ConnectionRecord& record) {
                        journal(inherited_, "closed:" + std::to_string(number(record.id())));
                      }};
    inherited_.announce_ready();
    journal(inherited_, "ready");
    while (adoption.adopt(16) == 16) {
    }
    journal(inherited_, "adopted");
    loop_.run();
    journal(inherited_, "left");
    return 0;
  }

 private:
  struct Peer final : os::Watcher {
    explicit Peer(os::Fd s) : socket(std::move(s)) {}
    void on_ready(std::uint32_t) override {
      char buffer[256];
      const auto size = recv(socket.raw(), buffer, sizeof buffer, 0);
      if (size <= 0 || send(socket.raw(), buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) < 0) {
        socket.close();
      }
    }
    os::Fd socket;
  };
  struct Door final : os::Watcher {
    Door(Echo& e, const ListeningSocket& l) : echo(e), listener(l) {}
    void on_ready(std::uint32_t) override {
      while (auto accepted = os::accept_tcp(listener.fd, listener.at.protocol)) echo.welcome(std::move(accepted->socket));
    }
    Echo& echo;
    ListeningSocket listener;
  };

  void welcome(os::Fd socket) {
    shm::NewConnection connection;
    connection.id = inherited_.shared.ids.next();
    connection.owner = inherited_.worker();
    connection.state = shm::ConnectionState::open;
    if (!inherited_.shared.connections.insert(connection)) return;
    const std::string hello = std::to_string(inherited_.index) + " " + std::to_string(inherited_.generation) + " " +
                              std::to_string(getpid()) + " " + std::to_string(number(connection.id)) + "\n";
    if (send(socket.raw(), hello.data(), hello.size(), MSG_NOSIGNAL) < 0) return;
    peers_.push_back(std::make_unique<Peer>(std::move(socket)));
    if (!loop_.add(peers_.back()->socket.raw(), os::readable, *peers_.back())) peers_.pop_back();
  }

  Inherited& inherited_;
  os::EventLoop loop_{inherited_.clock};
  ChildLife life_{inherited_, loop_, [this] { loop_.stop(); }};
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

int run_echo(Inherited& inherited) { return Echo{inherited}.run(); }

int run_idle(Inherited& inherited) {
  os::EventLoop loop{inherited.clock};
  const ChildLife life{inherited, loop, [&] { loop.stop(); }};
  inherited.announce_ready();
  journal(inherited, "ready");
  loop.run();
  journal(inherited, "left");
  return 0;
}

int run_deaf(Inherited& inherited) {  // beats, but SIGTERM stays blocked
  os::EventLoop loop{inherited.clock};
  inherited.announce_ready();
  journal(inherited, "ready");
  for (;;) {
    inherited.shared.processes.beat(inherited.slot, inherited.clock.now());
    loop.run_once(base::Milliseconds{100});
  }
}

int run_crashing(Inherited& inherited) {  // all but the first
  if (inherited.generation == 1) return run_idle(inherited);
  inherited.announce_ready();
  journal(inherited, "ready");
  raise(SIGKILL);
  return 0;
}

int run_misconfigured(Inherited&) { return number(config::ExitCode::configuration); }
int run_broken(Inherited&) { throw std::runtime_error("broken from the start"); }

std::uint16_t as_workers(const config::Settings& settings) { return worker_count(settings); }
std::uint16_t one(const config::Settings&) { return 1; }

constexpr auto echo_and_idle = std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}, {"idle", one, run_idle}});
constexpr auto echo_only = std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}});
constexpr auto with_deaf = std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}, {"deaf", one, run_deaf}});
constexpr auto with_crashing =
    std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}, {"crashing", one, run_crashing}});
constexpr auto with_misconfigured =
    std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}, {"bad", one, run_misconfigured}});
constexpr auto with_broken =
    std::to_array<Role>({{"echo", as_workers, run_echo, Sockets::of_its_slot}, {"bad", one, run_broken}});

// --- the daemon under test -----------------------------------------------------------------------------------------

// Lines from a descriptor, with a deadline.
class Lines {
 public:
  explicit Lines(os::Fd fd) : fd_(std::move(fd)) {}
  // Empty at the end, or when nothing came in time.
  std::string next(int wait_ms = deadline_ms) {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      pollfd waiting{fd_.raw(), POLLIN, 0};
      char bytes[4096];
      if (poll(&waiting, 1, wait_ms) != 1) return {};
      const auto size = read(fd_.raw(), bytes, sizeof bytes);
      is_at_end = size == 0;
      if (size <= 0) return {};
      buffer_.append(bytes, static_cast<std::size_t>(size));
    }
  }
  // Skips lines until one contains the text.
  std::string until(const std::string& text) {
    for (std::string line = next(); !line.empty(); line = next()) {
      seen += line + "\n";
      if (line.find(text) != std::string::npos) return line;
    }
    return {};
  }
  std::string seen;
  bool is_at_end = false;

 private:
  os::Fd fd_;
  std::string buffer_;
};

struct Event {
  std::string what;
  std::string title;
  std::uint32_t generation = 0;
  pid_t pid = 0;
};

// A process that can be waited for though it is no child of ours. Opened while it lives, so its number can't be reused.
class Witness {
 public:
  explicit Witness(pid_t pid) : handle_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  [[nodiscard]] bool sees_the_end() const {
    if (!handle_.is_open()) return true;
    pollfd waiting{handle_.raw(), POLLIN, 0};
    return poll(&waiting, 1, deadline_ms) == 1;
  }

 private:
  os::Fd handle_;
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    char name[] = "/tmp/sipwsd-process-XXXXXX";
    folder = mkdtemp(name);
    chmod(folder.c_str(), 0755);
    settings.arguments = {folder + "/journal"};
    mkfifo(settings.arguments[0].c_str(), 0666);
    chmod(settings.arguments[0].c_str(), 0666);
    events = std::make_unique<Lines>(os::Fd{open(settings.arguments[0].c_str(), O_RDWR | O_CLOEXEC)});
    settings.listen = {{TransportProtocol::ws, "127.0.0.1", 0, {}, 0}};
    settings.daemonize = false;
    settings.workers = 2;
    settings.max_connections = 1024;
    settings.max_message_size = 4096;
    settings.letter_ring_bytes = 16384;
    settings.shutdown_timeout = base::Seconds{2};
    settings.pid_file = folder + "/pid";
  }
  ~SupervisorTest() override {
    if (daemon > 0) {
      kill(daemon, SIGKILL);
      waitpid(daemon, nullptr, 0);
    }
    std::filesystem::remove_all(folder);
  }

  template <typename F>
  void start_process(F&& body) {
    auto pipe = os::make_pipe();
    daemon = fork();
    if (daemon == 0) {
      dup2(pipe->writer.raw(), STDERR_FILENO);
      *pipe = {};
      _exit(body());
    }
    pipe->writer.close();
    errors = std::make_unique<Lines>(std::move(pipe->reader));
  }
  // Until "sipwsd: ready"; remembers the port.
  void start(std::span<const Role> roles) {
    start_process([&] { return run_daemon(settings, roles); });
    const std::string listening = errors->until("sipwsd: listening on ws:127.0.0.1:");
    ASSERT_FALSE(listening.empty()) << errors->seen;
    port = static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1)));
    ASSERT_EQ(errors->until("sipwsd: ready"), "sipwsd: ready") << errors->seen;
  }
  int exit_code() {
    const Witness witness{daemon};
    EXPECT_TRUE(witness.sees_the_end()) << errors->seen;
    int status = 0;
    if (waitpid(daemon, &status, WNOHANG) != std::exchange(daemon, 0)) return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  Event next_event() {
    std::istringstream line(events->next());
    Event event;
    std::string index;
    line >> event.what >> event.title;
    if (event.title == "echo") {
      line >> index;
      event.title += " " + index;
    }
    line >> event.generation >> event.pid;
    return event;
  }
  // The next event of that kind; those of other kinds are put into `others`.
  Event wait_for(const std::string& what, const std::string& title = "") {
    for (;;) {
      Event event = next_event();
      if (event.what.empty()) {
        ADD_FAILURE() << "no \"" << what << " " << title << "\" in the journal";
        return event;
      }
      if (event.what == what && (title.empty() || event.title == title)) return event;
      others.push_back(event);
    }
  }
  // One "ready" a role, by title.
  std::map<std::string, pid_t> wait_for_all(std::size_t count) {
    std::map<std::string, pid_t> pids;
    while (pids.size() < count) {
      const Event event = wait_for("ready");
      if (event.what.empty()) break;
      pids[event.title] = event.pid;
    }
    return pids;
  }

  os::Fd connect_here() const {
    Endpoint at = *os::parse_address("127.0.0.1");
    at.port = port;
    const os::SocketAddress address = os::to_socket_address(at);
    os::Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connect(socket.raw(), address.raw(), address.length) != 0) socket.close();
    return socket;
  }
  struct Hello {
    int index = -1;
    int generation = 0;
    pid_t pid = 0;
    std::uint32_t id = 0;
  };
  static Hello hello_on(const os::Fd& socket) {
    std::string text;
    while (text.find('\n') == std::string::npos) {
      pollfd waiting{socket.raw(), POLLIN, 0};
      char buffer[128];
      if (poll(&waiting, 1, deadline_ms) != 1) break;
      const auto size = recv(socket.raw(), buffer, sizeof buffer, 0);
      if (size <= 0) break;
      text.append(buffer, static_cast<std::size_t>(size));
    }
    Hello hello;
    std::istringstream(text) >> hello.index >> hello.generation >> hello.pid >> hello.id;
    return hello;
  }
  static bool echoes(const os::Fd& socket) {
    char byte = 'x';
    pollfd waiting{socket.raw(), POLLIN, 0};
    return send(socket.raw(), &byte, 1, MSG_NOSIGNAL) == 1 && poll(&waiting, 1, deadline_ms) == 1 &&
           recv(socket.raw(), &byte, 1, 0) == 1;
  }

  std::string folder;
  config::Settings settings;
  std::unique_ptr<Lines> events;
  std::unique_ptr<Lines> errors;
  std::vector<Event> others;
  pid_t daemon = 0;
  std::uint16_t port = 0;
};

// --- start and end -------------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, PrintsItsSocketsThenReadyAndLeavesInGoodOrder) {
  settings.listen.push_back({TransportProtocol::tcp, "127.0.0.1", 0, {}, 0});
  start(echo_and_idle);
  EXPECT_NE(errors->seen.find("sipwsd: listening on tcp:127.0.0.1:"), std::string::npos) << errors->seen;
  wait_for_all(3);
  std::ifstream pid_file(settings.pid_file);
  pid_t written = 0;
  pid_file >> written;
  EXPECT_EQ(written, daemon);

  kill(daemon, SIGTERM);

  std::set<std::string> left;
  for (int i = 0; i < 3; ++i) left.insert(wait_for("left").title);
  EXPECT_EQ(left, (std::set<std::string>{"echo 0", "echo 1", "idle"}));
  EXPECT_EQ(exit_code(), 0);
  EXPECT_FALSE(std::filesystem::exists(settings.pid_file));
}

TEST_F(SupervisorTest, ShowsTheRoleInTheProcessName) {
  start(echo_and_idle);
  for (const auto& [title, pid] : wait_for_all(3)) {
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(comm, name);
    EXPECT_EQ(name, title);
  }
}

TEST_F(SupervisorTest, RefusesASecondStartAndNamesTheFirst) {
  start(echo_only);
  const auto first = daemon;

  start_process([&] { return run_daemon(settings, echo_only); });

  EXPECT_FALSE(errors->until("already running with pid " + std::to_string(first)).empty()) << errors->seen;
  EXPECT_EQ(exit_code(), number(config::ExitCode::unavailable));
  daemon = first;
}

TEST_F(SupervisorTest, RefusesAPortThatIsTakenAndNamesItAndTheFlag) {
  start(echo_only);
  const auto first = daemon;
  settings.pid_file.clear();
  settings.listen[0].port = port;  // SO_REUSEPORT and the same user: the kernel alone would let us in

  start_process([&] { return run_daemon(settings, echo_only); });

  const std::string line = errors->until("sipwsd: port " + std::to_string(port));
  EXPECT_NE(line.find("--listen ws:127.0.0.1:" + std::to_string(port)), std::string::npos) << errors->seen;
  EXPECT_EQ(exit_code(), number(config::ExitCode::unavailable));
  daemon = first;
}

TEST_F(SupervisorTest, EndsWithTheExitCodeOfARoleThatRefusesToStart) {
  start_process([&] { return run_daemon(settings, with_misconfigured); });
  EXPECT_EQ(exit_code(), number(config::ExitCode::configuration));
}

TEST_F(SupervisorTest, GivesUpWhenARoleNeverBecomesReady) {
  settings.restart_burst = 2;
  start_process([&] { return run_daemon(settings, with_broken); });
  EXPECT_FALSE(errors->until("broken from the start").empty()) << errors->seen;
  EXPECT_EQ(exit_code(), number(config::ExitCode::internal));
}

TEST_F(SupervisorTest, KillsWhoeverDoesNotLeaveInTime) {
  settings.shutdown_timeout = base::Seconds{1};
  start(with_deaf);
  const Witness deaf{wait_for("ready", "deaf").pid};
  const auto asked = std::chrono::steady_clock::now();

  kill(daemon, SIGTERM);

  EXPECT_EQ(exit_code(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds{1}) << "shutdown_timeout is a promise";
  EXPECT_TRUE(deaf.sees_the_end());
}

TEST_F(SupervisorTest, LosesPatienceWhenItIsToldTwice) {
  settings.shutdown_timeout = base::Seconds{3600};
  start(with_deaf);
  wait_for("ready", "deaf");
  kill(daemon, SIGTERM);
  wait_for("left", "echo 0");
  kill(daemon, SIGTERM);
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(SupervisorTest, RefusesNewConnectionsWhileItLeaves) {
  settings.shutdown_timeout = base::Seconds{3600};
  start(with_deaf);
  const auto pids = wait_for_all(3);
  const Witness first{pids.at("echo 0")};
  const Witness second{pids.at("echo 1")};
  kill(daemon, SIGTERM);
  EXPECT_TRUE(first.sees_the_end());
  EXPECT_TRUE(second.sees_the_end());
  EXPECT_FALSE(connect_here().is_open());
}

TEST_F(SupervisorTest, StartsInTheBackgroundAndTellsTheTruthAboutIt) {
  settings.daemonize = true;
  settings.log_file = folder + "/log";
  start_process([&] { return run_daemon(settings, echo_only); });
  EXPECT_EQ(exit_code(), 0) << "the process that the user started";
  EXPECT_TRUE(errors->next().empty() && errors->is_at_end) << "somebody still holds the user's standard error";

  pid_t background = 0;
  std::ifstream(settings.pid_file) >> background;
  const pid_t leader_of_test = getsid(0);
  EXPECT_NE(getsid(background), leader_of_test);
  const Witness witness{background};
  EXPECT_EQ(wait_for_all(2).size(), 2u);
  kill(background, SIGTERM);
  EXPECT_TRUE(witness.sees_the_end());
  EXPECT_FALSE(std::filesystem::exists(settings.pid_file));
}

TEST_F(SupervisorTest, FailsInTheForegroundOfTheUserWhenTheBackgroundDoesNotStart) {
  settings.daemonize = true;
  settings.log_file = folder + "/log";
  start_process([&] { return run_daemon(settings, with_misconfigured); });
  EXPECT_EQ(exit_code(), number(config::ExitCode::configuration));
}

TEST_F(SupervisorTest, TellsTheServiceManagerWhenItIsReadyAndWhenItStops) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/notify";
  path.copy(address.sun_path, path.size());
  const os::Fd manager{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(bind(manager.raw(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto next = [&] {
    pollfd waiting{manager.raw(), POLLIN, 0};
    char buffer[256];
    if (poll(&waiting, 1, deadline_ms) != 1) return std::string{};
    return std::string(buffer, static_cast<std::size_t>(recv(manager.raw(), buffer, sizeof buffer, 0)));
  };
  start_process([&] {
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    return run_daemon(settings, echo_only);
  });

  std::string message = next();
  EXPECT_TRUE(message.starts_with("READY=1") || message == "WATCHDOG=1") << message;
  while (message != "WATCHDOG=1" && !message.empty()) message = next();
  EXPECT_EQ(message, "WATCHDOG=1");
  kill(daemon, SIGTERM);
  while (message != "STOPPING=1" && !message.empty()) message = next();
  EXPECT_EQ(message, "STOPPING=1");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(SupervisorTest, OpensItsLogsAgainOnSighup) {
  settings.log_file = folder + "/log";
  start(echo_only);
  std::filesystem::rename(settings.log_file, folder + "/log.1");

  kill(daemon, SIGHUP);
  kill(daemon, SIGTERM);

  EXPECT_EQ(exit_code(), 0);
  std::ifstream fresh(settings.log_file);
  std::string all{std::istreambuf_iterator<char>(fresh), {}};
  EXPECT_NE(all.find("logs opened again"), std::string::npos) << all;
}

// --- death of a child ----------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, KeepsTheAcceptQueueOfAKilledWorkerForItsReplacement) {
  settings.workers = 1;
  start(echo_only);
  const pid_t worker = wait_for("ready", "echo 0").pid;
  kill(worker, SIGSTOP);
  std::vector<os::Fd> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(connect_here());

  kill(worker, SIGKILL);

  for (const os::Fd& client : clients) {
    const Hello hello = hello_on(client);
    EXPECT_EQ(hello.generation, 2);
    EXPECT_NE(hello.pid, worker);
  }
}

TEST_F(SupervisorTest, LeavesTheConnectionsOfTheOtherWorkersAlone) {
  start(echo_only);
  auto pids = wait_for_all(2);
  std::vector<os::Fd> of_survivor;
  while (of_survivor.size() < 10) {
    os::Fd client = connect_here();
    if (hello_on(client).index == 1) of_survivor.push_back(std::move(client));
  }

  for (std::uint32_t generation = 2; generation <= 4; ++generation) {
    kill(pids["echo 0"], SIGKILL);
    const Event replacement = wait_for("ready", "echo 0");
    EXPECT_EQ(replacement.generation, generation);
    pids["echo 0"] = replacement.pid;
  }

  for (const os::Fd& client : of_survivor) EXPECT_TRUE(echoes(client));
}

TEST_F(SupervisorTest, ReplacesAWorkerWithinATenthOfASecond) {
  settings.workers = 1;
  start(echo_only);
  pid_t worker = wait_for("ready", "echo 0").pid;
  std::vector<std::chrono::steady_clock::duration> gaps;
  for (int i = 0; i < 5; ++i) {
    const auto killed = std::chrono::steady_clock::now();
    kill(worker, SIGKILL);
    const os::Fd client = connect_here();
    worker = hello_on(client).pid;
    gaps.push_back(std::chrono::steady_clock::now() - killed);
  }
  std::sort(gaps.begin(), gaps.end());
  RecordProperty("best_gap_us", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(gaps[0]).count()));
  RecordProperty("median_gap_us", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(gaps[2]).count()));
  // The machine may be busy with other tests; the goal is met when it is met at all.
  EXPECT_LT(gaps[0], std::chrono::milliseconds{100});
}

TEST_F(SupervisorTest, FiresTheClosedEventOfEveryLostConnectionOnce) {
  settings.workers = 1;
  start(echo_only);
  const pid_t worker = wait_for("ready", "echo 0").pid;
  wait_for("adopted");
  std::vector<os::Fd> clients;
  std::set<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(connect_here());
    expected.insert("closed:" + std::to_string(hello_on(clients.back()).id));
  }

  kill(worker, SIGKILL);
  const Event second = wait_for("adopted");
  kill(second.pid, SIGKILL);
  wait_for("adopted");

  std::multiset<std::string> closed;
  for (const Event& event : others)
    if (event.what.starts_with("closed:")) closed.insert(event.what);
  EXPECT_EQ(closed.size(), 40u);
  EXPECT_EQ(std::set<std::string>(closed.begin(), closed.end()), expected);
}

TEST_F(SupervisorTest, ReplacesAnyRoleThatDies) {
  start(echo_and_idle);
  const auto pids = wait_for_all(3);
  kill(pids.at("idle"), SIGSEGV);
  EXPECT_EQ(wait_for("ready", "idle").generation, 2u);
}

TEST_F(SupervisorTest, ReplacesManyThatDieAtOnce) {
  settings.workers = 4;
  start(echo_and_idle);
  const auto pids = wait_for_all(5);
  for (const auto& [title, pid] : pids) kill(pid, SIGKILL);
  const auto replacements = wait_for_all(5);
  ASSERT_EQ(replacements.size(), 5u);
  for (const auto& [title, pid] : replacements) EXPECT_NE(pid, pids.at(title));
}

TEST_F(SupervisorTest, KillsAndReplacesAProcessThatShowsNoSignOfLife) {
  settings.worker_stall_timeout = base::Seconds{1};
  start(echo_only);
  const auto pids = wait_for_all(2);
  const Witness stopped{pids.at("echo 0")};

  kill(pids.at("echo 0"), SIGSTOP);

  EXPECT_TRUE(stopped.sees_the_end());
  EXPECT_EQ(wait_for("ready", "echo 0").generation, 2u);
  EXPECT_FALSE(errors->until("echo 0 (pid " + std::to_string(pids.at("echo 0")) + ") shows no sign of life").empty());
  EXPECT_EQ(kill(pids.at("echo 1"), 0), 0) << "the other one lives on";
}

TEST_F(SupervisorTest, ThrottlesACrashLoopAndServesOnMeanwhile) {
  settings.restart_burst = 3;
  settings.restart_delay = base::Milliseconds{50};
  start(with_crashing);
  kill(wait_for("ready", "crashing").pid, SIGKILL);

  EXPECT_NE(errors->until("crashing died 4 times in a row").find("in 50 ms"), std::string::npos) << errors->seen;
  EXPECT_NE(errors->until("crashing died 5 times in a row").find("in 100 ms"), std::string::npos) << errors->seen;
  EXPECT_EQ(hello_on(connect_here()).generation, 1);
}

TEST_F(SupervisorTest, StartsEverythingAgainOnTheSameSocketsWhenTheReaperFails) {
  start_process([&] {
    auto opened = Endpoints::open(settings, 2);
    Endpoints endpoints = std::move(std::get<Endpoints>(opened));
    const os::Notifier notifier;
    const base::SystemClock clock;
    Configuration configuration{settings};
    if (!configuration.read_secrets(clock.unix_seconds()) || !configuration.open()) return 3;
    Surroundings around{.configuration = configuration,
                        .settings = configuration.settings(),
                        .roles = echo_only,
                        .clock = clock,
                        .endpoints = endpoints,
                        .notifier = notifier,
                        .identity = std::nullopt,
                        .log_target = {},
                        .when_ready = [&] { fprintf(stderr, "port %d\n", endpoints.bound()[0].port); },
                        .reaper = [](shm::SharedState&, shm::ProcessSlot, WorkerSlot, shm::FlowLoss) { return 1; }};
    auto first = std::move(*Supervisor::create(around));
    if (first->run() != Supervisor::Outcome::start_again) return 1;
    first.reset();
    auto second = std::move(*Supervisor::create(around));
    return second->run() == Supervisor::Outcome::stopped ? 0 : 2;
  });
  port = static_cast<std::uint16_t>(std::stoi(errors->until("port ").substr(5)));
  auto pids = wait_for_all(2);
  kill(pids["echo 0"], SIGKILL);

  EXPECT_EQ(wait_for("left", "echo 1").pid, pids["echo 1"]);
  const auto fresh = wait_for_all(2);
  const Hello hello = hello_on(connect_here());

  EXPECT_EQ(hello.generation, 1) << "a fresh segment";
  EXPECT_EQ(hello.id, 1u);
  EXPECT_TRUE(hello.pid == fresh.at("echo 0") || hello.pid == fresh.at("echo 1"));
  kill(daemon, SIGTERM);
  EXPECT_EQ(exit_code(), 0);
}

// --- death of the supervisor ---------------------------------------------------------------------------------------

TEST_F(SupervisorTest, LeavesNobodyBehindWhenItIsKilledItself) {
  start(echo_and_idle);
  std::vector<Witness> children;
  for (const auto& [title, pid] : wait_for_all(3)) children.emplace_back(pid);
  const os::Fd client = connect_here();
  hello_on(client);

  kill(daemon, SIGKILL);
  EXPECT_EQ(exit_code(), -SIGKILL);

  for (const Witness& child : children) EXPECT_TRUE(child.sees_the_end());
  settings.listen[0].port = port;
  start(echo_and_idle);  // neither the port nor the pid file is held any more
}

TEST_F(SupervisorTest, RunsItsRolesAsTheConfiguredUserAndTheyStillDieWithIt) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
  settings.user = "nobody";
  start(echo_only);
  std::vector<Witness> children;
  for (const auto& [title, pid] : wait_for_all(2)) {
    struct stat owner {};
    ASSERT_EQ(stat(("/proc/" + std::to_string(pid)).c_str(), &owner), 0);
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    const std::string all{std::istreambuf_iterator<char>(status), {}};
    EXPECT_EQ(all.find("Uid:\t0"), std::string::npos);
    children.emplace_back(pid);
  }

  kill(daemon, SIGKILL);

  EXPECT_EQ(exit_code(), -SIGKILL);
  for (const Witness& child : children) EXPECT_TRUE(child.sees_the_end());
}

TEST_F(SupervisorTest, GivesAWorkerTheListenersOfItsOwnSlotOnly) {
  start(echo_only);
  std::map<std::string, std::set<std::string>> sockets;  // by process: inodes of its listening sockets
  for (const auto& [title, pid] : wait_for_all(2))
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code ignored;
      const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
      if (target.starts_with("socket:")) sockets[title].insert(target);
    }
  EXPECT_EQ(sockets["echo 0"].size(), 1u);
  EXPECT_EQ(sockets["echo 1"].size(), 1u);
  EXPECT_NE(sockets["echo 0"], sockets["echo 1"]);
}

}  // namespace
}  // namespace sipwsd::process
