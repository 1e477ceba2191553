#pragma once
// Which of our sockets a message to somebody leaves from, and which address he sees: what our Via and Record-Route say
// there. With one socket of a transport that is simple; with several (a private and a public side) the way the kernel
// would take decides. Ways are remembered for a moment: asking costs three system calls.

#include <array>
#include <optional>
#include <vector>

#include "sipwsd/endpoint.h"
#include "src/base/clock.h"

namespace sipwsd::net {

class OwnAddresses {
 public:
  // Those of all sockets the daemon listens on, as bound.
  void use(std::vector<Endpoint> bound) { bound_ = std::move(bound); }

  // The socket of `remote`'s transport and family that leads there best; null: there is none.
  [[nodiscard]] const Endpoint* socket_for(const Endpoint& remote, base::TimePoint now);
  // The same as others see it: with an address also where every address is bound.
  [[nodiscard]] std::optional<Endpoint> source_for(const Endpoint& remote, base::TimePoint now);
  // The stream socket of ours that listens there, whatever its transport; null: none does.
  [[nodiscard]] const Endpoint* listener_at(const Endpoint& at, base::TimePoint now);

 private:
  struct Way {
    Endpoint to, source;  // port 0
    base::TimePoint until{};
  };
  // Family none: no way leads there.
  const Endpoint& way_to(const Endpoint& remote, base::TimePoint now);

  std::vector<Endpoint> bound_;
  std::array<Way, 64> ways_{};
};

}  // namespace sipwsd::net
