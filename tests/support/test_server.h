#pragma once
// The real daemon as our child, on loopback and a port the system chose: what an operator starts, with the three ends
// he holds: standard error, signals, and the FIFO. It dies with the test, whatever ends the test.

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/deadline.h"

namespace sipwsd::test {

// Where the binaries are: environment SIPWSD_BUILD, or "build".
std::string built(std::string_view name);

// A directory of one test's own, removed with what is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// A program that has ended.
struct Ended {
  int exit_code = -1;  // 128 + signal when one killed it
  std::string standard_output, standard_error;
};
Ended run(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment = {});

struct ServerOptions {
  unsigned workers = 1;
  std::vector<std::string> flags{};                                 // win over those the test server gives itself
  std::vector<std::pair<std::string, std::string>> environment{};
  std::string binary = "sipwsd";                                    // or "sipwsd-killable"
  bool with_fifo = true;
  bool wait_until_ready = true;
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {});
  TestServer(unsigned workers, std::vector<std::string> flags) : TestServer(ServerOptions{.workers = workers, .flags = std::move(flags)}) {}
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // SIGTERM, then its exit code; 128 + signal when one killed it.
  int stop();
  // Its exit code when it ends by itself.
  int wait_for_end();
  void signal(int number) const;

  [[nodiscard]] std::uint16_t port() const { return port_; }          // of the ws listener
  [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }  // of the wss listener `flags` ask for; 0 without one
  // Of the listener on 127.0.0.1 for this protocol ("tcp"); 0 without one.
  [[nodiscard]] std::uint16_t port_of(std::string_view protocol) const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& fifo() const { return fifo_; }
  [[nodiscard]] const Scratch& scratch() const { return scratch_; }

  // --- standard error
  [[nodiscard]] std::string log() const;
  void wait_for_log(std::string_view text);

  // --- the FIFO
  // The whole reply to a command; throws when there is none.
  std::string mi(const std::string& command, const std::vector<std::string>& arguments = {});
  std::uint64_t statistic(const std::string& name);
  void wait_for_statistic(const std::string& name, std::uint64_t value);
  // By title: "worker 0", "keepalive", "mi". Waits until the process is there and, with `not_any_more`, another one.
  pid_t process(const std::string& title, pid_t not_any_more = 0);
  std::map<std::string, pid_t> processes();
  // Which worker's process has the server's end of the connection from this local port; 0 when none has (yet).
  pid_t owner_of(std::uint16_t client_port);

 private:
  void read_log(int fd);
  void reap();

  Scratch scratch_;
  std::string fifo_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;           // guarded by mutex_
  bool log_ended_ = false;
  std::thread reader_;
  unsigned asked_ = 0;
};

// The client's side of one FIFO request, in the steps a careless client may leave out.
class MiReplyPipe {
 public:
  explicit MiReplyPipe(std::string path);  // makes and opens it
  ~MiReplyPipe();
  MiReplyPipe(const MiReplyPipe&) = delete;
  MiReplyPipe& operator=(const MiReplyPipe&) = delete;
  // Until the daemon closes it; nothing when nobody ever wrote and `wait` is over.
  std::optional<std::string> read_all(std::chrono::milliseconds wait = patience);

 private:
  std::string path_;
  int fd_ = -1;
};
// Writes to the daemon's FIFO, in one write(2).
void write_to_fifo(const std::string& fifo, std::string_view bytes);

}  // namespace sipwsd::test
