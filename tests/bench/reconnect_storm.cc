// reconnect-storm: thousands of registered wss clients lose their server: it is stopped with SIGTERM and started again at
// once. They come back as JsSIP 3 does, its back-off included, and register. Reported: when all were there again, from
// SIGTERM, from the start of the new daemon and from the first attempt it could have answered; and what bystanders,
// phones that registered right after the start and send requests all the time, saw meanwhile.
// The exit status is 1 when somebody was not registered again in time or a bystander's request failed; never for a time.
// Clients and server share the processors. The clients are one process; the bystanders another.
//
// Options: reconnect-storm --help.

#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
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

#include "tests/bench/bystanders.h"
#include "tests/bench/certificate.h"
#include "tests/bench/child_process.h"
#include "tests/bench/daemon.h"
#include "tests/bench/health.h"
#include "tests/bench/long_run.h"
#include "tests/bench/phone.h"
#include "tests/bench/process_cost.h"

namespace sipwsd::bench {
namespace {

using namespace std::chrono_literals;

struct Options {
  std::string sipwsd = "build/sipwsd";
  std::size_t clients = 10'000;
  std::size_t workers = 2;
  std::chrono::seconds limit{60};
  bool resume = true, ws_only = false;
  std::vector<std::string> more;
};

// JsSIP 3, Transport.js _reconnect() and Constants.js: whole seconds, doubling, between 2 and 30.
class BackOff {
 public:
  std::chrono::seconds next(std::mt19937& random) {
    ++attempts_;
    std::uniform_real_distribution<double> share(0, 1);
    const double seconds = std::floor(share(random) * std::pow(2.0, attempts_) + 1);
    return std::chrono::seconds(static_cast<int>(std::clamp(seconds, 2.0, 30.0)));
  }
  void connected() { attempts_ = 0; }

 private:
  int attempts_ = 0;
};

// A port nobody has: the daemon must come back on the same one.
std::uint16_t free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

class ReconnectStorm final : public Phone::Owner {
 public:
  ReconnectStorm(Options options, std::string folder)
      : options_(std::move(options)), folder_(std::move(folder)),
        tls_(TlsContext::Version::any, options_.resume ? TlsContext::Resume::yes : TlsContext::Resume::no) {
    target_.port = free_port();
    if (options_.ws_only) return;
    target_.tls = &tls_;
    certificate_ = make_certificate(folder_, KeyKind::ecdsa_p256);
  }

  bool run() {
    start_daemon();
    first_registration();
    restart();
    const auto before = process_cost({daemon_->pid()}).cpu_ns;
    if (!loop_.run_until([this] { return registered_ == members_.size(); }, options_.limit))
      complain(fmt::format("{} of {} registered again after {} s", registered_, members_.size(), options_.limit.count()));
    server_seconds_ = static_cast<double>(process_cost({daemon_->pid()}).cpu_ns - before) / 1e9;
    if (bystanders_ && !loop_.run_until([this] { return bystanders_->is_over(); }, 60s)) complain("the bystanders did not end");
    report();
    over_ = true;
    const auto status = daemon_->stop(30s);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) complain("SIGTERM did not end the daemon with 0");
    for (const auto& complaint : complaints_) fmt::print("FAILED: {}\n", complaint);
    return complaints_.empty();
  }

 private:
  struct Member {
    std::unique_ptr<Phone> phone;
    BackOff back_off{};
    std::uint32_t cseq = 0;
    bool registered = false;
  };

  void start_daemon() {
    const auto listen = fmt::format("{}:127.0.0.1:{}", options_.ws_only ? "ws" : "wss", target_.port);
    std::vector<std::string> command = {options_.sipwsd, "-F", "--listen", listen, "--workers", fmt::to_string(options_.workers),
                                        "--alias", "example.com", "--auth-mode", "none", "--fifo", folder_ + "/fifo", "--reply-dir", folder_ + "/"};
    if (certificate_)
      command.insert(command.end(), {"--tls-certificate", certificate_->certificate_file, "--tls-private-key", certificate_->key_file});
    command.insert(command.end(), options_.more.begin(), options_.more.end());
    daemon_ = std::make_unique<Daemon>(loop_, command, fmt::format("{}/sipwsd-{}.log", folder_, ++starts_));
    started_at_ = Clock::now();
    loop_.run_until([this] { return daemon_->is_ready() || daemon_->is_gone(); }, 30s);
    if (!daemon_->is_ready()) throw std::runtime_error("sipwsd did not become ready");
    ready_at_ = Clock::now();
  }

  // At their leisure: this is not the storm.
  void first_registration() {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < options_.clients; ++i) members_.push_back({.phone = std::make_unique<Phone>(loop_, *this, i)});
    for (std::size_t i = 0; i < std::min<std::size_t>(64, members_.size()); ++i) open_next();
    if (!loop_.run_until([this] { return registered_ == members_.size(); }, 120s))
      throw std::runtime_error(fmt::format("only {} of {} clients could register at first", registered_, members_.size()));
    filling_ = false;
    fmt::print("{} clients registered one after the other in {:.1f} s\n", members_.size(), seconds(Clock::now() - start));
    std::fflush(stdout);
  }

  void open_next() {
    if (next_ < members_.size()) open(next_++);
  }

  void restart() {
    stopped_at_ = Clock::now();
    ::kill(daemon_->pid(), SIGTERM);
    // It ends in its own time: the clients are told one after the other. Some are at the door again before it is back.
    if (!loop_.run_until([this] { return daemon_->is_gone(); }, 120s)) complain("the daemon did not end after SIGTERM");
    const auto status = daemon_->stop(10s);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) complain("SIGTERM did not end the daemon with 0");
    opened_ = refused_ = attempts_ = resumed_ = 0;
    storm_ = true;
    start_daemon();
    bystanders_ = std::make_unique<ChildProcess>(loop_, [this] { return watch(); });
  }

  // In a process of its own.
  std::string watch() {
    TlsContext tls;
    Loop loop;
    auto target = target_;
    if (target.tls != nullptr) target.tls = &tls;
    Bystanders bystanders(loop, target, target, {.staying = 50, .coming_and_going = 0, .first_number = options_.clients, .interval = 100ms, .deadline = 20s});
    if (!bystanders.start(30s)) return "the bystanders could not register\n";
    bystanders.begin();
    loop.run_until([] { return false; }, 10s);
    const auto seen = bystanders.finish();
    std::string text = fmt::format("bystanders: {} of {} requests answered, p50 {:.1f} ms, p99 {:.1f} ms, max {:.0f} ms, {} connections lost\n", seen.answered,
                                   seen.requests, seen.p50_ms, seen.p99_ms, seen.max_ms, seen.lost);
    if (!seen.everything() || seen.lost > 0) text += "FAILED\n";
    for (const auto& complaint : seen.complaints) text += complaint + "\n";
    return text;
  }

  void open(std::size_t which) {
    auto target = target_;
    target.source = fmt::format("127.3.{}.{}", which / 250, 1 + which % 250);
    if (storm_) {
      ++attempts_;
      if (first_attempt_at_ == Clock::time_point{}) first_attempt_at_ = Clock::now();
    }
    members_[which].phone->connection().open(target);
  }

  void on_open(Phone& phone) override {
    auto& member = members_[phone.number()];
    member.back_off.connected();
    ++member.cseq;
    ++opened_;
    if (phone.connection().was_resumed()) ++resumed_;
    phone.send_register(member.cseq, fmt::format("r{}x{}", phone.number(), member.cseq), 3600);
  }

  void on_message(Phone& phone, const SipMessage& message) override {
    auto& member = members_[phone.number()];
    if (message.is_request() || message.method != "REGISTER" || member.registered) return;
    if (message.status != 200) return complain(fmt::format("REGISTER answered {}", message.status));
    member.registered = true;
    ++registered_;
    if (storm_) back_at_.push_back(Clock::now());
    if (filling_) open_next();
  }

  void on_ended(Phone& phone, const Ending& ending) override {
    if (over_) return;
    auto& member = members_[phone.number()];
    if (member.registered) {
      --registered_;
      member.registered = false;
      if (storm_) complain(fmt::format("{} lost its new connection: Close {} {}", phone.user(), ending.close_code, ending.why));
      ++closes_[ending.close_code];
    } else {
      ++refused_;
      ++reasons_[ending.why.empty() ? "ended by the server before it was registered" : ending.why];
    }
    loop_.after(member.back_off.next(random_), [this, which = phone.number()] {
      if (!over_) open(which);
    });
  }

  void on_garbage(Phone& phone, std::string_view bytes) override { complain(fmt::format("{} got {}", phone.user(), bytes.substr(0, 80))); }

  void report() {
    const auto after = [](Clock::time_point at, Clock::time_point since) { return seconds(at - since); };
    std::sort(back_at_.begin(), back_at_.end());
    const auto share = [&](double part) { return back_at_[static_cast<std::size_t>(part * static_cast<double>(back_at_.size() - 1))]; };
    fmt::print("daemon: {:.2f} s from SIGTERM to its end and the next start, ready {:.2f} s later\n", after(started_at_, stopped_at_),
               after(ready_at_, started_at_));
    if (!back_at_.empty()) {
      fmt::print("all {} registered again: {:.2f} s after SIGTERM, {:.2f} s after the start, {:.2f} s after the first attempt\n", back_at_.size(),
                 after(back_at_.back(), stopped_at_), after(back_at_.back(), started_at_), after(back_at_.back(), first_attempt_at_));
      fmt::print("after the start: p50 {:.2f} s, p90 {:.2f} s, p99 {:.2f} s\n", after(share(0.5), started_at_), after(share(0.9), started_at_),
                 after(share(0.99), started_at_));
    }
    fmt::print("attempts {}, opened {} ({} resumed), ended before they were registered {}; server CPU {:.2f} s\n", attempts_, opened_, resumed_, refused_,
               server_seconds_);
    // Why the new daemon let somebody down, in its own words.
    FifoClient fifo(loop_, folder_ + "/fifo", folder_ + "/");
    if (const auto statistics = ask_statistics(loop_, fifo))
      for (const auto& [name, value] : *statistics)
        if (value > 0 && (name.starts_with("closed_") || name.starts_with("handshake") || name.find("refus") != std::string::npos ||
                          name.ends_with("worker_stalls")))
          fmt::print("  {} = {}\n", name, value);
    for (const auto& [code, count] : closes_) fmt::print("  closed by the old daemon with {}: {}\n", code, count);
    for (const auto& [why, count] : reasons_) fmt::print("  {} times: {}\n", count, why);
    if (bystanders_) {
      fmt::print("{}", bystanders_->text());
      if (bystanders_->text().find("FAILED") != std::string::npos || !bystanders_->text().starts_with("bystanders:")) complain("a bystander's request failed");
    }
    std::fflush(stdout);
  }

  void complain(std::string what) {
    if (complaints_.size() < 20) complaints_.push_back(std::move(what));
  }

  Options options_;
  std::string folder_;
  Loop loop_;
  TlsContext tls_;
  Target target_;
  std::optional<Certificate> certificate_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<ChildProcess> bystanders_;
  std::vector<Member> members_;
  std::mt19937 random_{20261124};
  bool filling_ = true, storm_ = false, over_ = false;
  std::size_t next_ = 0, registered_ = 0, starts_ = 0;
  std::size_t attempts_ = 0, opened_ = 0, resumed_ = 0, refused_ = 0;
  Clock::time_point stopped_at_{}, started_at_{}, ready_at_{}, first_attempt_at_{};
  std::vector<Clock::time_point> back_at_;
  std::map<std::uint16_t, std::size_t> closes_;
  std::map<std::string, std::size_t> reasons_;
  double server_seconds_ = 0;
  std::vector<std::string> complaints_;
};

Options read_options(WordReader& words) {
  Options options;
  while (const auto option = words.next()) {
    if (*option == "--sipwsd") {
      options.sipwsd = words.value();
    } else if (*option == "--clients") {
      options.clients = words.number();
    } else if (*option == "--workers") {
      options.workers = words.number();
    } else if (*option == "--limit") {
      options.limit = std::chrono::seconds(words.number());
    } else if (*option == "--resume") {
      options.resume = words.value() == "yes";
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
    "reconnect-storm",
    "  --sipwsd PROGRAM  the daemon (build/sipwsd)\n"
    "  --clients N       how many lose their server (10000)\n"
    "  --workers N       of the daemon (2)\n"
    "  --limit SECONDS   for all to be registered again (60)\n"
    "  --resume yes|no   their TLS sessions (yes)\n"
    "  --ws-only         nobody speaks TLS\n",
};

int run(int count, char** words) {
  return run_in_folder(long_run, {words + 1, words + count}, [](WordReader& reader, const std::string& folder) {
    return ReconnectStorm(read_options(reader), folder).run();
  });
}

}  // namespace
}  // namespace sipwsd::bench

int main(int count, char** words) { return sipwsd::bench::run(count, words); }
