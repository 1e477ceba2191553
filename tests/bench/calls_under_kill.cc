// calls-under-kill: phones call each other through two workers while every second one of the workers is killed (-9).
// What must hold, and decides the exit status:
//  1. A call whose two connections both live from INVITE to the BYE's answer completes: 180, 200, ACK, talk, BYE, 200,
//     the callee or the caller hanging up. Other calls may fail; they are counted as lost with their connection.
//  2. Connections that died are open and registered again soon (reported: how soon).
//  3. The FIFO answers every second, and lists a new process in the killed worker's place.
//  4. Every connection that was open has exactly one closed event in the end, and no record of it is left.
//  5. SIGTERM afterwards ends the daemon with status 0, and none of its processes stays.
// One thread, no sleeps: the load is paced by timers, everything has a deadline.
//
// Options: calls-under-kill --help.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>

#include "src/base/text.h"
#include "tests/bench/daemon.h"
#include "tests/bench/fifo_client.h"
#include "tests/bench/long_run.h"
#include "tests/bench/phone.h"
#include "tests/bench/process_cost.h"

namespace sipwsd::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Options {
  std::string sipwsd = "build/sipwsd";
  std::size_t calls = 1000;
  std::size_t seconds = 20;
  std::size_t phones = 120;
  std::vector<std::string> more;
};

// Between "the call went wrong" and the verdict: the connection that explains it may be seen to end a little later.
constexpr auto benefit_of_doubt = 1500ms;
constexpr auto step_deadline = 5s;
constexpr auto fifo_deadline = 1000ms;

// The value of `group:name = value`; nothing when the reply has no such line.
std::optional<std::uint64_t> statistic(const std::string& reply, std::string_view name) {
  const auto at = reply.find(fmt::format("{} = ", name));
  if (at == std::string::npos) return std::nullopt;
  const auto value = std::string_view(reply).substr(at + name.size() + 3);
  return base::parse_decimal<std::uint64_t>(base::trim(value.substr(0, value.find('\n'))));
}

// `Process::  ID=<n> PID=<pid> Type=worker <slot>` lines: pid by slot.
std::map<int, pid_t> workers_of(const std::string& ps) {
  std::map<int, pid_t> workers;
  for (const auto line : base::split(ps, '\n')) {
    int id = 0, pid = 0, slot = 0;
    if (std::sscanf(std::string(line).c_str(), "Process:: ID=%d PID=%d Type=worker %d", &id, &pid, &slot) == 3)
      workers[slot] = pid;
  }
  return workers;
}

class CallsUnderKill final : public Phone::Owner {
 public:
  explicit CallsUnderKill(Options options) : options_(std::move(options)) {}

  bool run(const std::string& folder) {
    start_daemon(folder);
    open_phones();
    const auto start = Clock::now();
    schedule_kills();
    schedule_calls();
    const auto all_over = [this] { return started_ == options_.calls && calls_.empty() && kills_ == options_.seconds; };
    if (!loop_.run_until(all_over, std::chrono::seconds(options_.seconds) + 60s)) complain("not over in time");
    seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
    if (!loop_.run_until([this] { return all_ready(); }, 10s)) complain("not all phones are back");
    close_phones();
    compare_statistics();
    stop_daemon();
    report();
    return complaints_.empty();
  }

 private:
  enum class PhoneState { down, opening, registering, ready };
  struct PhoneRecord {
    std::unique_ptr<Phone> phone;
    PhoneState state = PhoneState::down;
    std::uint32_t cseq = 0;
    Clock::time_point lost_at{};
  };

  struct Call {
    std::size_t caller = 0, callee = 0;
    bool ringing = false, answered = false, acknowledged = false;
    bool callee_hangs_up = false;
    bool suspect = false;
    milliseconds ring_time{}, talk_time{};
    std::string invite{};  // as the callee got it: it answers later
    Dialog caller_dialog{}, callee_dialog{};
  };

  // --- the daemon

  void start_daemon(const std::string& folder) {
    const auto fifo = folder + "/fifo";
    std::vector<std::string> command = {options_.sipwsd, "-F", "--listen", "ws:127.0.0.1:0", "--workers", "2",
                                        "--alias", "example.com", "--auth-mode", "none", "--fifo", fifo,
                                        // The default throttles a slot that dies more than 5 times a minute.
                                        "--restart-burst", "1000"};
    command.insert(command.end(), options_.more.begin(), options_.more.end());
    daemon_ = std::make_unique<Daemon>(loop_, command, folder + "/sipwsd.log");
    loop_.run_until([this] { return daemon_->is_ready() || daemon_->is_gone(); }, 10s);
    if (!daemon_->is_ready()) throw std::runtime_error("sipwsd did not become ready");
    target_.port = daemon_->port();
    fifo_ = std::make_unique<FifoClient>(loop_, fifo, "/tmp/");
  }

  void stop_daemon() {
    const auto processes = process_tree(daemon_->pid());
    const auto status = daemon_->stop(10s);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) complain("SIGTERM did not end the daemon with 0");
    for (const auto process : processes)
      if (::kill(process, 0) == 0 || errno != ESRCH) complain(fmt::format("process {} outlived the daemon", process));
  }

  // --- phones

  void open_phones() {
    for (std::size_t i = 0; i < options_.phones; ++i) {
      phones_.push_back({.phone = std::make_unique<Phone>(loop_, *this, i)});
      open(phones_.back());
    }
    if (!loop_.run_until([this] { return all_ready(); }, 10s))
      throw std::runtime_error("the phones could not register");
  }

  void open(PhoneRecord& record) {
    record.state = PhoneState::opening;
    record.phone->connection().open(target_);
    watch_step(record.phone->number());
  }

  // A phone that is not back in time is a failure of the daemon, too.
  void watch_step(std::size_t number) {
    loop_.after(step_deadline, [this, number, generation = phones_[number].phone->connection().generation()] {
      auto& record = phones_[number];
      if (record.state == PhoneState::ready || record.state == PhoneState::down) return;
      if (record.phone->connection().generation() != generation) return;
      complain(fmt::format("{} was not open and registered within {} s", record.phone->user(),
                           std::chrono::seconds(step_deadline).count()));
      record.phone->connection().fail("not registered in time");
    });
  }

  bool all_ready() const {
    return std::all_of(phones_.begin(), phones_.end(), [](const auto& r) { return r.state == PhoneState::ready; });
  }

  void on_open(Phone& phone) override {
    ++opened_;
    auto& record = phones_[phone.number()];
    record.state = PhoneState::registering;
    phone.send_register(++record.cseq, branch("r"), 600);
  }

  void on_registered(PhoneRecord& record, const SipMessage& response) {
    if (response.status != 200) return complain(fmt::format("REGISTER answered {}", response.status));
    if (!response.contact.starts_with(fmt::format("<{}>", record.phone->contact_uri())))
      complain(fmt::format("REGISTER answered with Contact {}", response.contact));
    if (record.state != PhoneState::registering) return;
    record.state = PhoneState::ready;
    if (record.lost_at != Clock::time_point{})
      back_after_ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - record.lost_at).count());
  }

  void on_ended(Phone& phone, const Ending& ending) override {
    auto& record = phones_[phone.number()];
    if (closing_) {
      ++closed_;
      if (!ending.clean || ending.close_code != 1000)
        complain(fmt::format("{} closed with {} {}", phone.user(), ending.close_code, ending.why));
      record.state = PhoneState::down;
      return;
    }
    if (ending.was_open) {
      ++lost_;
      record.lost_at = Clock::now();
    } else {
      ++lost_in_handshake_;
    }
    if (ending.close_code != 0) complain(fmt::format("{} was sent Close {}", phone.user(), ending.close_code));
    for (auto call = calls_.begin(); call != calls_.end();) {
      const bool its = call->second.caller == phone.number() || call->second.callee == phone.number();
      if (its) ++lost_calls_;
      call = its ? calls_.erase(call) : std::next(call);
    }
    record.state = PhoneState::down;
    // Not from within the ending of the old one.
    loop_.after(ending.was_open ? 0ms : 10ms, [this, number = phone.number()] {
      if (!closing_) open(phones_[number]);
    });
  }

  void close_phones() {
    closing_ = true;
    std::size_t open = 0;
    for (auto& record : phones_) {
      if (!record.phone->connection().is_open()) continue;
      record.phone->connection().close(1000);
      ++open;
    }
    if (!loop_.run_until([&] { return closed_ == open; }, 10s)) complain("not every Close was answered");
  }

  void on_garbage(Phone& phone, std::string_view bytes) override {
    complain(fmt::format("{} got what is not SIP: {}", phone.user(), bytes.substr(0, 100)));
  }

  // --- kills, and the FIFO's answer every second

  void schedule_kills() {
    for (std::size_t i = 0; i < options_.seconds; ++i)
      loop_.after(std::chrono::seconds(i + 1), [this, slot = static_cast<int>(i % 2)] { kill_worker(slot); });
  }

  void kill_worker(int slot) {
    fifo_->ask("ps", {}, fifo_deadline, [this, slot](const std::optional<std::string>& reply) {
      ++kills_;
      if (!reply || !reply->starts_with("200 "))
        return complain(fmt::format("ps answered '{}'", reply.value_or("nothing")));
      ++fifo_answers_;
      const auto workers = workers_of(*reply);
      const auto worker = workers.find(slot);
      if (worker == workers.end()) return complain(fmt::format("ps lists no worker {}: {}", slot, *reply));
      if (worker->second == killed_[static_cast<std::size_t>(slot)])
        return complain(fmt::format("worker {} has not been replaced", slot));
      // Only ever a process of our own daemon.
      const auto tree = process_tree(daemon_->pid());
      if (worker->second == daemon_->pid() || std::find(tree.begin(), tree.end(), worker->second) == tree.end())
        return complain(fmt::format("process {} is not the daemon's child", worker->second));
      killed_[static_cast<std::size_t>(slot)] = worker->second;
      ++killed_count_;
      ::kill(worker->second, SIGKILL);
    });
  }

  // --- calls

  void schedule_calls() {
    const auto pace =
        std::chrono::nanoseconds(std::chrono::seconds(options_.seconds)) / static_cast<long>(options_.calls);
    for (std::size_t i = 0; i < options_.calls; ++i) loop_.after(pace * static_cast<long>(i), [this] { start_call(); });
  }

  void start_call() {
    std::vector<std::size_t> ready;
    for (const auto& record : phones_)
      if (record.state == PhoneState::ready) ready.push_back(record.phone->number());
    if (ready.size() < 2) {
      loop_.after(10ms, [this] { start_call(); });
      return;
    }
    const auto caller = ready[random_() % ready.size()];
    auto callee = caller;
    while (callee == caller) callee = ready[random_() % ready.size()];
    const auto id = fmt::format("{}k{:06}", run_, ++started_);
    calls_[id] = Call{.caller = caller,
                      .callee = callee,
                      .callee_hangs_up = random_() % 2 == 0,
                      .ring_time = milliseconds(random_() % 150),
                      .talk_time = milliseconds(50 + random_() % 500)};
    phones_[caller].phone->send_invite(*phones_[callee].phone, id, branch("i"));
    expect_step(id, "no 200 to INVITE", [](const Call& call) { return call.answered; });
  }

  // Unless `done` by then, the call is suspect.
  template <typename Done>
  void expect_step(const std::string& id, std::string_view otherwise, Done done) {
    loop_.after(step_deadline, [this, id, otherwise = std::string(otherwise), done] {
      const auto call = calls_.find(id);
      if (call != calls_.end() && !done(call->second)) suspect(id, otherwise);
    });
  }

  void suspect(const std::string& id, const std::string& why) {
    const auto found = calls_.find(id);
    if (found == calls_.end() || found->second.suspect) return;
    found->second.suspect = true;
    loop_.after(benefit_of_doubt, [this, id, why] {
      const auto call = calls_.find(id);
      if (call == calls_.end()) return;  // a connection of it did end
      ++failed_;
      complain(fmt::format("call {} from {} to {}, both connected all the time: {}", id,
                           phones_[call->second.caller].phone->user(), phones_[call->second.callee].phone->user(),
                           why));
      calls_.erase(call);
    });
  }

  void on_message(Phone& phone, const SipMessage& message) override {
    if (message.method == "REGISTER" && !message.is_request()) return on_registered(phones_[phone.number()], message);
    const auto call = calls_.find(std::string(message.call_id));
    if (call == calls_.end()) {
      // Of a call that is over for us, because the other side's connection died. The transaction wants an answer.
      if (message.is_request() && message.method != "ACK")
        phone.send_response(message, 481, "Call Does Not Exist", "gone", Phone::Body::none);
      return;
    }
    if (message.is_request()) return on_request(phone, message, call->first, call->second);
    if (message.status >= 300)
      return suspect(call->first, fmt::format("{} answered {}", message.method, message.status));
    if (message.method == "BYE") return on_bye_answered(call->first);
    if (message.status > 100 && message.status < 200) call->second.ringing = true;
    if (message.status >= 200 && !call->second.answered) on_answered(phone, message, call->first, call->second);
  }

  void on_request(Phone& phone, const SipMessage& request, const std::string& id, Call& call) {
    const auto tag = "t" + id;
    if (request.method == "INVITE") {
      if (phone.number() != call.callee) return suspect(id, "INVITE at " + phone.user());
      call.invite = request.bytes;
      call.callee_dialog = callee_dialog(request, tag);
      phone.send_response(request, 180, "Ringing", tag, Phone::Body::none);
      loop_.after(call.ring_time, [this, id] { answer(id); });
    } else if (request.method == "ACK") {
      if (phone.number() != call.callee) return suspect(id, "ACK at " + phone.user());
      call.acknowledged = true;
    } else if (request.method == "BYE") {
      if (phone.number() != (call.callee_hangs_up ? call.caller : call.callee))
        return suspect(id, "BYE at " + phone.user());
      if (!call.acknowledged) return suspect(id, "BYE without ACK");
      phone.send_response(request, 200, "OK", tag, Phone::Body::none);
    } else {
      suspect(id, fmt::format("a {}", request.method));
    }
  }

  void answer(const std::string& id) {
    const auto call = calls_.find(id);
    if (call == calls_.end()) return;
    const auto invite = parse_sip(call->second.invite);
    if (invite) phones_[call->second.callee].phone->send_response(*invite, 200, "OK", "t" + id, Phone::Body::sdp);
  }

  void on_answered(Phone& phone, const SipMessage& ok, const std::string& id, Call& call) {
    call.answered = true;
    if (!call.ringing) return suspect(id, "200 without 180");
    if (tag_of(ok.to) != "t" + id) return suspect(id, fmt::format("200 with To {}", ok.to));
    call.caller_dialog = caller_dialog(ok);
    phone.send_in_dialog(call.caller_dialog, "ACK", 1, branch("a"));
    loop_.after(call.talk_time, [this, id] { hang_up(id); });
  }

  void hang_up(const std::string& id) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    const auto& call = found->second;
    if (!call.acknowledged) return suspect(id, "no ACK");
    auto& phone = *phones_[call.callee_hangs_up ? call.callee : call.caller].phone;
    phone.send_in_dialog(call.callee_hangs_up ? call.callee_dialog : call.caller_dialog, "BYE", 2, branch("b"));
    expect_step(id, "no answer to BYE", [](const Call&) { return false; });
  }

  void on_bye_answered(const std::string& id) {
    ++completed_;
    calls_.erase(id);
  }

  // --- the account

  void compare_statistics() {
    // The last closed events may be a moment behind the clients' view.
    const auto least = opened_, most = opened_ + lost_in_handshake_;
    const auto deadline = Clock::now() + 5s;
    bool fits = false;
    while (!fits && Clock::now() < deadline) {
      fifo_->ask("get_statistics", {"all"}, fifo_deadline,
                 [this](const std::optional<std::string>& reply) { statistics_ = reply.value_or(""); });
      loop_.run_until([this] { return !fifo_->is_busy(); }, 2s);
      const auto events = statistic(statistics_, "closed_events");
      fits = events && *events >= least && *events <= most && statistic(statistics_, "ws_current_connections") == 0;
      if (!fits) loop_.run_until([] { return false; }, 50ms);
    }
    // Once more, later: an event too many would come then.
    loop_.run_until([] { return false; }, 300ms);
    fifo_->ask("get_statistics", {"all"}, fifo_deadline,
               [this](const std::optional<std::string>& reply) { statistics_ = reply.value_or(""); });
    loop_.run_until([this] { return !fifo_->is_busy(); }, 2s);
    closed_events_ = statistic(statistics_, "closed_events").value_or(0);
    if (closed_events_ < least || closed_events_ > most)
      complain(fmt::format("{} closed events for {} connections that were open ({} more may have been)", closed_events_,
                           least, lost_in_handshake_));
    if (const auto left = statistic(statistics_, "ws_current_connections"); left != 0)
      complain(fmt::format("{} connection records left", left ? fmt::to_string(*left) : "an unknown number of"));
    if (const auto deaths = statistic(statistics_, "worker_deaths"); deaths != killed_count_)
      complain(fmt::format("{} worker deaths counted, {} killed", deaths.value_or(0), killed_count_));
  }

  void report() {
    std::sort(back_after_ms_.begin(), back_after_ms_.end());
    const auto back = [&](double share) {
      return back_after_ms_.empty()
                 ? 0.0
                 : back_after_ms_[static_cast<std::size_t>(share * static_cast<double>(back_after_ms_.size() - 1))];
    };
    if (completed_ * 5 < options_.calls) complain("fewer than a fifth of the calls completed: the run shows nothing");
    if (lost_ == 0) complain("no connection was lost: the run shows nothing");
    fmt::print(
        "calls={} completed={} lost_with_connection={} failed={} seconds={:.1f}\n"
        "workers_killed={} fifo_answers={} connections_opened={} connections_lost={} lost_in_handshake={} "
        "closed_cleanly={} "
        "closed_events={}\n"
        "back_and_registered_after_ms: p50={:.1f} p99={:.1f} max={:.1f}\n",
        started_, completed_, lost_calls_, failed_, seconds_, killed_count_, fifo_answers_, opened_, lost_,
        lost_in_handshake_, closed_, closed_events_, back(0.5), back(0.99), back(1.0));
    for (std::size_t i = 0; i < std::min<std::size_t>(complaints_.size(), 20); ++i)
      fmt::print("FAILED: {}\n", complaints_[i]);
    if (complaints_.size() > 20) fmt::print("FAILED: and {} more\n", complaints_.size() - 20);
    fmt::print("{}\n", complaints_.empty() ? "passed" : "failed");
  }

  void complain(std::string what) { complaints_.push_back(std::move(what)); }
  std::string branch(std::string_view what) { return fmt::format("{}{}{}", run_, what, ++branches_); }

  Options options_;
  Loop loop_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<FifoClient> fifo_;
  Target target_;
  std::vector<PhoneRecord> phones_;
  std::map<std::string, Call> calls_;
  std::mt19937 random_{20240611};  // the same run every time, as far as the load goes
  std::string run_ = fmt::format("{:x}", ::getpid());
  std::uint64_t branches_ = 0;
  std::array<pid_t, 2> killed_{};
  bool closing_ = false;
  std::size_t started_ = 0, completed_ = 0, lost_calls_ = 0, failed_ = 0;
  std::size_t kills_ = 0, killed_count_ = 0, fifo_answers_ = 0;
  std::size_t opened_ = 0, lost_ = 0, lost_in_handshake_ = 0, closed_ = 0;
  std::uint64_t closed_events_ = 0;
  std::string statistics_;
  double seconds_ = 0;
  std::vector<double> back_after_ms_;
  std::vector<std::string> complaints_;
};

Options read_options(WordReader& words) {
  Options options;
  while (const auto option = words.next()) {
    if (*option == "--sipwsd") {
      options.sipwsd = words.value();
    } else if (*option == "--calls") {
      options.calls = words.number();
    } else if (*option == "--seconds") {
      options.seconds = words.number();
    } else if (*option == "--phones") {
      options.phones = words.number();
    } else {
      throw std::runtime_error("unknown option " + *option);
    }
  }
  options.more = words.rest();
  return options;
}

constexpr LongRun long_run = {
    "calls-under-kill",
    "  --sipwsd PROGRAM  the daemon (build/sipwsd)\n"
    "  --calls N         how many, evenly over the time (1000)\n"
    "  --seconds N       how long; a worker is killed in each (20)\n"
    "  --phones N        how many call each other (120)\n",
};

int run(int count, char** words) {
  return run_in_folder(long_run, {words + 1, words + count}, [](WordReader& reader, const std::string& folder) {
    return CallsUnderKill(read_options(reader)).run(folder);
  });
}

}  // namespace
}  // namespace sipwsd::bench

int main(int count, char** words) { return sipwsd::bench::run(count, words); }
