#pragma once
// What an operator can flip while the daemon runs, seen by all processes at once. Writers: mi; the supervisor for drain
// and the version of the configuration. Locks: none, single atomics. After a death: nothing to do.

#include "shm/shm_safe.h"

#include <atomic>
#include <cstdint>

namespace sipwsd::shm {

enum class DrainLevel : std::uint8_t {
  none = 0,
  no_new_connections,  // established ones end when they are idle (1012)
  leaving,             // Close 1001 to everyone, then end
};

class Switches {
 public:
  void init() noexcept {
    set_ws_enabled(true);
    set_log_level(3);  // notice, until the configuration says otherwise
  }

  // ws.enable, ws.disable: new handshakes only; live connections go on.
  bool ws_enabled() const noexcept { return load(ws_enabled_) != 0; }
  void set_ws_enabled(bool enabled) noexcept { store(ws_enabled_, enabled ? 1 : 0); }

  DrainLevel drain() const noexcept { return static_cast<DrainLevel>(load(drain_)); }
  void set_drain(DrainLevel level) noexcept { store(drain_, static_cast<std::uint32_t>(level)); }

  // base::log levels; each process looks once a turn.
  int log_level() const noexcept { return static_cast<int>(load(log_level_)); }
  void set_log_level(int level) noexcept { store(log_level_, static_cast<std::uint32_t>(level)); }

  // Seconds; a runtime-settable parameter (reference/websocket.md 1). 0: as configured.
  std::uint32_t keepalive_timeout() const noexcept { return load(keepalive_timeout_); }
  void set_keepalive_timeout(std::uint32_t seconds) noexcept { store(keepalive_timeout_, seconds); }

  // Which configuration everybody should run with; what it says is in the bundles (src/process/bundle.h). Released after
  // they are written.
  std::uint32_t config_version() const noexcept {
    return std::atomic_ref(const_cast<std::uint32_t&>(config_version_)).load(std::memory_order_acquire);
  }
  void set_config_version(std::uint32_t version) noexcept {
    std::atomic_ref(config_version_).store(version, std::memory_order_release);
  }

 private:
  static std::uint32_t load(const std::uint32_t& word) noexcept {
    return std::atomic_ref(const_cast<std::uint32_t&>(word)).load(std::memory_order_relaxed);
  }
  static void store(std::uint32_t& word, std::uint32_t value) noexcept {
    std::atomic_ref(word).store(value, std::memory_order_relaxed);
  }
  std::uint32_t ws_enabled_, drain_, log_level_, keepalive_timeout_, config_version_;
};
static_assert(ShmSafe<Switches>);

}  // namespace sipwsd::shm
