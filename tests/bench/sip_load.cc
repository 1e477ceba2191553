// sip-load: drives a SIP-over-WebSocket server and says what an operation cost it. One thread, closed loop, bounded in
// number and time; prints one line of key=value a scenario; exit status 1 when any operation failed, 2 when it could
// not begin. Example, against whatever runs as process 4711 (its children are counted, too):
//
//   sip-load --target 127.0.0.1:8080 --server-pid 4711 ping:20000 options:20000 register:10000 message:10000 call:2000
//
// Scenarios: ping options register message call (on --clients registered connections), digest (REGISTER, challenged and
// answered), register-udp, message-udp and call-udp (with --udp PORT: every client, or every callee, is a phone on UDP),
// unanswered (INVITEs to somebody who says nothing: memory, and where 503 begins), connect (whole connections,
// one after the other in as many slots as the window), tls (the same without WebSocket: only with --tls), idle (that
// many connections at once: memory). COUNT@WINDOW says how many operations are under way at once; @1 shows what an
// operation costs when the server sleeps between two.
// --tls any|1.2|1.3 speaks wss; with --resume yes every connection but the first must resume a session.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

#include "src/base/text.h"
#include "tests/bench/process_cost.h"
#include "tests/bench/scenarios.h"
#include "tests/bench/tls_handshakes.h"

namespace sipwsd::bench {
namespace {

struct Wanted {
  std::string name;
  std::size_t count = 0;
  std::size_t window = 0;
};

struct Options {
  Target target;
  std::vector<pid_t> servers;
  std::size_t clients = 64;
  std::size_t window = 32;
  std::chrono::seconds limit{60};
  std::optional<TlsContext::Version> tls;
  TlsContext::Resume resume = TlsContext::Resume::no;
  std::vector<Wanted> scenarios;
};

std::uint64_t number(std::string_view text) {
  const auto value = base::parse_decimal<std::uint64_t>(text);
  if (!value) throw std::runtime_error(fmt::format("'{}' is not a number", text));
  return *value;
}

// NAME:COUNT or NAME:COUNT@WINDOW
Wanted parse_scenario(std::string_view word, std::size_t default_window) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) throw std::runtime_error(fmt::format("'{}': say SCENARIO:COUNT[@WINDOW]", word));
  const auto count = word.substr(colon + 1);
  const auto at = count.find('@');
  return {
      .name = std::string(word.substr(0, colon)),
      .count = number(count.substr(0, at)),
      .window = at == std::string_view::npos ? default_window : std::max<std::size_t>(1, number(count.substr(at + 1)))};
}

Options parse_options(const std::vector<std::string_view>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    if (!word.starts_with("--")) {
      options.scenarios.push_back(parse_scenario(word, options.window));
      continue;
    }
    if (++i == words.size()) throw std::runtime_error(fmt::format("{} wants a value", word));
    const auto value = words[i];
    if (word == "--target") {
      const auto colon = value.rfind(':');
      options.target.address = value.substr(0, colon);
      options.target.port = static_cast<std::uint16_t>(number(value.substr(std::min(value.size(), colon + 1))));
    } else if (word == "--udp") {
      options.target.udp_port = static_cast<std::uint16_t>(number(value));
    } else if (word == "--server-pid") {
      options.servers.push_back(static_cast<pid_t>(number(value)));
    } else if (word == "--clients") {
      options.clients = std::max<std::size_t>(2, number(value) / 2 * 2);
    } else if (word == "--window") {
      options.window = std::max<std::size_t>(1, number(value));
    } else if (word == "--tls") {
      options.tls = value == "1.2" ? TlsContext::Version::tls_1_2 : value == "1.3" ? TlsContext::Version::tls_1_3 : TlsContext::Version::any;
    } else if (word == "--resume") {
      options.resume = value == "yes" ? TlsContext::Resume::yes : TlsContext::Resume::no;
    } else if (word == "--limit") {
      options.limit = std::chrono::seconds(number(value));
    } else {
      throw std::runtime_error(fmt::format("unknown option {}", word));
    }
  }
  if (options.target.port == 0) throw std::runtime_error("--target ADDRESS:PORT is missing");
  return options;
}

enum class Clients { all_ws, callees_udp, all_udp };

Phones make_phones(Loop& loop, Phone::Owner& owner, std::size_t count, Clients clients = Clients::all_ws) {
  Phones phones;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_udp = clients == Clients::all_udp || (clients == Clients::callees_udp && i % 2 == 1);
    // Names of their own: a user with bindings of an earlier set would be called there, too.
    const auto name = clients == Clients::all_ws ? "user" : clients == Clients::all_udp ? "desk" : "mixed";
    phones.push_back(std::make_unique<Phone>(loop, owner, i, name, is_udp ? Phone::Via::udp : Phone::Via::ws));
  }
  return phones;
}

// Owns a phone before any scenario does.
class Nobody final : public Phone::Owner {
 public:
  void on_garbage(Phone&, std::string_view) override {}
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), closed_loop_(loop_) {
    if (options_.tls) options_.target.tls = &tls_.emplace(*options_.tls, options_.resume);
    token_ = fmt::format("{:x}x{:x}", ::getpid(), Clock::now().time_since_epoch().count() & 0xffffffffff);
  }

  bool run() {
    for (const auto& wanted : options_.scenarios) {
      if (!good_) return false;  // what follows would measure a server that has failed, or wait for it
      if (wanted.name == "connect") {
        connect(wanted);
      } else if (wanted.name == "tls") {
        if (!tls_) throw std::runtime_error("scenario tls wants --tls");
        handshakes_.push_back(std::make_unique<TlsHandshakes>(loop_, closed_loop_, options_.target, wanted.window));
        measure(wanted, *handshakes_.back(), 0);
      } else if (wanted.name == "idle") {
        idle(wanted.count);
      } else {
        on_registered_phones(wanted);
      }
    }
    if (good_) close();
    return good_;
  }

 private:
  // A scenario that only prepares or cleans up: its failures count, its cost does not.
  template <typename S>
  ClosedLoop::Outcome run_once(std::string_view what, Phones& phones, std::size_t count) {
    auto& scenario = keep<S>(phones);
    if constexpr (requires { scenario.set_target(options_.target); }) scenario.set_target(options_.target);
    for (auto& phone : phones) phone->set_owner(scenario);
    const auto outcome = closed_loop_.run(scenario, 0, count, 64, options_.limit);
    if (outcome.errors > 0) fail(what, outcome);
    return outcome;
  }

  template <typename S>
  S& keep(Phones& phones) {
    // Kept to the end: a phone calls its owner whenever something comes.
    auto made = std::make_unique<S>(closed_loop_, phones, fmt::format("{}s{}-", token_, scenarios_.size()));
    auto& scenario = *made;
    scenarios_.push_back(std::move(made));
    return scenario;
  }

  void fail(std::string_view what, const ClosedLoop::Outcome& outcome) {
    good_ = false;
    fmt::print(stderr, "{}: {} errors, the first: {}\n", what, outcome.errors, outcome.first_error);
  }

  static Clients clients_of(std::string_view scenario) {
    if (!scenario.ends_with("-udp")) return Clients::all_ws;
    return scenario == "register-udp" ? Clients::all_udp : Clients::callees_udp;
  }

  void close() {
    if (!phones_.empty()) run_once<Closing>("closing", phones_, phones_.size());
    retire_phones();
  }

  void retire_phones() {
    old_phones_.insert(old_phones_.end(), std::make_move_iterator(phones_.begin()), std::make_move_iterator(phones_.end()));
    phones_.clear();
  }

  void on_registered_phones(const Wanted& wanted) {
    const Clients clients = clients_of(wanted.name);
    if (clients != Clients::all_ws && options_.target.udp_port == 0)
      throw std::runtime_error(fmt::format("scenario {} wants --udp", wanted.name));
    if (clients != clients_) close();
    clients_ = clients;
    if (!good_) return;
    if (phones_.empty()) {
      phones_ = make_phones(loop_, nobody_, options_.clients, clients);
      run_once<Opening>("opening", phones_, phones_.size());
      if (!good_) return;
      wanted.name == "digest" ? run_once<DigestRegistrations>("registering", phones_, phones_.size())
                              : run_once<Registrations>("registering", phones_, phones_.size());
      if (!good_) return;
    }
    if (wanted.name == "ping") return measure<Pings>(wanted, phones_);
    if (wanted.name == "options") return measure<OptionsRequests>(wanted, phones_);
    if (wanted.name == "register" || wanted.name == "register-udp") return measure<Registrations>(wanted, phones_);
    if (wanted.name == "digest") return measure<DigestRegistrations>(wanted, phones_);
    if (wanted.name == "message" || wanted.name == "message-udp") return measure<Messages>(wanted, phones_);
    if (wanted.name == "call" || wanted.name == "call-udp") return measure<Calls>(wanted, phones_);
    if (wanted.name == "unanswered") return unanswered(wanted);
    throw std::runtime_error(fmt::format("unknown scenario {}", wanted.name));
  }

  void connect(const Wanted& wanted) {
    slots_ = make_phones(loop_, nobody_, wanted.window);
    measure<Handshakes>(wanted, slots_);
  }

  template <typename S>
  void measure(const Wanted& wanted, Phones& phones) {
    auto& scenario = keep<S>(phones);
    if constexpr (requires { scenario.set_target(options_.target); }) scenario.set_target(options_.target);
    for (auto& phone : phones) phone->set_owner(scenario);
    // Registrations go on with the CSeq after those of `registering`.
    measure(wanted, scenario, phones.size() + registered_);
  }

  template <typename S>
  void measure(const Wanted& wanted, S& scenario, std::size_t first) {
    const auto warm_up = std::max<std::size_t>(options_.clients * 2, wanted.count / 10);
    const auto warm = closed_loop_.run(scenario, first, warm_up, wanted.window, options_.limit);
    if (warm.errors > 0) return fail(wanted.name + " (warm-up)", warm);
    let_server_sleep();
    const auto resumed_before = resumed(scenario);
    const auto before = process_cost(options_.servers);
    const auto own_before = own_cpu_us();
    const auto outcome = closed_loop_.run(scenario, first + warm_up, wanted.count, wanted.window, options_.limit);
    const auto own = own_cpu_us() - own_before;
    let_server_sleep();
    const auto after = process_cost(options_.servers);
    registered_ += warm_up + wanted.count;
    if (outcome.errors > 0) fail(wanted.name, outcome);
    if (const auto again = resumed(scenario); again && *again - *resumed_before != (options_.resume == TlsContext::Resume::yes ? outcome.finished : 0)) {
      good_ = false;
      fmt::print(stderr, "{}: {} of {} sessions were resumed\n", wanted.name, *again - *resumed_before, outcome.finished);
    }
    const auto per_operation = [&](double amount) {
      return amount / static_cast<double>(std::max<std::size_t>(1, outcome.finished));
    };
    fmt::print(
        "scenario={} window={} ops={} errors={} seconds={:.3f} per_second={:.0f} p50_us={:.0f} p99_us={:.0f} "
        "server_cpu_us={:.2f} "
        "server_sleeps={:.2f} client_cpu_us={:.2f} processes={}\n",
        wanted.name, wanted.window, outcome.finished, outcome.errors, outcome.seconds,
        static_cast<double>(outcome.finished) / outcome.seconds, outcome.p50_us, outcome.p99_us,
        per_operation(static_cast<double>(after.cpu_ns - before.cpu_ns) / 1000.0),
        per_operation(static_cast<double>(after.switches - before.switches)), per_operation(own), after.processes);
    std::fflush(stdout);
  }

  void idle(std::size_t count) {
    // The first connections make the server fault in its code and tables: not the price of a connection.
    auto few = make_phones(loop_, nobody_, std::min<std::size_t>(count, 64));
    run_once<Opening>("idle: first opening", few, few.size());
    run_once<Pings>("idle: first ping", few, few.size());
    run_once<Closing>("idle: first closing", few, few.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto before = pss_bytes(options_.servers);

    idle_phones_ = make_phones(loop_, nobody_, count);
    const auto opened = run_once<Opening>("idle: opening", idle_phones_, count);
    // Each must be alive, and what a frame needed must have been given back.
    run_once<Pings>("idle: ping", idle_phones_, count);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto during = pss_bytes(options_.servers);
    const auto closed = run_once<Closing>("idle: closing", idle_phones_, count);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto after = pss_bytes(options_.servers);
    fmt::print(
        "scenario=idle ops={} errors={} seconds={:.3f} clean_closes={} pss_before_kib={} pss_open_kib={} "
        "pss_closed_kib={} "
        "bytes_per_connection={:.0f}\n",
        opened.finished, opened.errors + closed.errors, opened.seconds,
        closed.finished - std::min(closed.errors, closed.finished), before / 1024, during / 1024, after / 1024,
        (static_cast<double>(during) - static_cast<double>(before)) / static_cast<double>(count));
    std::fflush(stdout);
  }

  void unanswered(const Wanted& wanted) {
    auto& scenario = keep<UnansweredInvites>(phones_);
    for (auto& phone : phones_) phone->set_owner(scenario);
    let_server_sleep();
    const auto before = own_memory(options_.servers).total();
    const auto outcome = closed_loop_.run(scenario, 0, wanted.count, wanted.window, options_.limit);
    if (outcome.errors > 0) fail("unanswered", outcome);
    let_server_sleep();
    const auto after = own_memory(options_.servers).total();
    fmt::print(
        "scenario=unanswered ops={} errors={} seconds={:.3f} taken={} taken_before_the_first_refusal={} refused={} "
        "memory_before_kib={} memory_after_kib={} bytes_per_invite={:.0f}\n",
        outcome.finished, outcome.errors, outcome.seconds, scenario.taken(), scenario.taken_before_the_first_refusal(),
        scenario.refused(), before / 1024, after / 1024,
        (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(std::max<std::size_t>(1, scenario.taken())));
    std::fflush(stdout);
    // Who rings for ever is no company for other scenarios.
    scenario.leave();
    if (!loop_.run_until([&] { return scenario.has_left(); }, options_.limit)) throw std::runtime_error("unanswered: connections did not end");
    retire_phones();
  }

  // Of those scenarios that open connections.
  template <typename S>
  static std::optional<std::size_t> resumed(const S& scenario) {
    if constexpr (requires { scenario.resumed(); }) return scenario.resumed();
    return std::nullopt;
  }

  // So that all it did for the last operations is in its account (process_cost.h), and nothing of earlier ones comes.
  static void let_server_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

  static double own_cpu_us() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
  }

  Options options_;
  Loop loop_;
  ClosedLoop closed_loop_;
  Nobody nobody_;
  std::string token_;
  std::optional<TlsContext> tls_;
  Phones phones_, slots_, idle_phones_;
  Phones old_phones_;  // of earlier scenarios: a late datagram still finds its phone
  Clients clients_ = Clients::all_ws;
  std::vector<std::unique_ptr<TlsHandshakes>> handshakes_;
  std::vector<std::unique_ptr<PhoneScenario>> scenarios_;
  std::size_t registered_ = 0;
  bool good_ = true;
};

int run(int count, char** words) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  try {
    return Load(parse_options({words + 1, words + count})).run() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sip-load: {}\n", error.what());
    return 2;
  }
}

}  // namespace
}  // namespace sipwsd::bench

int main(int count, char** words) { return sipwsd::bench::run(count, words); }
