#include "src/route/upstreams.h"

#include <algorithm>

#include "sipwsd/bytes.h"
#include "src/base/log.h"

namespace sipwsd::route {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

constexpr auto tick = 250ms;
constexpr auto no_answer_after = 4s;
constexpr auto locate_interval = 30s;
constexpr auto locate_soon = 2s;
constexpr auto dead_interval = 2s;  // a server that was away is noticed soon
constexpr std::size_t max_spots = 8;
constexpr std::chrono::milliseconds copies_at[] = {0ms, 500ms, 1500ms};  // datagrams get lost (RFC 3261 17.1.2.2)

bool same_address(const Endpoint& a, const Endpoint& b) noexcept { return a.family == b.family && a.address == b.address; }

}  // namespace

Upstreams::Upstreams(os::EventLoop& loop, const config::Settings& settings, shm::OwnCounters counters, shm::UpstreamBoard board,
                     WorkerSlot worker, Host& host)
    : loop_(loop), settings_(settings), counters_(counters), board_(board), worker_(worker), host_(host) {}

Upstreams::~Upstreams() {
  if (timer_ != os::TimerId::none) loop_.timers().cancel(timer_);
}

void Upstreams::start() {
  // A reload of something else: what is known stays known, but who is away only while somebody asks.
  if (any() && specs_ == settings_.upstream && settings_.upstream_interval.count() != 0) return;
  specs_ = settings_.upstream;
  if (timer_ != os::TimerId::none) loop_.timers().cancel(timer_);
  timer_ = os::TimerId::none;
  servers_.clear();
  for (std::size_t i = 0; i < settings_.upstream.size(); ++i) servers_.push_back({.which = ++last_which_, .spots = {}});
  show();
  if (any()) on_timer(os::TimerId::none, 0);
}

void Upstreams::places(std::string_view only, std::vector<transaction::Place>& out) const {
  for (const bool alive : {true, false})
    for (const Server& server : servers_)
      for (const Spot& spot : server.spots)
        if (spot.alive == alive && (only.empty() || only == spot.place.to.remote.to_string())) out.push_back(spot.place);
}

bool Upstreams::has_address(const Endpoint& remote) const noexcept {
  for (const Server& server : servers_)
    for (const Spot& spot : server.spots) {
      const Endpoint& at = spot.place.to.remote;
      if (same_address(at, remote) && (remote.protocol != TransportProtocol::udp || at.port == remote.port)) return true;
    }
  return false;
}

bool Upstreams::has_host(std::string_view host) const noexcept {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return std::any_of(settings_.upstream.begin(), settings_.upstream.end(),
                     [&](const config::UpstreamSpec& spec) { return equals_nocase(spec.host, host); });
}

bool Upstreams::is_place(const Endpoint& remote) const noexcept {
  for (const Server& server : servers_)
    for (const Spot& spot : server.spots)
      if (spot.place.to.remote == remote) return true;
  return false;
}

void Upstreams::located(std::uint64_t which, std::span<const dns::Place> places) {
  const auto server = std::find_if(servers_.begin(), servers_.end(), [&](const Server& s) { return s.which == which; });
  if (server == servers_.end()) return;  // of before a reload
  server->asked = false;
  const auto& spec = settings_.upstream[static_cast<std::size_t>(server - servers_.begin())];
  if (places.empty()) {
    log::warning("upstream {} can't be found", spec.host);
    server->look_again_at = loop_.now() + locate_soon;
    return;  // what was known may still be right
  }
  std::vector<Spot> spots;
  for (const dns::Place& place : places.subspan(0, std::min(places.size(), max_spots))) {
    const auto known = std::find_if(server->spots.begin(), server->spots.end(),
                                    [&](const Spot& spot) { return spot.place.to.remote == place.remote; });
    if (known != server->spots.end()) {
      spots.push_back(*known);
      continue;
    }
    Spot spot;
    spot.place.to.remote = place.remote;
    spot.place.server_name = place.server_name;
    spots.push_back(std::move(spot));
  }
  server->spots = std::move(spots);
  server->look_again_at = loop_.now() + locate_interval;
  show();
}

void Upstreams::on_timer(os::TimerId, std::uint64_t) {
  timer_ = loop_.timers().add(tick, *this, 0);
  const auto now = loop_.now();
  for (std::size_t i = 0; i < servers_.size(); ++i) look_after(i, now);
}

void Upstreams::look_after(std::size_t index, base::TimePoint now) {
  const config::UpstreamSpec& spec = settings_.upstream[index];
  if (!servers_[index].asked && servers_[index].look_again_at <= now) {
    servers_[index].asked = true;
    host_.locate_upstream(spec, servers_[index].which);  // may answer at once
  }
  if (settings_.upstream_interval.count() == 0) return;
  for (Spot& spot : servers_[index].spots) look_after(spec, spot, now);
}

void Upstreams::look_after(const config::UpstreamSpec& spec, Spot& spot, base::TimePoint now) {
  if (spot.probe != 0 && now - spot.sent_at >= no_answer_after) {
    spot.probe = 0;
    set_alive(spot, false, "no answer to OPTIONS");
    spot.next_at = now + std::min<std::chrono::nanoseconds>(dead_interval, settings_.upstream_interval);
    return;
  }
  if (spot.probe == 0) {
    if (now < spot.next_at) return;
    if (++last_probe_ == 0) ++last_probe_;
    spot.probe = last_probe_;
    spot.sent = 0;
    spot.sent_at = now;
  }
  const bool is_datagram = spot.place.to.remote.protocol == TransportProtocol::udp;
  const int copies = is_datagram ? static_cast<int>(std::size(copies_at)) : 1;
  if (spot.sent >= copies || now - spot.sent_at < copies_at[spot.sent]) return;
  if (spot.sent++ == 0) counters_.add(Counter::upstream_probes);
  host_.send_probe(spot.place, spec, spot.probe);
}

void Upstreams::on_answer(std::uint32_t number, std::uint16_t status) {
  if (status < 200) return;
  for (Server& server : servers_)
    for (Spot& spot : server.spots) {
      if (spot.probe != number || number == 0) continue;
      spot.probe = 0;
      // Some jitter: the workers began at the same time.
      spot.next_at = loop_.now() + settings_.upstream_interval - std::chrono::milliseconds(number % 8 * 50);
      return set_alive(spot, status != 503, "OPTIONS was answered 503");
    }
}

void Upstreams::on_failure(const Endpoint& remote) {
  for (Server& server : servers_)
    for (Spot& spot : server.spots) {
      if (spot.place.to.remote != remote) continue;
      if (settings_.upstream_interval.count() == 0) return;  // nobody would say that it lives again
      if (spot.alive) spot.next_at = loop_.now();
      set_alive(spot, false, "a request got no answer");
    }
}

void Upstreams::set_alive(Spot& spot, bool alive, std::string_view why) {
  if (spot.alive == alive) return;
  spot.alive = alive;
  show();
  if (alive) return log::notice("upstream {} is back", spot.place.to.remote.to_string());
  counters_.add(Counter::upstream_losses);
  log::warning("upstream {} is away: {}", spot.place.to.remote.to_string(), why);
}

// A server lives when one of its places does.
void Upstreams::show() noexcept {
  for (std::size_t i = 0; i < shm::UpstreamBoard::max_upstreams; ++i) {
    auto state = shm::UpstreamState::unknown;
    if (i < servers_.size() && !servers_[i].spots.empty()) {
      const auto& spots = servers_[i].spots;
      const bool lives = std::any_of(spots.begin(), spots.end(), [](const Spot& spot) { return spot.alive; });
      state = lives ? shm::UpstreamState::alive : shm::UpstreamState::away;
    }
    board_.write(worker_, i, state);
  }
}

}  // namespace sipwsd::route
