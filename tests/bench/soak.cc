// soak: hours of ordinary life in short: phones come and go over ws and wss, register, send each other messages of all
// sizes, call each other, hang up, cancel, refuse, and drop their connections at any moment, during a handshake, a call
// or a Close. Every ten seconds the daemon's memory, descriptors and counters are noted. What must hold, and decides
// the exit status:
//  1. What two connected phones ask of each other succeeds; no connection ends that was not asked to.
//  2. Memory is flat: a line through the samples after the warm-up rises by less than 1 % in ten minutes, or by less than
//     8 bytes for each connection that was opened, which is less than any leak (judged in runs of ten minutes or more:
//     shorter ones show the noise only).
//  3. When everybody has gone, descriptors are what they were at the start, and the counters add up: every opened
//     connection closed once, every letter handled, no transaction left.
//
// Options: soak --help.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

#include "tests/bench/certificate.h"
#include "tests/bench/daemon.h"
#include "tests/bench/health.h"
#include "tests/bench/long_run.h"
#include "tests/bench/phone.h"
#include "tests/bench/process_cost.h"

namespace sipwsd::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Options {
  std::string sipwsd = "build/sipwsd";
  std::size_t minutes = 30;
  std::size_t phones = 300;
  std::size_t scale = 1;  // of all rates
  bool ws_only = false;
  std::vector<std::string> more;
};

// A second, at scale 1.
constexpr double messages_a_second = 400, options_a_second = 200, calls_a_second = 40, departures_a_second = 40, refreshes_a_second = 50,
                 aborted_handshakes_a_second = 20;
constexpr auto sample_interval = 10s;
constexpr auto answer_deadline = 20s;
constexpr double allowed_rise_in_ten_minutes = 0.01, allowed_bytes_a_connection = 8;

enum class CallPlan { complete, cancel, refuse, drop };

class Soak final : public Phone::Owner {
 public:
  Soak(Options options, std::string folder) : options_(std::move(options)), folder_(std::move(folder)) {}

  bool run() {
    start_daemon();
    for (std::size_t i = 0; i < options_.phones; ++i) {
      members_.push_back({.phone = std::make_unique<Phone>(loop_, *this, i)});
      loop_.after(milliseconds(i * 5), [this, i] { open(i); });
    }
    visitor_ = std::make_unique<Phone>(loop_, *this, options_.phones);
    loop_.run_until([this] { return ready() == members_.size(); }, 60s);
    if (ready() != members_.size()) complain(fmt::format("only {} of {} phones registered", ready(), members_.size()));
    flowing_ = true;
    keep_doing(messages_a_second, [this] { send_message(); });
    keep_doing(options_a_second, [this] { send_options(); });
    keep_doing(calls_a_second, [this] { start_call(); });
    keep_doing(departures_a_second, [this] { depart(); });
    keep_doing(refreshes_a_second, [this] { refresh(); });
    keep_doing(aborted_handshakes_a_second, [this] { visit(); });
    keep_sampling();
    keep_sweeping();
    started_ = Clock::now();
    loop_.run_until([this] { return complaints_.size() > 100 || daemon_->is_gone(); }, std::chrono::minutes(options_.minutes));
    flowing_ = false;
    loop_.run_until([this] { return requests_.empty() && calls_.empty(); }, answer_deadline + 5s);
    leave();
    account();
    stop_daemon();
    report();
    return complaints_.empty();
  }

 private:
  enum class State { down, opening, registering, ready, leaving };
  struct Member {
    std::unique_ptr<Phone> phone;
    State state = State::down;
    std::uint32_t cseq = 0;
  };
  struct Call {
    std::size_t caller = 0, callee = 0;
    CallPlan plan = CallPlan::complete;
    std::string branch{};
    Clock::time_point began{};
    bool answered = false;
    std::string invite{};
    Dialog dialog{};
  };
  struct Request {
    std::size_t from = 0, to = 0;
    Clock::time_point sent{};
  };
  struct Sample {
    double seconds = 0;
    OwnMemory memory{};
    std::size_t descriptors = 0;
  };

  // --- the daemon

  void start_daemon() {
    std::vector<std::string> command = {options_.sipwsd, "-F", "--listen", "ws:127.0.0.1:0", "--workers", "2", "--alias",
                                        "example.com", "--auth-mode", "none", "--fifo", folder_ + "/fifo", "--reply-dir", folder_ + "/"};
    if (!options_.ws_only) {
      const auto certificate = make_certificate(folder_, KeyKind::ecdsa_p256);
      command.insert(command.end(), {"--listen", "wss:127.0.0.1:0", "--tls-certificate", certificate.certificate_file, "--tls-private-key", certificate.key_file});
    }
    command.insert(command.end(), options_.more.begin(), options_.more.end());
    daemon_ = std::make_unique<Daemon>(loop_, command, folder_ + "/sipwsd.log");
    loop_.run_until([this] { return daemon_->is_ready() || daemon_->is_gone(); }, 30s);
    if (!daemon_->is_ready()) throw std::runtime_error("sipwsd did not become ready");
    fifo_ = std::make_unique<FifoClient>(loop_, folder_ + "/fifo", folder_ + "/");
    processes_ = process_tree(daemon_->pid());
    descriptors_ = descriptors(daemon_->pid());
  }

  void stop_daemon() {
    if (process_tree(daemon_->pid()) != processes_) complain("not the same processes any more");
    const auto status = daemon_->stop(20s);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) complain("SIGTERM did not end the daemon with 0");
  }

  // --- what happens again and again

  template <typename Do>
  void keep_doing(double a_second, Do act) {
    const std::chrono::duration<double> mean(1.0 / (a_second * static_cast<double>(options_.scale)));
    const auto pause = std::chrono::duration_cast<std::chrono::nanoseconds>(mean * exponential_(random_));
    loop_.after(pause, [this, a_second, act] {
      if (!flowing_) return;
      act();
      keep_doing(a_second, act);
    });
  }

  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::optional<std::size_t> somebody() {
    for (int i = 0; i < 20; ++i)
      if (const auto which = random_() % members_.size(); members_[which].state == State::ready) return which;
    return std::nullopt;
  }
  std::string new_id(std::string_view what) { return fmt::format("{}{}{}", what, run_, ++last_id_); }

  void send_message() {
    const auto from = somebody(), to = somebody();
    if (!from || !to || *from == *to) return;
    const auto id = new_id("m");
    // Mostly a line, sometimes a page: buffers of every size are taken and given back.
    const std::size_t size = chance(90) ? 10 + random_() % 300 : random_() % 60'000;
    requests_[id] = {.from = *from, .to = *to, .sent = Clock::now()};
    ++messages_;
    members_[*from].phone->send_text_message(*members_[*to].phone, id, id, std::string(size, 'x'));
  }

  void send_options() {
    const auto from = somebody();
    if (!from) return;
    const auto id = new_id("o");
    requests_[id] = {.from = *from, .to = *from, .sent = Clock::now()};
    members_[*from].phone->connection().send_ping("still there?");
    members_[*from].phone->send_options(id, id);
  }

  void refresh() {
    if (const auto who = somebody()) send_register(*who);
  }

  // A connection's end: said, unsaid, or by RST; sometimes during a call.
  void depart() {
    const auto who = somebody();
    if (!who) return;
    forget(*who);
    auto& member = members_[*who];
    member.state = State::leaving;
    ++departures_;
    if (chance(20)) {  // unregisters first (RFC 3261 10.2.2)
      ++member.cseq;
      member.phone->send_register(member.cseq, new_id("u"), 0);
    }
    if (chance(60)) return member.phone->connection().close(1000);
    if (chance(50)) return member.phone->connection().fail("left");
    member.phone->connection().reset();
  }

  // Somebody who leaves in the middle of the handshake, TLS or WebSocket.
  void visit() {
    if (visitor_->connection().state() != WebSocketClient::State::idle) return;
    visitor_->connection().open(target(random_() % 2));
    loop_.after(std::chrono::microseconds(random_() % 4000), [this] {
      if (chance(50)) visitor_->connection().fail("left");
      visitor_->connection().reset();
    });
  }

  // --- phones

  Target target(std::size_t which) {
    Target target{.port = daemon_->port(), .tls = nullptr};
    if (!options_.ws_only && which % 2 == 1) {
      target.port = daemon_->tls_port();
      target.tls = which % 4 == 1 ? &resuming_ : which % 8 == 3 ? &tls_1_2_ : &tls_;
    }
    // Each its own address: thousands of phones behind one are another test's business.
    target.source = fmt::format("127.2.{}.{}", which / 250, 1 + which % 250);
    return target;
  }

  void open(std::size_t which) {
    members_[which].state = State::opening;
    members_[which].phone->connection().open(target(which));
  }

  void send_register(std::size_t which) {
    auto& member = members_[which];
    ++member.cseq;
    member.phone->send_register(member.cseq, new_id("r"), 300);
  }

  void on_open(Phone& phone) override {
    ++opened_;
    if (&phone == visitor_.get()) return;
    members_[phone.number()].state = State::registering;
    send_register(phone.number());
  }

  void on_ended(Phone& phone, const Ending& ending) override {
    if (&phone == visitor_.get()) return;
    auto& member = members_[phone.number()];
    if (member.state != State::leaving) {
      complain(fmt::format("{} lost its connection: Close {} {}", phone.user(), ending.close_code, ending.why));
      forget(phone.number());
    }
    member.state = State::down;
    if (!flowing_) return;
    loop_.after(milliseconds(random_() % 2000), [this, which = phone.number()] {
      if (flowing_) open(which);
    });
  }

  void on_garbage(Phone& phone, std::string_view bytes) override {
    complain(fmt::format("{} got what is not SIP: {}", phone.user(), bytes.substr(0, 100)));
  }

  std::size_t ready() const {
    return static_cast<std::size_t>(
        std::count_if(members_.begin(), members_.end(), [](const Member& member) { return member.state == State::ready; }));
  }

  // --- what is under way

  void forget(std::size_t who) {
    std::erase_if(requests_, [&](const auto& entry) { return entry.second.from == who || entry.second.to == who; });
    std::erase_if(calls_, [&](const auto& entry) { return entry.second.caller == who || entry.second.callee == who; });
  }

  void keep_sweeping() {
    loop_.after(1s, [this] {
      const auto now = Clock::now();
      std::erase_if(requests_, [&](const auto& entry) {
        if (now - entry.second.sent < answer_deadline) return false;
        complain(fmt::format("{} from {}: no answer", entry.first, members_[entry.second.from].phone->user()));
        return true;
      });
      std::erase_if(calls_, [&](const auto& entry) {
        if (now - entry.second.began < answer_deadline) return false;
        complain(fmt::format("call {} of plan {} is not over", entry.first, static_cast<int>(entry.second.plan)));
        return true;
      });
      keep_sweeping();
    });
  }

  // --- calls

  void start_call() {
    const auto caller = somebody(), callee = somebody();
    if (!caller || !callee || *caller == *callee) return;
    const auto id = new_id("c");
    const auto plan = chance(60) ? CallPlan::complete : chance(40) ? CallPlan::cancel : chance(60) ? CallPlan::refuse : CallPlan::drop;
    calls_[id] = {.caller = *caller, .callee = *callee, .plan = plan, .branch = id, .began = Clock::now()};
    ++started_calls_;
    members_[*caller].phone->send_invite(*members_[*callee].phone, id, id);
  }

  void on_message(Phone& phone, const SipMessage& message) override {
    if (&phone == visitor_.get()) return;
    auto& member = members_[phone.number()];
    if (message.method == "REGISTER" && !message.is_request()) {
      if (member.state == State::leaving) return;
      if (message.status != 200) complain(fmt::format("{}: REGISTER answered {}", phone.user(), message.status));
      member.state = State::ready;
      return;
    }
    const auto id = std::string(message.call_id);
    if (message.is_request()) return on_request(phone, message, id);
    if (message.status < 200 && message.method != "INVITE") return;
    if (const auto request = requests_.find(id); request != requests_.end()) {
      if (message.status != 200) complain(fmt::format("{} {} answered {}", message.method, id, message.status));
      ++answered_;
      requests_.erase(request);
      return;
    }
    const auto call = calls_.find(id);
    if (call != calls_.end()) on_response(phone, message, id, call->second);
  }

  void on_request(Phone& phone, const SipMessage& request, const std::string& id) {
    if (request.method == "ACK") return;
    const auto tag = "t" + id;
    const auto call = calls_.find(id);
    if (request.method != "INVITE") return phone.send_response(request, call == calls_.end() && request.method != "MESSAGE" ? 481 : 200, "Answer", tag, Phone::Body::none);
    if (call == calls_.end()) return phone.send_response(request, 480, "Gone", tag, Phone::Body::none);
    phone.send_response(request, 180, "Ringing", tag, Phone::Body::none);
    call->second.invite = request.bytes;
    const auto ring_time = milliseconds(random_() % 1500);
    switch (call->second.plan) {
      case CallPlan::complete: return loop_.after(ring_time, [this, id] { answer(id, 200, "OK", Phone::Body::sdp); });
      case CallPlan::refuse: return loop_.after(ring_time, [this, id] { answer(id, 486, "Busy Here", Phone::Body::none); });
      case CallPlan::cancel: return loop_.after(ring_time, [this, id] { cancel(id); });
      case CallPlan::drop:
        return loop_.after(ring_time, [this, id] {
          const auto dropped = calls_.find(id);
          if (dropped == calls_.end()) return;
          const auto who = chance(50) ? dropped->second.caller : dropped->second.callee;
          forget(who);
          members_[who].state = State::leaving;
          members_[who].phone->connection().fail("dropped during a call");
          ++dropped_calls_;
        });
    }
  }

  void answer(const std::string& id, int status, std::string_view reason, Phone::Body body) {
    const auto call = calls_.find(id);
    if (call == calls_.end()) return;
    if (const auto invite = parse_sip(call->second.invite))
      members_[call->second.callee].phone->send_response(*invite, status, reason, "t" + id, body);
  }

  void cancel(const std::string& id) {
    const auto call = calls_.find(id);
    if (call == calls_.end()) return;
    members_[call->second.caller].phone->send_cancel(*members_[call->second.callee].phone, id, call->second.branch);
    answer(id, 487, "Request Terminated", Phone::Body::none);
  }

  void on_response(Phone& phone, const SipMessage& response, const std::string& id, Call& call) {
    if (response.method == "CANCEL" || (response.method == "INVITE" && response.status < 200)) return;
    if (response.method == "INVITE") {
      const int wanted = call.plan == CallPlan::refuse ? 486 : call.plan == CallPlan::cancel ? 487 : 200;
      if (response.status != wanted) complain(fmt::format("INVITE {} answered {}, not {}", id, response.status, wanted));
      if (response.status >= 300) {
        phone.send_ack_of_refusal(*members_[call.callee].phone, response, call.branch);
        calls_.erase(id);
        ++ended_calls_;
        return;
      }
      if (call.answered) return;
      call.answered = true;
      call.dialog = caller_dialog(response);
      phone.send_in_dialog(call.dialog, "ACK", 1, new_id("a"));
      return loop_.after(milliseconds(100 + random_() % 3000), [this, id] {
        const auto talking = calls_.find(id);
        if (talking != calls_.end()) members_[talking->second.caller].phone->send_in_dialog(talking->second.dialog, "BYE", 2, new_id("b"));
      });
    }
    if (response.status != 200) complain(fmt::format("{} {} answered {}", response.method, id, response.status));
    calls_.erase(id);
    ++ended_calls_;
  }

  // --- the account

  void keep_sampling() {
    loop_.after(sample_interval, [this] {
      if (!flowing_) return;
      sample();
      keep_sampling();
    });
  }

  void sample() {
    const Sample now{.seconds = std::chrono::duration<double>(Clock::now() - started_).count(),
                     .memory = own_memory({daemon_->pid()}),
                     .descriptors = descriptors(daemon_->pid())};
    samples_.push_back(now);
    const auto cpu = process_cost({daemon_->pid()}).cpu_ns;
    fmt::print("{:5.0f} s  memory {} KiB + {} KiB shared  descriptors {}  phones ready {}  opened {}  messages {}  calls {}  server CPU {:.1f} %\n", now.seconds,
               now.memory.private_bytes / 1024, now.memory.shared_bytes / 1024, now.descriptors, ready(), opened_, messages_, started_calls_,
               static_cast<double>(cpu - cpu_) / 1e7 / std::chrono::duration<double>(sample_interval).count());
    std::fflush(stdout);
    cpu_ = cpu;
  }

  void leave() {
    for (auto& member : members_) {
      if (member.state == State::down) continue;
      member.state = State::leaving;
      member.phone->connection().close(1000);
    }
    loop_.run_until([this] { return std::all_of(members_.begin(), members_.end(), [](const Member& member) { return member.state == State::down; }); }, 20s);
  }

  void account() {
    std::string wrong;
    // An INVITE whose caller vanished is over when Timer C says so (RFC 3261 16.6): three minutes and a bit.
    const auto deadline = Clock::now() + 200s;
    do {
      const auto statistics = ask_statistics(loop_, *fifo_);
      wrong = statistics ? contradiction(*statistics, 0) : "the FIFO does not answer";
      if (statistics && statistics->contains("inuse_transactions") && statistics->at("inuse_transactions") != 0)
        wrong += fmt::format("; {} transactions left", statistics->at("inuse_transactions"));
      if (const auto now = descriptors(daemon_->pid()); now != descriptors_) wrong += fmt::format("; {} descriptors, {} at the start", now, descriptors_);
      if (!wrong.empty()) loop_.run_until([] { return false; }, 200ms);
    } while (!wrong.empty() && Clock::now() < deadline);
    if (!wrong.empty()) complain(wrong);
    memory_at_end_ = own_memory({daemon_->pid()});
  }

  // Least squares over the samples after the warm-up: bytes a second.
  std::optional<double> rise(double warm_up, double& mean) const {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const auto& sample : samples_) {
      if (sample.seconds < warm_up) continue;
      const auto memory = static_cast<double>(sample.memory.total());
      n += 1;
      x += sample.seconds;
      y += memory;
      xx += sample.seconds * sample.seconds;
      xy += sample.seconds * memory;
    }
    if (n < 3) return std::nullopt;
    mean = y / n;
    return (n * xy - x * y) / (n * xx - x * x);
  }

  void report() {
    const double length = static_cast<double>(options_.minutes) * 60;
    const double warm_up = std::min(300.0, length / 3);
    double mean = 0;
    if (const auto slope = rise(warm_up, mean)) {
      const double in_ten_minutes = *slope * 600 / mean;
      const double a_connection = *slope * length / static_cast<double>(std::max<std::size_t>(1, opened_));
      fmt::print("memory after {:.0f} s: {:.0f} KiB on average, {:+.3f} % in ten minutes, {:+.1f} bytes a connection; {} KiB when all had gone\n", warm_up,
                 mean / 1024, in_ten_minutes * 100, a_connection, memory_at_end_.total() / 1024);
      if (options_.minutes >= 10 && in_ten_minutes > allowed_rise_in_ten_minutes && a_connection > allowed_bytes_a_connection)
        complain("memory is not flat");
    }
    fmt::print("opened={} departures={} messages={} answered={} calls={} ended={} dropped={} complaints={}\n", opened_, departures_, messages_, answered_,
               started_calls_, ended_calls_, dropped_calls_, complaints_.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(20, complaints_.size()); ++i) fmt::print("FAILED: {}\n", complaints_[i]);
    fmt::print("soak: {} passed, {} failed\n", complaints_.empty() ? 1 : 0, complaints_.empty() ? 0 : 1);
  }

  void complain(std::string what) { complaints_.push_back(std::move(what)); }

  Options options_;
  std::string folder_;
  Loop loop_;
  TlsContext tls_, tls_1_2_{TlsContext::Version::tls_1_2}, resuming_{TlsContext::Version::any, TlsContext::Resume::yes};
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<FifoClient> fifo_;
  std::vector<Member> members_;
  std::unique_ptr<Phone> visitor_;
  std::map<std::string, Request> requests_;
  std::map<std::string, Call> calls_;
  std::mt19937 random_{20261124};  // the same run every time, as far as the load goes
  std::exponential_distribution<double> exponential_{1.0};
  std::string run_ = fmt::format("s{:x}x", ::getpid());
  std::uint64_t last_id_ = 0;
  bool flowing_ = false;
  std::vector<pid_t> processes_;
  std::size_t descriptors_ = 0;
  Clock::time_point started_{};
  std::vector<Sample> samples_;
  std::uint64_t cpu_ = 0;
  OwnMemory memory_at_end_{};
  std::size_t opened_ = 0, departures_ = 0, messages_ = 0, answered_ = 0, started_calls_ = 0, ended_calls_ = 0, dropped_calls_ = 0;
  std::vector<std::string> complaints_;
};

Options read_options(WordReader& words) {
  Options options;
  while (const auto option = words.next()) {
    if (*option == "--sipwsd") {
      options.sipwsd = words.value();
    } else if (*option == "--minutes") {
      options.minutes = words.number();
    } else if (*option == "--phones") {
      options.phones = words.number();
    } else if (*option == "--scale") {
      options.scale = words.number();
    } else if (*option == "--ws-only") {
      options.ws_only = true;
    } else {
      throw std::runtime_error("unknown option " + *option);
    }
  }
  options.more = words.rest();
  return options;
}

constexpr LongRun long_run = {
    "soak",
    "  --sipwsd PROGRAM  the daemon (build/sipwsd)\n"
    "  --minutes N       how long (30)\n"
    "  --phones N        how many come and go (300)\n"
    "  --scale N         how many times as much of everything a second (1)\n"
    "  --ws-only         nobody speaks TLS\n",
};

int run(int count, char** words) {
  return run_in_folder(long_run, {words + 1, words + count}, [](WordReader& reader, const std::string& folder) {
    return Soak(read_options(reader), folder).run();
  });
}

}  // namespace
}  // namespace sipwsd::bench

int main(int count, char** words) { return sipwsd::bench::run(count, words); }
