#include "src/process/worker.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/auth/jwt_keys.h"
#include "src/base/log.h"
#include "src/base/random.h"
#include "src/bus/mailbox.h"
#include "src/config/exit_codes.h"
#include "src/location/shm_store.h"
#include "src/net/acceptor.h"
#include "src/os/event_loop.h"
#include "src/process/adoption.h"
#include "src/process/child_life.h"
#include "src/process/drain.h"
#include "src/process/inherited.h"
#include "src/process/lasting_secret.h"
#include "src/process/mailbox_pump.h"
#include "src/process/roles.h"
#include "src/process/stage_factory.h"
#include "src/route/router.h"
#include "src/tls/contexts.h"

namespace sipwsd::process {
namespace {

using namespace std::chrono_literals;

// Lost connections are retired, and expired bindings swept, a few at a time between turns. The sweep is the first
// worker's: lookups never return what has expired, so it only gives room back.
constexpr std::size_t adoptions_a_turn = 64;
constexpr std::uint32_t bindings_a_sweep = 1024;
constexpr auto housekeeping_interval = 200ms;
constexpr auto drain_interval = 50ms;
// While the daemon drains, a connection that was used a moment ago may wait for a response. For so long at least, and
// as long as the spread lasts, it is left alone.
constexpr auto quiet_time = 1s;
constexpr base::Milliseconds longest_wait_for_quiet = 2s;

route::Secrets& shared_secrets() {
  static route::Secrets only;
  return only;
}

base::SipHashKey draw_key(base::Random& random) { return {.k0 = random.next(), .k1 = random.next()}; }

// What is made of the secrets; a reload makes another one.
struct Keys {
  Users users;
  std::unique_ptr<tls::Contexts> tls;  // null: no profile, no TLS
};

Result<Keys> make_keys(const config::Settings& settings, const Secrets& secrets, const shm::SharedState& shared) {
  auto credentials = auth::CredentialsFile::parse(secrets.credentials.view(), settings.auth_file);
  if (!credentials) return credentials.error();
  const auto material = tls::unpack(secrets.tls.view());
  if (!material) return material.error();
  auto tokens = auth::make_token_keys(secrets.tokens.view());
  if (!tokens) return tokens.error();
  Keys keys{{*std::move(credentials), *std::move(tokens)}, nullptr};
  if (material->profiles.empty()) return keys;
  auto contexts = tls::Contexts::make(*material, shared.ticket_keys);
  if (!contexts) return contexts.error();
  keys.tls = std::make_unique<tls::Contexts>(*std::move(contexts));
  return keys;
}

class Worker final : private os::TimerHandler, private Follower {
 public:
  Worker(Inherited& inherited, Keys keys)
      : inherited_(inherited),
        keys_(std::move(keys)),
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
                 .listeners = bound(inherited),
                 .mirror = mirror_slot(inherited.settings),
                 .memory = inherited.memory},
                store_),
        adoption_(inherited.shared.connections, inherited.worker(),
                  [this](const shm::ConnectionRecord& record) { router_.on_lost_connection(record); }),
        life_(inherited, loop_, [this] { leave(); }, this),
        pump_(loop_, mailbox_, [this](shm::ProcessSlot from, const bus::Letter& letter) { router_.on_letter(from, letter); }) {
    router_.set_stages(make_stages(inherited, router_, store_, random_, keys_.users));
    router_.connections().use_tls(keys_.tls.get());
    // Also while the daemon drains: calls go on over them.
    for (const ListeningSocket& socket : inherited.datagrams) router_.connections().serve_datagrams(socket.at, socket.fd);
    router_.start();
  }

  int run() {
    on_timer(os::TimerId::none, housekeeping_timer);
    inherited_.announce_ready();
    loop_.run();
    return 0;
  }

 private:
  static std::vector<route::Listener> bound(const Inherited& inherited) {
    std::vector<route::Listener> out;
    std::vector<ListeningSocket> sockets(inherited.listeners.begin(), inherited.listeners.end());
    sockets.insert(sockets.end(), inherited.datagrams.begin(), inherited.datagrams.end());
    for (const auto& [at, spec, fd] : sockets) {
      std::string advertised = spec->advertised_host;
      if (advertised.find(':') != std::string::npos) advertised = "[" + advertised + "]";
      if (!advertised.empty()) advertised += ":" + std::to_string(spec->advertised_port != 0 ? spec->advertised_port : at.port);
      out.push_back({at, std::move(advertised)});
    }
    return out;
  }

  void open_doors() {
    acceptors_.clear();
    for (const ListeningSocket& socket : inherited_.listeners)
      acceptors_.push_back(std::make_unique<net::Acceptor>(loop_, router_.connections(), socket.fd, socket.at.protocol,
                                                           inherited_.shared.counters.row(inherited_.slot)));
  }

  // --- Follower
  Result<void> prepare(const Configuration::Update& update) override {
    auto keys = make_keys(update.settings, update.secrets, inherited_.shared);
    if (!keys) return keys.error();
    next_keys_ = *std::move(keys);
    return {};
  }

  void commit() noexcept override {
    // Sessions that exist keep what they need of the old contexts.
    keys_ = std::move(next_keys_);
    router_.connections().use_tls(keys_.tls.get());
    router_.reconfigure();
  }

  void on_drain(shm::DrainLevel level) override {
    if (level == shm::DrainLevel::none) {
      drain_.reset();
      return open_doors();
    }
    acceptors_.clear();
    loop_.timers().cancel(drain_timer_);  // of a drain that was taken back a moment ago
    const base::Milliseconds spread = inherited_.settings.drain_spread;
    no_quiet_needed_from_ = loop_.now() + std::max(spread, longest_wait_for_quiet);
    drain_.emplace(router_.connections().ids(), loop_.now(), spread, random_, [this](ConnectionId id) { return let_go(id); });
    on_timer(os::TimerId::none, drain_timer);
  }

  // A WebSocket handshake that is under way is answered with 503 (exchange_impl.cc); what becomes a SIP stream has its turn
  // as soon as it is one.
  Drain::Found let_go(ConnectionId id) {
    auto* connection = router_.connections().find(id);
    if (connection != nullptr && connection->is_newcomer()) return Drain::Found::busy;
    if (connection == nullptr || !connection->is_open()) return Drain::Found::gone;
    if (connection->calls().has_calls(base::whole_seconds(loop_.now()))) return Drain::Found::busy;
    if (connection->idle() < quiet_time && loop_.now() < no_quiet_needed_from_) return Drain::Found::busy;
    static_cast<void>(connection->close(ws::CloseCode::service_restart, "Service restart", net::CloseCause::drained));
    return Drain::Found::closed;
  }

  // SIGTERM: no newcomers, Close 1001 to everybody, and out as soon as they have answered. The supervisor's
  // shutdown_timeout bounds it for those who don't.
  void leave() {
    leaving_ = true;
    drain_.reset();
    acceptors_.clear();
    router_.connections().close_all(ws::CloseCode::going_away, "Server shutdown");
  }

  static constexpr std::uint64_t housekeeping_timer = 0, drain_timer = 1;

  void on_timer(os::TimerId, std::uint64_t key) override {
    if (key == drain_timer) {
      if (!drain_) return;
      drain_->run(loop_.now());
      drain_timer_ = loop_.timers().add(drain_interval, *this, drain_timer);
      return;
    }
    if (leaving_ && router_.connections().size() == 0) return loop_.stop();
    auto next = housekeeping_interval;
    if (adoption_.is_wanted() && adoption_.adopt(adoptions_a_turn) == adoptions_a_turn) next = 0ms;
    if (inherited_.index == 0) {
      const auto expired = inherited_.shared.bindings.expire(
          inherited_.slot, base::whole_seconds(inherited_.clock.now()), sweep_cursor_, bindings_a_sweep, expired_);
      inherited_.shared.counters.row(inherited_.slot).add(shm::Counter::usrloc_location_expires, expired);
    }
    static_cast<void>(loop_.timers().add(next, *this, housekeeping_timer));
  }

  Inherited& inherited_;
  Keys keys_;
  Keys next_keys_;  // between prepare() and commit()
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
  std::optional<Drain> drain_;
  os::TimerId drain_timer_ = os::TimerId::none;
  base::TimePoint no_quiet_needed_from_{};
  bool leaving_ = false;
};

// The newest configuration, which may be newer than this process's copy.
Result<Configuration::Update> newest(const Inherited& inherited) {
  constexpr int attempts = 20;  // each needs a reload in the moment between two lines of this
  Result<Configuration::Update> update = Errc::gone;
  for (int i = 0; i < attempts && !update; ++i)
    update = inherited.configuration.receive(inherited.shared.switches->config_version());
  return update;
}

}  // namespace

Result<void> prepare_workers(const config::Settings& settings) {
  base::SystemRandom random;
  shared_secrets() = {.branch = draw_key(random),
                      .flow_token = lasting_key(settings, "flow token").value_or(draw_key(random)),
                      .run = static_cast<std::uint16_t>(random.next())};
  return prepare_stages(settings);
}

int run_worker(Inherited& inherited) {
  auto update = newest(inherited);
  auto keys = update ? make_keys(update->settings, update->secrets, inherited.shared) : Result<Keys>(update.error());
  if (!keys) {
    log::fatal("the configuration can't be read: {}", keys.error().why);
    return number(config::ExitCode::internal);
  }
  inherited.configuration.take_over(*std::move(update));
  for (const ListeningSocket& socket : inherited.listeners) {
    const bool is_secure = socket.at.protocol == TransportProtocol::tls || socket.at.protocol == TransportProtocol::wss;
    if (!is_secure || (keys->tls && keys->tls->serves(socket.at))) continue;
    log::fatal("listen={}: no TLS profile is for this address; add a [server:default] section to the tls.cfg, or one for it",
               socket.at.to_string());
    return number(config::ExitCode::configuration);
  }
  try {
    Worker worker(inherited, *std::move(keys));
    return worker.run();
  } catch (const StageFailure& failure) {
    log::fatal("--stage {}: {}", inherited.settings.stage, failure.what());
    return number(config::ExitCode::configuration);
  }
}

}  // namespace sipwsd::process
