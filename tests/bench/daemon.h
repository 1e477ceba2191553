#pragma once
// A sipwsd in the foreground as our child, on a port the system chose: ready when it says so on stderr. Its stderr is
// kept in a file, for whoever has to find out what went wrong.

#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/loop.h"

namespace sipwsd::bench {

class Daemon final : private Loop::Watcher {
 public:
  // Throws when it can't be started; is_ready() follows.
  Daemon(Loop& loop, const std::vector<std::string>& command, const std::string& log_path);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  bool is_ready() const noexcept { return ready_; }
  bool is_gone() const noexcept { return gone_; }  // it has closed its stderr
  std::uint16_t port() const noexcept { return port_; }          // of ws
  std::uint16_t tls_port() const noexcept { return tls_port_; }  // of wss; 0 when it does not listen for that
  pid_t pid() const noexcept { return pid_; }

  // SIGTERM, then waits; the exit status as waitpid() gives it, nothing when it had to be killed.
  std::optional<int> stop(std::chrono::seconds patience);

 private:
  void on_ready(std::uint32_t events) override;
  void on_line(const std::string& line);

  Fd stderr_;
  pid_t pid_ = -1;
  std::ofstream log_;
  std::string line_;
  std::uint16_t port_ = 0, tls_port_ = 0;
  bool ready_ = false, gone_ = false;
};

}  // namespace sipwsd::bench
