#pragma once
// Carries out one attack, in a process of its own: its own loop and its own share of the processors, so that what the
// bystanders measure is the daemon's delay and not the attacker's.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tests/abuse/attack.h"
#include "tests/bench/loop.h"

namespace sipwsd::abuse {

// What the attacker saw; a line of `key=value` words on the way between the processes.
using Account = std::map<std::string, std::uint64_t>;

struct Battlefield {
  std::uint16_t ws_port = 0, wss_port = 0;
  std::size_t number = 0;       // of the attack: its addresses are 127.(64 + number).x.y
  std::size_t connections = 0;  // at the same time
  std::chrono::milliseconds duration{};
};

// Starts when constructed; collects when it has ended, which it does by itself.
class AttackerProcess final : private bench::Loop::Watcher {
 public:
  AttackerProcess(bench::Loop& loop, const Attack& attack, const Battlefield& field);
  ~AttackerProcess();
  AttackerProcess(const AttackerProcess&) = delete;
  AttackerProcess& operator=(const AttackerProcess&) = delete;

  bool is_over() const noexcept { return over_; }
  Account account() const;

 private:
  void on_ready(std::uint32_t events) override;

  bench::Fd report_;
  pid_t pid_ = -1;
  std::string text_;
  bool over_ = false;
};

}  // namespace sipwsd::abuse
