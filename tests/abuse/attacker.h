#pragma once
// Carries out one attack with a loop of its own, in a process of its own: what the bystanders measure must be the
// daemon's delay and not the attacker's.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tests/abuse/attack.h"

namespace sipwsd::abuse {

// What the attacker saw; a line of `key=value` words on the way between the processes.
using Account = std::map<std::string, std::uint64_t>;

struct Battlefield {
  std::uint16_t ws_port = 0, wss_port = 0;
  std::size_t number = 0;       // of the attack: its addresses are 127.(64 + number).x.y
  std::size_t connections = 0;  // at the same time
  std::chrono::milliseconds duration{};
};

// Blocks for field.duration. In a process of its own: ChildProcess.
Account carry_out(const Attack& attack, const Battlefield& field);

std::string write(const Account& account);
Account read_account(const std::string& text);

}  // namespace sipwsd::abuse
