#pragma once
// All sockets the daemon listens on, opened before the first fork and kept until the end. For every TCP endpoint there
// is one listener a worker slot, in one SO_REUSEPORT group: slot i accepts on listener i, and while the slot has no
// process its accept queue waits in the supervisor's copy. The same for UDP.
//
// SO_REUSEPORT must not let a second daemon of the same user share our port silently: the first socket of a group is
// bound without it (os::ReusePort::found_group), so whoever comes second gets EADDRINUSE.

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "src/config/exit_codes.h"
#include "src/os/fd.h"
#include "src/process/inherited.h"

namespace sipwsd::process {

class Endpoints {
 public:
  struct Failure {
    config::ExitCode code;
    std::string why;  // names the port and the flag to change
  };
  Endpoints() = default;
  // `settings` must outlive the result: sockets refer to its ListenSpecs. A spec with port 0 gets whatever the first
  // bind is given; the other slots follow it.
  static std::variant<Endpoints, Failure> open(const config::Settings& settings, std::uint16_t slots);

  [[nodiscard]] std::span<const ListeningSocket> listeners(std::uint16_t slot) const noexcept;
  [[nodiscard]] std::span<const ListeningSocket> datagrams(std::uint16_t slot) const noexcept;
  // Each endpoint once, in the order of the settings, with its real port.
  [[nodiscard]] std::span<const Endpoint> bound() const noexcept { return bound_; }
  void close() noexcept;
  // For a while: connections are refused, in the processes that have copies too.
  void stop_listening() noexcept;
  Result<void> listen_again();

 private:
  struct Slot {
    std::vector<ListeningSocket> listeners;
    std::vector<ListeningSocket> datagrams;
  };
  Result<void> open_group(const config::ListenSpec& spec, Endpoint at);

  std::vector<Slot> slots_;
  std::vector<Endpoint> bound_;
  std::vector<os::Fd> sockets_;
};

}  // namespace sipwsd::process
