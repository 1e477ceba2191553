#pragma once
// One look at the connection table: which letters the owners get. Apart from the process around it, so that it can be
// tested without one.
//
// Each connection is seen by exactly one keepalive process: the one with index = id mod processes.
// The awaiting-pong mark is set by the owner, just before its Ping leaves, not by us when the letter is posted: a letter
// may wait in a ring or be lost with its reader, and a connection must not be dropped for a Ping that was never sent.
// Until the owner has sent it, last_used stands still, and the next scan may post a second one: harmless.

#include <cstdint>
#include <functional>
#include <vector>

#include "shm/connection_table.h"
#include "src/base/clock.h"
#include "src/bus/letters.h"
#include "src/config/settings.h"

namespace sipwsd::process {

struct KeepaliveShare {
  std::uint16_t processes = 1;
  std::uint16_t index = 0;
};

class KeepaliveScan {
 public:
  // Errc::full: the owner's ring is; the connection is found again by the next scan.
  using Post = std::function<Result<void>(WorkerSlot owner, const bus::Letter& letter)>;
  KeepaliveScan(const shm::ConnectionTable& connections, const config::Settings& settings, KeepaliveShare share, Post post);

  struct Report {
    std::uint32_t keepalives = 0;
    std::uint32_t drops = 0;
    std::uint32_t refused = 0;  // a full ring
  };
  // `timeout`: keepalive_timeout as it is now; an operator can change it while the daemon runs.
  Report run(base::TimePoint now, base::Seconds timeout);

 private:
  const shm::ConnectionTable& connections_;
  const config::Settings& settings_;
  KeepaliveShare share_;
  Post post_;
  std::vector<shm::ConnectionRecord> copies_;  // of one stripe; its memory is reused
};

}  // namespace sipwsd::process
