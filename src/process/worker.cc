#include "src/process/worker.h"

#include <memory>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "src/base/random.h"
#include "src/bus/mailbox.h"
#include "src/config/exit_codes.h"
#include "src/config/listen.h"
#include "src/location/shm_store.h"
#include "src/net/acceptor.h"
#include "src/os/event_loop.h"
#include "src/process/adoption.h"
#include "src/process/child_life.h"
#include "src/process/inherited.h"
#include "src/process/mailbox_pump.h"
#include "src/process/stage_factory.h"
#include "src/route/router.h"

namespace sipwsd::process {
namespace {

using namespace std::chrono_literals;

// Lost connections are retired, and expired bindings swept, a few at a time between turns. The sweep is the first
// worker's: lookups never return what has expired, so it only gives room back.
constexpr std::size_t adoptions_a_turn = 64;
constexpr std::uint32_t bindings_a_sweep = 1024;
constexpr auto housekeeping_interval = 200ms;

route::Secrets& shared_secrets() {
  static route::Secrets only;
  return only;
}

base::SipHashKey draw_key(base::Random& random) { return {.k0 = random.next(), .k1 = random.next()}; }

class Worker final : private os::TimerHandler {
 public:
  explicit Worker(Inherited& inherited)
      : inherited_(inherited),
        loop_(inherited.clock),
        mailbox_(inherited.shared.mailboxes, inherited.slot, inherited.shared.counters.row(inherited.slot)),
        store_(inherited.shared.bindings, inherited.clock, inherited.slot),
        router_({.loop = loop_,
                 .settings = inherited.settings,
                 .shared = inherited.shared,
                 .mailbox = mailbox_,
                 .random = random_,
                 .slot = inherited.worker(),
                 .generation = inherited.generation,
                 .secrets = shared_secrets(),
                 .listeners = bound(inherited)},
                store_),
        adoption_(inherited.shared.connections, inherited.worker(),
                  [this](const shm::ConnectionRecord& record) { router_.on_lost_connection(record); }),
        life_(inherited, loop_, [this] { leave(); }),
        pump_(loop_, mailbox_, [this](shm::ProcessSlot from, const bus::Letter& letter) { router_.on_letter(from, letter); }) {
    router_.set_stages(make_stages(inherited, router_, store_, random_));
    for (const ListeningSocket& socket : inherited.listeners)
      acceptors_.push_back(std::make_unique<net::Acceptor>(loop_, router_.connections(), socket.fd, socket.at.protocol,
                                                           inherited.shared.counters.row(inherited.slot)));
  }

  int run() {
    on_timer(os::TimerId::none, 0);
    inherited_.announce_ready();
    loop_.run();
    return 0;
  }

 private:
  static std::vector<route::Listener> bound(const Inherited& inherited) {
    std::vector<route::Listener> out;
    for (const auto& [at, spec, fd] : inherited.listeners) {
      std::string advertised = spec->advertised_host;
      if (advertised.find(':') != std::string::npos) advertised = "[" + advertised + "]";
      if (!advertised.empty()) advertised += ":" + std::to_string(spec->advertised_port != 0 ? spec->advertised_port : at.port);
      out.push_back({at, std::move(advertised)});
    }
    return out;
  }

  // SIGTERM: no newcomers, Close 1001 to everybody, and out as soon as they have answered. The supervisor's
  // shutdown_timeout bounds it for those who don't.
  void leave() {
    leaving_ = true;
    for (auto& acceptor : acceptors_) acceptor->stop();
    router_.connections().close_all(ws::CloseCode::going_away, "Server shutdown");
  }

  void on_timer(os::TimerId, std::uint64_t) override {
    if (leaving_ && router_.connections().size() == 0) return loop_.stop();
    auto next = housekeeping_interval;
    if (adoption_.is_wanted() && adoption_.adopt(adoptions_a_turn) == adoptions_a_turn) next = 0ms;
    if (inherited_.index == 0) {
      const auto expired = inherited_.shared.bindings.expire(
          inherited_.slot, base::whole_seconds(inherited_.clock.now()), sweep_cursor_, bindings_a_sweep, expired_);
      inherited_.shared.counters.row(inherited_.slot).add(shm::Counter::usrloc_location_expires, expired);
    }
    static_cast<void>(loop_.timers().add(next, *this, 0));
  }

  Inherited& inherited_;
  base::SystemRandom random_;
  os::EventLoop loop_;
  bus::Mailbox mailbox_;
  location::ShmStore store_;
  route::Router router_;
  Adoption adoption_;
  ChildLife life_;
  MailboxPump pump_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
  shm::BindingSnapshot expired_;
  std::uint32_t sweep_cursor_ = 0;
  bool leaving_ = false;
};

}  // namespace

Result<void> prepare_workers(const config::Settings& settings) {
  for (const config::ListenSpec& spec : settings.listen)
    if (spec.protocol != TransportProtocol::ws && spec.protocol != TransportProtocol::tcp)
      return Error{Errc::unsupported, "listen=" + config::to_text(spec) + ": this version serves ws and tcp (WebSocket by HTTP upgrade) only; write "
                                          "listen=ws:... and put a TLS proxy in front for wss"};
  base::SystemRandom random;
  shared_secrets() = {.branch = draw_key(random), .flow_token = draw_key(random)};
  return prepare_stages(settings);
}

int run_worker(Inherited& inherited) {
  try {
    Worker worker(inherited);
    return worker.run();
  } catch (const StageFailure& failure) {
    log::fatal("--stage {}: {}", inherited.settings.stage, failure.what());
    return number(config::ExitCode::configuration);
  }
}

}  // namespace sipwsd::process
