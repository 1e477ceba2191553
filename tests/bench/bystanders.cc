#include "tests/bench/bystanders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace sipwsd::bench {
namespace {

using namespace std::chrono_literals;

// A killed worker's end of a connection may be seen after the answer that its death changed.
constexpr auto benefit_of_doubt = 1500ms;
constexpr std::size_t requests_a_visit = 5;
constexpr auto pause_between_visits = 100ms;

double milliseconds_since(Clock::time_point then) { return std::chrono::duration<double, std::milli>(Clock::now() - then).count(); }

double at_share(std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

Bystanders::Bystanders(Loop& loop, Target ws, Target wss, Plan plan)
    : loop_(loop), ws_(std::move(ws)), wss_(std::move(wss)), plan_(plan), run_(fmt::format("b{:x}", ::getpid())) {
  for (std::size_t i = 0; i < plan_.staying + plan_.coming_and_going; ++i)
    all_.push_back({.phone = std::make_unique<Phone>(loop, *this, plan_.first_number + i), .stays = i < plan_.staying, .came = {}});
}

bool Bystanders::start(std::chrono::seconds patience) {
  for (auto& bystander : all_) connect(bystander);
  return loop_.run_until([this] { return are_all_ready(); }, patience);
}

void Bystanders::begin() {
  seen_ = {};
  latencies_ms_.clear();
  reconnects_ms_.clear();
  under_way_.clear();
  for (auto& bystander : all_) bystander.waiting = bystander.visit = 0;
  flowing_ = true;
  ++flow_;
  // Spread over the interval: twenty phones that act at the same moment would measure each other.
  for (std::size_t i = 0; i < all_.size(); ++i)
    loop_.after(plan_.interval * i / all_.size(), [this, i, flow = flow_] { turn(i, flow); });
  if (!sweeping_) sweep();
}

Bystanders::Seen Bystanders::finish() {
  flowing_ = false;
  loop_.run_until([this] { return under_way_.empty() && are_all_ready(); }, plan_.deadline + 5s);
  if (!are_all_ready()) complain("not all are registered again");
  std::sort(latencies_ms_.begin(), latencies_ms_.end());
  std::sort(reconnects_ms_.begin(), reconnects_ms_.end());
  seen_.p50_ms = at_share(latencies_ms_, 0.5);
  seen_.p99_ms = at_share(latencies_ms_, 0.99);
  seen_.max_ms = at_share(latencies_ms_, 1);
  seen_.reconnects = reconnects_ms_.size();
  seen_.reconnect_p99_ms = at_share(reconnects_ms_, 0.99);
  seen_.reconnect_max_ms = at_share(reconnects_ms_, 1);
  return seen_;
}

void Bystanders::stop() {
  stopping_ = true;
  for (auto& bystander : all_) bystander.phone->connection().close(1000);
  loop_.run_until([this] { return open() == 0; }, 10s);
}

std::size_t Bystanders::open() const {
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const Bystander& bystander) {
    return bystander.phone->connection().state() != WebSocketClient::State::idle;
  }));
}

bool Bystanders::are_all_ready() const {
  return std::all_of(all_.begin(), all_.end(), [](const Bystander& bystander) { return bystander.registered && !bystander.leaving; });
}

void Bystanders::connect(Bystander& bystander) {
  const auto number = index(*bystander.phone);
  auto target = number % 2 == 1 && wss_.tls != nullptr ? wss_ : ws_;
  target.source = fmt::format("127.1.0.{}", number + 1);
  bystander.registered = bystander.leaving = false;
  bystander.visit = 0;
  bystander.came = Clock::now();
  bystander.phone->connection().open(target);
}

void Bystanders::on_open(Phone& phone) {
  auto& bystander = all_[index(phone)];
  ++bystander.cseq;
  phone.send_register(bystander.cseq, fmt::format("{}r{}", run_, bystander.cseq), 600);
}

void Bystanders::turn(std::size_t number, std::uint64_t flow) {
  auto& bystander = all_[number];
  if (!flowing_ || flow != flow_) return;
  loop_.after(plan_.interval, [this, number, flow] { turn(number, flow); });
  if (!bystander.registered || bystander.leaving) return;
  if (!bystander.stays && bystander.visit >= requests_a_visit) {
    if (bystander.waiting > 0) return;
    bystander.leaving = true;
    bystander.phone->connection().close(1000);
    return;
  }
  const auto id = fmt::format("{}x{}", run_, ++last_id_);
  Request request{.from = number, .to = number, .sent = Clock::now(), .suspicion = {}};
  if (bystander.turn++ % 2 == 1) request.to = (number + 1 + bystander.turn % 7) % plan_.staying;
  // Nobody is blamed for not reaching a phone that is not there.
  if (request.to != number && !all_[request.to].registered) request.to = number;
  ++seen_.requests;
  ++bystander.waiting;
  ++bystander.visit;
  if (request.to == number) {
    bystander.phone->send_options(id, id);
  } else {
    bystander.phone->send_text_message(*all_[request.to].phone, id, id, "Shall we talk at ten?");
  }
  under_way_.emplace(id, std::move(request));
}

void Bystanders::on_message(Phone& phone, const SipMessage& message) {
  if (message.is_request()) return phone.send_response(message, 200, "OK", "b", Phone::Body::none);
  if (message.method != "REGISTER") return answered(std::string(message.call_id), message);
  auto& bystander = all_[index(phone)];
  if (message.status != 200) complain(fmt::format("{}: REGISTER answered {}", phone.user(), message.status));
  if (message.status != 200 || bystander.registered) return;
  bystander.registered = true;
  if (flowing_ && !bystander.stays) reconnects_ms_.push_back(milliseconds_since(bystander.came));
}

void Bystanders::answered(const std::string& id, const SipMessage& response) {
  if (response.status < 200) return;
  const auto found = under_way_.find(id);
  if (found == under_way_.end()) return;
  auto& request = found->second;
  if (response.status != 200) {
    request.suspicion = fmt::format("{} to {} answered {}", response.method, request.to == request.from ? "the server" : "a phone", response.status);
    request.sent = Clock::now();
    return;
  }
  ++seen_.answered;
  --all_[request.from].waiting;
  latencies_ms_.push_back(milliseconds_since(request.sent));
  under_way_.erase(found);
}

void Bystanders::on_ended(Phone& phone, const Ending& ending) {
  auto& bystander = all_[index(phone)];
  const bool asked = bystander.leaving || stopping_;
  bystander.registered = bystander.leaving = false;
  if (stopping_) return;
  if (!asked) {
    ++seen_.lost;
    if (!losses_are_excused_) complain(fmt::format("{} lost its connection: Close {} {}", phone.user(), ending.close_code, ending.why));
  }
  forget_requests_of(index(phone));
  loop_.after(asked ? pause_between_visits : 20ms, [this, &bystander] {
    if (!stopping_) connect(bystander);
  });
}

void Bystanders::forget_requests_of(std::size_t number) {
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    if (at->second.from != number && at->second.to != number) {
      ++at;
      continue;
    }
    if (losses_are_excused_) ++seen_.excused;
    --all_[at->second.from].waiting;
    at = under_way_.erase(at);
  }
}

void Bystanders::sweep() {
  sweeping_ = flowing_ || !under_way_.empty();
  if (!sweeping_) return;
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    const auto& request = at->second;
    const auto patience = request.suspicion.empty() ? plan_.deadline : losses_are_excused_ ? std::chrono::milliseconds(benefit_of_doubt) : 0ms;
    if (Clock::now() - request.sent < patience) {
      ++at;
      continue;
    }
    complain(request.suspicion.empty()
                 ? fmt::format("{} from {}: no answer", request.to == request.from ? "OPTIONS" : "MESSAGE", all_[request.from].phone->user())
                 : request.suspicion);
    --all_[request.from].waiting;
    at = under_way_.erase(at);
  }
  loop_.after(100ms, [this] { sweep(); });
}

void Bystanders::on_garbage(Phone& phone, std::string_view bytes) {
  complain(fmt::format("{} got what is not SIP: {}", phone.user(), bytes.substr(0, 100)));
}

void Bystanders::complain(std::string what) {
  if (seen_.complaints.size() < 5) seen_.complaints.push_back(std::move(what));
}

}  // namespace sipwsd::bench
