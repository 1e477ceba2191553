#pragma once
// How big everything in shared memory is. Decided once, before the first fork, from the settings; nothing grows later.
// Sizes are virtual: a page costs memory only when somebody writes to it, so a table for 65536 connections that holds
// ten costs ten connections' pages.

#include "sipwsd/result.h"

#include <cstdint>

namespace sipwsd::shm {

struct Limits {
  std::uint32_t max_connections = 65536;
  std::uint16_t workers = 1;
  // All that letters can be sent to, in this order: the workers, then keepalive processes, then mi (and mirror).
  std::uint16_t processes = 3;
  std::uint32_t max_bindings = 0;  // contacts registered at one time; 0: as many as max_connections
  // One ring for each ordered pair of processes. A letter may fill half a ring, so this must be more than twice
  // max_message_size.
  std::uint32_t letter_ring_bytes = 1024 * 1024;
  std::uint32_t max_nonces = 65536;               // digest nonces in use at one time
  std::uint32_t max_bans = 4096;                  // source addresses with strikes or bans at one time

  std::uint32_t bindings() const noexcept { return max_bindings == 0 ? max_connections : max_bindings; }
};

// Errc::out_of_range with the name of the parameter, when no segment could have these sizes.
[[nodiscard]] Result<void> check(const Limits& limits);

}  // namespace sipwsd::shm
