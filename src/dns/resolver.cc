#include "src/dns/resolver.h"

#include "src/dns/cache.h"
#include "src/dns/hosts_file.h"
#include "src/dns/next_hops.h"
#include "src/dns/penalties.h"
#include "src/dns/reply.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace sipwsd::dns {
namespace {

using shm::Counter;

// How soon after a change of resolv.conf or the hosts file somebody notices.
constexpr base::Seconds look_at_files_every{5};
// RFC 2308 7: a server's failure may be remembered for five minutes; a broken name server should be asked again sooner.
constexpr base::Seconds most_failure_ttl{5};

const SharedRecords& failure() {
  static const SharedRecords records = std::make_shared<Records>();
  return records;
}

// Resolutions are numbered by us: a ticket may come again while a question of its former holder is still in flight.
enum class Serial : std::uint64_t {};

// What somebody waits for.
struct Resolution {
  std::uint64_t ticket = 0;
  std::string host_text;  // query.host is a view of it
  Query query;
  Host host;
  std::uint64_t seed = 0;  // the same chance each time it is looked at
  std::vector<std::pair<Question, SharedRecords>> known;  // what it went by, whatever becomes of the cache
  std::size_t outstanding = 0;  // questions
  os::TimerId timer = os::TimerId::none;
  bool is_out_of_time = false;
};

}  // namespace

class Resolver::State final : ReplyUser, os::TimerHandler, os::Deferred {
 public:
  State(os::EventLoop& loop, base::Random& random, shm::OwnCounters counters, const Reach& reach, const Rules& rules,
        Listener& listener);
  ~State();

  Found resolve(const Query& query, std::uint64_t ticket);
  void cancel(std::uint64_t ticket) noexcept;
  void report_failure(const Endpoint& remote);
  void configure(const Rules& rules);

  std::size_t waiting() const noexcept { return resolutions_.size(); }
  std::size_t in_flight() const noexcept { return in_flight_.size(); }
  std::size_t cached() const noexcept { return cache_.size(); }

 private:
  class Look;
  struct Progress {
    NextHops hops;
    std::vector<Question> wanted;  // empty when hops.is_complete
  };

  void on_reply(const Question& question, std::span<const std::uint8_t> packet) override;
  void on_timer(os::TimerId id, std::uint64_t serial) override;
  void run_deferred() override;

  Progress look_at(Resolution& resolution);
  void go_on(Serial serial);
  void ask_all(Serial serial, Resolution& resolution, const std::vector<Question>& wanted);
  void finish(Serial serial, std::vector<Place> places);
  void wake(Serial serial);
  SharedRecords read(const Question& question, std::span<const std::uint8_t> packet);
  void keep(const Question& question, const SharedRecords& records);
  void look_at_files();
  void ask_others();
  Channel& channel();

  os::EventLoop& loop_;
  base::Random& random_;
  shm::OwnCounters counters_;
  const Reach reach_;
  Rules rules_;
  Listener& listener_;

  HostsFile hosts_;
  WatchedFile resolv_conf_;
  base::TimePoint looked_at_files_;
  QuestionHash hash_;
  Cache cache_;
  Penalties penalties_;
  std::unordered_map<Serial, Resolution> resolutions_;
  std::unordered_map<std::uint64_t, Serial> by_ticket_;
  std::unordered_map<Question, std::vector<Serial>, QuestionHash> in_flight_;  // and who waits for the answer
  std::vector<Serial> ready_;  // nothing outstanding, or out of time
  std::uint64_t last_serial_ = 0;
  bool is_leaving_channel_ = false;
  std::unique_ptr<Channel> channel_;  // last: its end calls on_reply()
};

// What one look at a resolution can know, and a note of what it wants to.
class Resolver::State::Look final : public Knowledge {
 public:
  Look(State& state, Resolution& resolution) : state_(state), resolution_(resolution) {}

  const std::vector<Endpoint>* in_hosts_file(const std::string& name) const override { return state_.hosts_.find(name); }
  const Records* find(Question question) override {
    for (const auto& [known, records] : resolution_.known)
      if (known == question) return records.get();
    SharedRecords records = state_.cache_.find(question, state_.loop_.now());
    if (records) {
      state_.counters_.add(Counter::dns_cache_hits);
    } else if (resolution_.is_out_of_time) {
      records = failure();
    } else {
      if (std::find(wanted.begin(), wanted.end(), question) == wanted.end()) wanted.push_back(std::move(question));
      return nullptr;
    }
    resolution_.known.emplace_back(std::move(question), std::move(records));
    return resolution_.known.back().second.get();
  }

  std::vector<Question> wanted;

 private:
  State& state_;
  Resolution& resolution_;
};

Resolver::State::State(os::EventLoop& loop, base::Random& random, shm::OwnCounters counters, const Reach& reach,
                       const Rules& rules, Listener& listener)
    : loop_(loop),
      random_(random),
      counters_(counters),
      reach_(reach),
      rules_(rules),
      listener_(listener),
      hosts_(rules.hosts_file),
      resolv_conf_(rules.channel.resolv_conf),
      looked_at_files_(loop.now()),
      hash_{{random.next(), random.next()}},
      cache_(hash_.key, rules.cache_bytes),
      in_flight_(0, hash_) {}

Resolver::State::~State() {
  is_leaving_channel_ = true;
  for (const auto& [serial, resolution] : resolutions_) loop_.timers().cancel(resolution.timer);
}

// --- asking

Found Resolver::State::resolve(const Query& query, std::uint64_t ticket) {
  Resolution resolution;
  resolution.host = classify(query.host);
  resolution.query = query;
  if (resolution.host.kind == Host::Kind::nowhere) counters_.add(Counter::dns_refused_names);
  if (resolution.host.kind == Host::Kind::name || resolution.host.kind == Host::Kind::localhost) {
    look_at_files();
    resolution.seed = random_.next();
  }

  Progress progress = look_at(resolution);
  if (progress.hops.is_complete) {
    if (!progress.hops.places.empty()) return {Found::When::now, std::move(progress.hops.places)};
    counters_.add(Counter::dns_failed_dns_request);
    return {};
  }

  const Serial serial{++last_serial_};
  resolution.ticket = ticket;
  resolution.host_text = query.host;
  resolution.timer = loop_.timers().add(rules_.time_limit, *this, static_cast<std::uint64_t>(serial));
  by_ticket_[ticket] = serial;
  Resolution& kept = resolutions_.emplace(serial, std::move(resolution)).first->second;
  kept.query.host = kept.host_text;
  ask_all(serial, kept, progress.wanted);
  return {Found::When::later, {}};
}

Resolver::State::Progress Resolver::State::look_at(Resolution& resolution) {
  Look look(*this, resolution);
  base::FixedRandom chance(resolution.seed);
  Progress progress;
  progress.hops = find_next_hops(resolution.query, resolution.host, reach_, rules_.choices, look, chance);
  progress.wanted = std::move(look.wanted);
  penalties_.arrange(progress.hops.places, loop_.now());
  return progress;
}

void Resolver::State::ask_all(Serial serial, Resolution& resolution, const std::vector<Question>& wanted) {
  resolution.outstanding += wanted.size();
  for (const Question& question : wanted) {
    if (const auto asked = in_flight_.find(question); asked != in_flight_.end()) {
      asked->second.push_back(serial);
    } else if (in_flight_.size() >= rules_.max_questions) {
      counters_.add(Counter::dns_overloads);
      resolution.known.emplace_back(question, failure());
      if (--resolution.outstanding == 0) wake(serial);
    } else {
      counters_.add(Counter::dns_queries_sent);
      in_flight_[question].push_back(serial);
      channel().ask(question);
    }
  }
}

Channel& Resolver::State::channel() {
  ReplyUser& user = *this;
  if (!channel_) channel_ = std::make_unique<Channel>(loop_, rules_.channel, user);
  return *channel_;
}

// --- answers; nothing is decided here: c-ares is on the stack

void Resolver::State::on_reply(const Question& question, std::span<const std::uint8_t> packet) {
  if (is_leaving_channel_) return;
  auto asked = in_flight_.extract(question);
  if (asked.empty()) return;
  const SharedRecords records = read(question, packet);
  keep(question, records);
  for (const Serial serial : asked.mapped()) {
    const auto found = resolutions_.find(serial);
    if (found == resolutions_.end()) continue;
    found->second.known.emplace_back(question, records);
    if (--found->second.outstanding == 0) wake(serial);
  }
}

SharedRecords Resolver::State::read(const Question& question, std::span<const std::uint8_t> packet) {
  if (!packet.empty()) {
    auto records = parse_reply(packet, question);
    if (!records) counters_.add(Counter::dns_bad_replies);
    else if (records->outcome != Records::Outcome::failed) return std::make_shared<Records>(*std::move(records));
  }
  counters_.add(Counter::dns_failed_queries);
  return failure();
}

void Resolver::State::keep(const Question& question, const SharedRecords& records) {
  const base::Seconds said{records->ttl.value_or(static_cast<std::uint32_t>(rules_.negative_ttl.count()))};
  base::Seconds ttl{};
  switch (records->outcome) {
    case Records::Outcome::found: ttl = std::max(rules_.min_ttl, std::min(said, rules_.max_ttl)); break;
    case Records::Outcome::none: ttl = std::max(rules_.min_ttl, std::min(said, rules_.negative_ttl)); break;
    case Records::Outcome::failed: ttl = std::min(most_failure_ttl, rules_.negative_ttl); break;
  }
  if (ttl.count() > 0) counters_.add(Counter::dns_cache_evictions, cache_.put(question, records, loop_.now() + ttl));
}

// --- going on

void Resolver::State::wake(Serial serial) {
  ready_.push_back(serial);
  loop_.defer(*this);
}

void Resolver::State::on_timer(os::TimerId, std::uint64_t number) {
  const Serial serial{number};
  const auto found = resolutions_.find(serial);
  if (found == resolutions_.end()) return;
  counters_.add(Counter::dns_timeouts);
  found->second.timer = os::TimerId::none;
  found->second.is_out_of_time = true;
  wake(serial);
}

void Resolver::State::run_deferred() {
  // What the listener asks for now is for the next time.
  const std::vector<Serial> ready = std::exchange(ready_, {});
  for (const Serial serial : ready) go_on(serial);
}

void Resolver::State::go_on(Serial serial) {
  const auto found = resolutions_.find(serial);
  if (found == resolutions_.end()) return;
  Progress progress = look_at(found->second);
  if (progress.hops.is_complete) return finish(serial, std::move(progress.hops.places));
  ask_all(serial, found->second, progress.wanted);
}

void Resolver::State::finish(Serial serial, std::vector<Place> places) {
  const auto resolution = resolutions_.extract(serial);
  const std::uint64_t ticket = resolution.mapped().ticket;
  loop_.timers().cancel(resolution.mapped().timer);
  by_ticket_.erase(ticket);
  if (places.empty()) counters_.add(Counter::dns_failed_dns_request);
  listener_.on_resolved(ticket, places);
}

void Resolver::State::cancel(std::uint64_t ticket) noexcept {
  const auto found = by_ticket_.find(ticket);
  if (found == by_ticket_.end()) return;
  // Its questions stay in flight: the answers serve others.
  const auto resolution = resolutions_.extract(found->second);
  loop_.timers().cancel(resolution.mapped().timer);
  by_ticket_.erase(found);
}

void Resolver::State::report_failure(const Endpoint& remote) {
  if (rules_.penalty.count() == 0) return;
  counters_.add(Counter::dns_bad_addresses);
  penalties_.add(remote, loop_.now() + rules_.penalty);
}

// --- changes

void Resolver::State::look_at_files() {
  if (loop_.now() - looked_at_files_ < look_at_files_every) return;
  looked_at_files_ = loop_.now();
  hosts_.refresh();
  if (rules_.channel.servers.empty() && resolv_conf_.has_changed()) ask_others();
}

void Resolver::State::configure(const Rules& rules) {
  const bool other_servers = rules.channel != rules_.channel;
  if (rules.hosts_file != rules_.hosts_file) hosts_ = HostsFile(rules.hosts_file);
  if (rules.channel.resolv_conf != rules_.channel.resolv_conf) resolv_conf_ = WatchedFile(rules.channel.resolv_conf);
  rules_ = rules;
  counters_.add(Counter::dns_cache_evictions, cache_.set_most_bytes(rules.cache_bytes));
  if (other_servers) ask_others();
}

// Other servers may know other things: nothing of what the old ones said is kept, and what they have not answered is asked
// again.
void Resolver::State::ask_others() {
  cache_.clear();
  is_leaving_channel_ = true;
  channel_.reset();
  is_leaving_channel_ = false;
  std::vector<Question> questions;
  for (const auto& [question, waiting] : in_flight_) questions.push_back(question);
  for (const Question& question : questions) channel().ask(question);
}

// --- outside

Rules Rules::from(const config::Settings& settings) {
  Rules rules;
  rules.channel.servers = settings.dns_servers;
  rules.channel.retransmit_after = settings.dns_retr_time;
  rules.channel.retransmissions = static_cast<int>(settings.dns_retr_no);
  rules.hosts_file = settings.dns_hosts_file;
  rules.time_limit = settings.dns_timeout;
  rules.max_questions = settings.dns_max_queries;
  // Both bits say as little as none.
  const std::uint32_t only = settings.dns_cache_flags & 3;
  rules.choices = {.naptr = settings.dns_try_naptr,
                   .ask_ipv4 = only != 2,
                   .ask_ipv6 = only != 1 && settings.dns_try_ipv6,
                   .prefer_ipv6 = (settings.dns_cache_flags & 4) != 0};
  rules.min_ttl = settings.dns_cache_min_ttl;
  rules.max_ttl = settings.dns_cache_max_ttl;
  rules.negative_ttl = settings.dns_cache_negative_ttl;
  rules.cache_bytes = settings.dns_cache_mem * 1024;
  rules.penalty = settings.dst_blacklist_expire;
  return rules;
}

Resolver::Resolver(os::EventLoop& loop, base::Random& random, shm::OwnCounters counters, const Reach& reach,
                   const Rules& rules, Listener& listener)
    : state_(std::make_unique<State>(loop, random, counters, reach, rules, listener)) {}
Resolver::~Resolver() = default;

Found Resolver::resolve(const Query& query, std::uint64_t ticket) { return state_->resolve(query, ticket); }
void Resolver::cancel(std::uint64_t ticket) noexcept { state_->cancel(ticket); }
void Resolver::report_failure(const Endpoint& remote) { state_->report_failure(remote); }
void Resolver::configure(const Rules& rules) { state_->configure(rules); }
std::size_t Resolver::waiting() const noexcept { return state_->waiting(); }
std::size_t Resolver::in_flight() const noexcept { return state_->in_flight(); }
std::size_t Resolver::cached() const noexcept { return state_->cached(); }

}  // namespace sipwsd::dns
