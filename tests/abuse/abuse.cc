// abuse: what well-behaved clients see while the daemon is attacked. Starts the real daemon (two workers, ws and wss)
// on loopback, lets twenty bystanders work, and carries out one attack after the other beside them. After each one the
// daemon must be as before: only the bystanders' connections, no descriptor too many, counters that add up.
// The exit status is 1 when a bystander's request failed, when one of them lost its connection (except with its own
// worker), or when the daemon is not healthy. Latencies are only reported: how busy the machine is, is not the
// daemon's fault. One thread, and a process for each attacker; everything has a deadline.
//
// Options: abuse --help.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/abuse/attack.h"
#include "tests/abuse/attacker.h"

#include "tests/bench/bystanders.h"
#include "tests/bench/certificate.h"
#include "tests/bench/child_process.h"
#include "tests/bench/daemon.h"
#include "tests/bench/health.h"
#include "tests/bench/long_run.h"
#include "tests/bench/process_cost.h"

namespace sipwsd::abuse {
namespace {

using bench::Bystanders;
using bench::Clock;
using namespace std::chrono_literals;

struct Options {
  std::string sipwsd = "build/sipwsd";
  std::string only;
  bool quick = false, ws_only = false;
  std::vector<std::string> more;
};

struct Row {
  std::string name, attackers, attackers_saw, health;
  Bystanders::Seen seen;
  bool good = true;
};

// Who is attacked by signals loses the connections of one worker after the other; all else must go on.
struct WorkerAttack {
  std::string_view name;
  int signal;
};
constexpr auto worker_attacks = std::to_array<WorkerAttack>({
    {"a worker gets SIGKILL each second", SIGKILL},
    {"a worker gets SIGSEGV each second", SIGSEGV},
    {"a worker gets SIGSTOP each second", SIGSTOP},
});

class Abuse {
 public:
  Abuse(Options options, std::string folder) : options_(std::move(options)), folder_(std::move(folder)) {
    if (options_.ws_only) return;
    certificate_ = bench::make_certificate(folder_, bench::KeyKind::ecdsa_p256);
    tls_.emplace(bench::TlsContext::Version::any, bench::TlsContext::Resume::yes);
  }

  bool run() {
    // Both are started a second time for the signals: a stopped worker is noticed by its heartbeat, and a heartbeat
    // that must come every second is too much to ask while a neighbour floods two processors.
    if (any_wanted(attacks())) {
      start({});
      calm();
      for (std::size_t i = 0; i < attacks().size(); ++i)
        if (is_wanted(attacks()[i])) carry_out(attacks()[i], i);
      stop();
    }
    if (any_wanted(worker_attacks)) {
      start({"--worker-stall-timeout", "1", "--restart-burst", "1000"});
      for (const auto& attack : worker_attacks)
        if (is_wanted(attack)) carry_out(attack);
      stop();
    }
    report();
    return failed_ == 0;
  }

 private:
  bool named(std::string_view name) const { return name.find(options_.only) != std::string_view::npos; }
  bool is_wanted(const Attack& attack) const {
    return named(attack.name) && (!options_.quick || attack.quick > 0) && (!options_.ws_only || attack.port == Port::ws);
  }
  bool is_wanted(const WorkerAttack& attack) const { return named(attack.name); }
  template <typename Rows>
  bool any_wanted(const Rows& rows) const {
    return std::any_of(rows.begin(), rows.end(), [this](const auto& row) { return this->is_wanted(row); });
  }

  // --- the daemon and its bystanders

  void start(const std::vector<std::string>& more) {
    const auto fifo = folder_ + "/fifo";
    std::vector<std::string> command = {options_.sipwsd, "-F", "--listen", "ws:127.0.0.1:0", "--workers", "2", "--alias",
                                        "example.com", "--auth-mode", "none", "--fifo", fifo, "--reply-dir", folder_ + "/",
                                        // Loopback is exempt from what is by address; nobody here is to be.
                                        "--limits-exempt", "192.0.2.0/24"};
    if (certificate_)
      command.insert(command.end(), {"--listen", "wss:127.0.0.1:0", "--tls-certificate", certificate_->certificate_file, "--tls-private-key",
                                     certificate_->key_file});
    command.insert(command.end(), more.begin(), more.end());
    command.insert(command.end(), options_.more.begin(), options_.more.end());
    daemon_ = std::make_unique<bench::Daemon>(loop_, command, fmt::format("{}/sipwsd-{}.log", folder_, ++starts_));
    loop_.run_until([this] { return daemon_->is_ready() || daemon_->is_gone(); }, 30s);
    if (!daemon_->is_ready()) throw std::runtime_error("sipwsd did not become ready");
    processes_ = bench::process_tree(daemon_->pid());
    fifo_ = std::make_unique<bench::FifoClient>(loop_, fifo, folder_ + "/");
    Bystanders::Plan plan;
    // A tester's machine may stand still for seconds; only an answer that never comes is the daemon's fault.
    if (options_.quick) plan.deadline = 20s;
    bystanders_ = std::make_unique<Bystanders>(loop_, bench::Target{.port = daemon_->port()},
                                               bench::Target{.port = daemon_->tls_port(), .tls = tls_ ? &*tls_ : nullptr}, plan);
    if (!bystanders_->start(30s)) throw std::runtime_error("the bystanders could not all register");
    descriptors_ = bench::descriptors(daemon_->pid());
    left_over_ = 0;
    memory_ = bench::own_memory({daemon_->pid()}).total();
  }

  void stop() {
    bystanders_->stop();
    const auto processes = bench::process_tree(daemon_->pid());
    const auto status = daemon_->stop(20s);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) fail("SIGTERM did not end the daemon with status 0");
    for (const auto process : processes)
      if (::kill(process, 0) == 0 || errno != ESRCH) fail(fmt::format("process {} outlived the daemon", process));
    bystanders_.reset();
    fifo_.reset();
    daemon_.reset();
  }

  // --- one row after the other

  void calm() {
    Row row{.name = "(nothing)", .attackers = "-", .attackers_saw = {}, .health = {}, .seen = {}};
    bystanders_->begin();
    loop_.run_until([] { return false; }, options_.quick ? 500ms : 5000ms);
    row.seen = bystanders_->finish();
    judge(std::move(row));
  }

  void carry_out(const Attack& attack, std::size_t number) {
    const Battlefield field{.ws_port = daemon_->port(),
                            .wss_port = daemon_->tls_port(),
                            .number = number,
                            .connections = options_.quick ? attack.quick : attack.connections,
                            .duration = options_.quick ? 600ms : std::chrono::milliseconds(attack.lasts)};
    Row row{.name = std::string(attack.name), .attackers = fmt::format("{}", field.connections), .attackers_saw = {}, .health = {}, .seen = {}};
    bystanders_->begin();
    {
      bench::ChildProcess attacker(loop_, [&] { return write(abuse::carry_out(attack, field)); });
      if (!loop_.run_until([&] { return attacker.is_over(); }, field.duration + 30s)) row.health = "the attacker did not end; ";
      for (const auto& [what, amount] : read_account(attacker.text())) row.attackers_saw += fmt::format("{}{} {}", row.attackers_saw.empty() ? "" : ", ", what, amount);
    }
    row.seen = bystanders_->finish();
    row.health += recovered();
    if (bench::process_tree(daemon_->pid()) != processes_) row.health += "; not the same processes any more";
    judge(std::move(row));
  }

  void carry_out(const WorkerAttack& attack) {
    const unsigned times = options_.quick ? 2 : 10;
    Row row{.name = std::string(attack.name), .attackers = fmt::format("{} times", times), .attackers_saw = {}, .health = {}, .seen = {}};
    bystanders_->excuse_losses(true);
    bystanders_->begin();
    for (unsigned i = 0; i < times; ++i) {
      const auto worker = bench::ask_worker(loop_, *fifo_, i % 2);
      if (!worker) row.health += "the FIFO did not name the worker; ";
      // Only ever a process of our own daemon.
      const auto tree = bench::process_tree(daemon_->pid());
      if (worker && *worker != daemon_->pid() && std::find(tree.begin(), tree.end(), *worker) != tree.end()) ::kill(*worker, attack.signal);
      loop_.run_until([] { return false; }, 1s);
    }
    row.seen = bystanders_->finish();
    bystanders_->excuse_losses(false);
    row.health += recovered();
    judge(std::move(row));
  }

  // Waits until nothing is left of the attack: empty, or what did not go away. Memory is reported.
  std::string recovered() {
    std::string wrong;
    const auto deadline = Clock::now() + 20s;
    do {
      const auto statistics = bench::ask_statistics(loop_, *fifo_);
      const auto open = bystanders_->open();
      const auto now = bench::descriptors(daemon_->pid());
      if (statistics) forgive_fewer(statistics->at("ws_current_connections") - std::min<std::uint64_t>(open, statistics->at("ws_current_connections")));
      wrong = statistics ? bench::contradiction(*statistics, open + left_over_) : "the FIFO does not answer";
      if (now != descriptors_) wrong += fmt::format("{}{} descriptors, {} before", wrong.empty() ? "" : "; ", now, descriptors_);
      if (!wrong.empty()) loop_.run_until([] { return false; }, 100ms);
      if (!wrong.empty() && Clock::now() >= deadline && statistics) {
        // One row's fault: the next ones are judged by what they leave.
        left_over_ = statistics->at("ws_current_connections") - std::min<std::uint64_t>(open, statistics->at("ws_current_connections"));
        descriptors_ = now;
      }
    } while (!wrong.empty() && Clock::now() < deadline);
    return wrong;
  }

  // What an earlier row left behind may still go.
  void forgive_fewer(std::uint64_t left_over) {
    if (left_over >= left_over_) return;
    descriptors_ -= left_over_ - left_over;
    left_over_ = left_over;
  }

  void judge(Row row) {
    const auto& seen = row.seen;
    row.good = row.health.empty() && seen.everything() && seen.complaints.empty();
    const auto memory = static_cast<std::int64_t>(bench::own_memory({daemon_->pid()}).total()) - static_cast<std::int64_t>(memory_);
    fmt::print("{} {}: {}/{} answered ({} excused), p50 {:.1f} p99 {:.1f} max {:.0f} ms, {} reconnects p99 {:.0f} ms, {} lost, memory {:+} KiB [{}]\n",
               row.good ? "ok    " : "FAILED", row.name, seen.answered, seen.requests, seen.excused, seen.p50_ms, seen.p99_ms, seen.max_ms,
               seen.reconnects, seen.reconnect_p99_ms, seen.lost, memory / 1024, row.attackers_saw);
    for (const auto& complaint : seen.complaints) fmt::print("         {}\n", complaint);
    if (!row.health.empty()) fmt::print("         {}\n", row.health);
    std::fflush(stdout);
    row.health = fmt::format("{:+} KiB", memory / 1024);
    ++(row.good ? passed_ : failed_);
    rows_.push_back(std::move(row));
  }

  void fail(const std::string& what) {
    ++failed_;
    fmt::print("FAILED {}\n", what);
  }

  void report() {
    if (!options_.quick) {
      fmt::print("\n| attack | connections | bystanders' requests | success | p50 ms | p99 ms | max ms | reconnects (p99 ms) | lost | memory since start |\n"
                 "|---|---|---|---|---|---|---|---|---|---|\n");
      for (const auto& row : rows_) {
        const auto wanted = std::max<std::size_t>(1, row.seen.requests - row.seen.excused);
        fmt::print("| {} | {} | {} | {:.2f} % | {:.1f} | {:.1f} | {:.0f} | {} ({:.0f}) | {} | {} |\n", row.name, row.attackers, row.seen.requests,
                   100.0 * static_cast<double>(row.seen.answered) / static_cast<double>(wanted), row.seen.p50_ms, row.seen.p99_ms, row.seen.max_ms,
                   row.seen.reconnects, row.seen.reconnect_p99_ms, row.seen.lost, row.health);
      }
    }
    fmt::print("abuse: {} passed, {} failed\n", passed_, failed_);
  }

  Options options_;
  std::string folder_;
  bench::Loop loop_;
  std::optional<bench::Certificate> certificate_;
  std::optional<bench::TlsContext> tls_;
  std::unique_ptr<bench::Daemon> daemon_;
  std::unique_ptr<bench::FifoClient> fifo_;
  std::unique_ptr<Bystanders> bystanders_;
  std::vector<pid_t> processes_;
  std::size_t descriptors_ = 0, starts_ = 0;
  std::uint64_t left_over_ = 0;  // connections an attack has left, and was blamed for
  std::uint64_t memory_ = 0;
  std::vector<Row> rows_;
  std::size_t passed_ = 0, failed_ = 0;
};

Options read_options(bench::WordReader& words) {
  Options options;
  while (const auto option = words.next()) {
    if (*option == "--sipwsd") {
      options.sipwsd = words.value();
    } else if (*option == "--only") {
      options.only = words.value();
    } else if (*option == "--quick") {
      options.quick = true;
    } else if (*option == "--ws-only") {
      options.ws_only = true;
    } else {
      throw std::runtime_error("unknown option " + *option);
    }
  }
  options.more = words.rest();
  return options;
}

constexpr bench::LongRun long_run = {
    "abuse",
    "  --sipwsd PROGRAM  the daemon (build/sipwsd)\n"
    "  --quick           not all attacks, and each for a moment only\n"
    "  --ws-only         nobody speaks TLS\n"
    "  --only PART       the attacks with this in their name\n",
};

int run(int count, char** words) {
  return bench::run_in_folder(long_run, {words + 1, words + count}, [](bench::WordReader& reader, const std::string& folder) {
    return Abuse(read_options(reader), folder).run();
  });
}

}  // namespace
}  // namespace sipwsd::abuse

int main(int count, char** words) { return sipwsd::abuse::run(count, words); }
