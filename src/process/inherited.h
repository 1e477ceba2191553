#pragma once
// What a role's run function receives: everything was made by the supervisor before the fork. Nothing here is copied
// or owned by the role; descriptors stay open in the supervisor too, so what queues at them outlives the role.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "shm/layout.h"
#include "shm/process_slot.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/base/clock.h"
#include "src/config/settings.h"
#include "src/net/memory_watch.h"
#include "src/process/configuration.h"

namespace sipwsd::process {

struct ListeningSocket {
  Endpoint at;                              // as bound: the real port
  const config::ListenSpec* spec = nullptr;  // never null: what was asked for, with the advertised address
  int fd = -1;
};

struct Inherited {
  const config::Settings& settings;    // of the configuration; a reload changes them in place
  Configuration& configuration;
  shm::SharedState& shared;
  shm::ProcessSlot slot;
  std::uint16_t index = 0;             // among those of its role: 3 for "worker 3"
  std::uint32_t generation = 0;        // 1 for the first process in this slot
  std::string title;                   // "worker 3"
  std::span<const ListeningSocket> listeners;  // of this slot: TCP, TLS, ws, wss
  std::span<const ListeningSocket> datagrams;  // of this slot: UDP
  const base::Clock& clock;
  net::MemoryWatch* memory = nullptr;  // looks with every sign of life; null: nobody does
  int supervisor_bell = -1;            // eventfd
  // To the configured user, and into the role's sandbox; done already unless the role's row says Privileges::dropped_by_role.
  std::function<Result<void>()> drop_privileges;

  [[nodiscard]] WorkerSlot worker() const noexcept { return shm::worker_slot(slot, shared.limits); }
  // The role does its work from now on. Once.
  void announce_ready() const noexcept;
  // It runs with this version of the configuration.
  void announce_configuration() const noexcept;
};

}  // namespace sipwsd::process
