#pragma once
// The registrars and proxies behind us (`upstream`): where each one is (RFC 3263, found out anew while we go on), and
// whether it answers. Each worker asks for itself, with an OPTIONS to each place (RFC 3261 11) every `upstream_interval`:
// any answer but a 503 is a sign of life, none within four seconds is none. What real requests meet counts as well. A place
// without a sign of life is tried after all others, never left out: perhaps it is our own network that is down.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/counters.h"
#include "shm/upstream_board.h"
#include "sipwsd/destination.h"
#include "src/config/settings.h"
#include "src/dns/place.h"
#include "src/os/event_loop.h"
#include "src/os/timer_wheel.h"
#include "src/sip/message.h"
#include "src/transaction/core.h"

namespace sipwsd::route {

class Upstreams final : private os::TimerHandler {
 public:
  // What it needs of its host.
  class Host {
   public:
    // Where that is; asks again later by calling located() when it isn't known yet. `which` is a number of ours.
    virtual void locate_upstream(const config::UpstreamSpec& spec, std::uint64_t which) = 0;
    // Sends an OPTIONS there, in whose Via branch the number of the probe comes back: on_answer(number, ...).
    virtual void send_probe(const transaction::Place& place, const config::UpstreamSpec& spec, std::uint32_t number) = 0;

   protected:
    ~Host() = default;
  };

  // What it finds is shown on the board, as this worker's.
  Upstreams(os::EventLoop& loop, const config::Settings& settings, shm::OwnCounters counters, shm::UpstreamBoard board,
            WorkerSlot worker, Host& host);
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  // Begins, or begins again after the settings have changed.
  void start();

  [[nodiscard]] bool any() const noexcept { return !settings_.upstream.empty(); }
  // In the order to try them: as configured, those that live first. `only`: one of them, as its endpoint is printed; empty:
  // all.
  void places(std::string_view only, std::vector<transaction::Place>& out) const;
  // Does it come from one of them? Over a connection a server calls from any port.
  [[nodiscard]] bool has_address(const Endpoint& remote) const noexcept;
  [[nodiscard]] bool has_host(std::string_view host) const noexcept;
  // One of our places, port and transport included.
  [[nodiscard]] bool is_place(const Endpoint& remote) const noexcept;

  void located(std::uint64_t which, std::span<const dns::Place> places);
  void on_answer(std::uint32_t number, std::uint16_t status);
  // A request, or its connection, got nowhere.
  void on_failure(const Endpoint& remote);

 private:
  struct Spot {
    transaction::Place place;
    bool alive = true;               // until something says otherwise
    std::uint32_t probe = 0;         // under way; 0: none
    int sent = 0;                    // copies of it
    base::TimePoint sent_at{}, next_at{};
  };
  struct Server {
    std::uint64_t which = 0;
    std::vector<Spot> spots;
    base::TimePoint look_again_at{};
    bool asked = false;
  };

  void on_timer(os::TimerId id, std::uint64_t key) override;
  void look_after(std::size_t index, base::TimePoint now);
  void look_after(const config::UpstreamSpec& spec, Spot& spot, base::TimePoint now);
  void set_alive(Spot& spot, bool alive, std::string_view why);
  void show() noexcept;

  os::EventLoop& loop_;
  const config::Settings& settings_;
  shm::OwnCounters counters_;
  shm::UpstreamBoard board_;
  WorkerSlot worker_;
  Host& host_;
  std::vector<config::UpstreamSpec> specs_;  // as the settings were at start()
  std::vector<Server> servers_;              // one each
  std::uint64_t last_which_ = 0;
  std::uint32_t last_probe_ = 0;
  os::TimerId timer_ = os::TimerId::none;
};

}  // namespace sipwsd::route
