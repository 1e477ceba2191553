// A routing stage of somebody else's, built with nothing but the contract's headers. SIP clients can register and reach
// each other; for a client without a sub-protocol it is an echo that also does what a test tells it to. The end of every
// connection is written to a file (the argument): one line in one write, so that lines of several workers don't mix.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "sipwsd/plugin.h"

// The daemon's test build has places to die at (shm/kill_point.h); the plain one has this function too, doing nothing.
namespace sipwsd::shm {
enum class KillPoint : int;
[[gnu::weak]] void arm_kill_point(KillPoint point, int times) noexcept;
}  // namespace sipwsd::shm

namespace {

using sipwsd::Verdict;

class ExampleStage final : public sipwsd::RoutingStage {
 public:
  explicit ExampleStage(const char* path) : path_(path) {}
  std::string_view name() const noexcept override { return "example"; }
  bool needs_sub_protocol() const noexcept override { return false; }

  Verdict on_data(sipwsd::DataExchange& exchange) override {
    if (exchange.arrival().sub_protocol == sipwsd::SubProtocol::sip) return Verdict::next;
    const std::string said(exchange.bytes());
    int point = 0, times = 0;
    if (said == "crash") raise(SIGSEGV);
    if (said == "exec") execl("/bin/true", "true", nullptr);
    if (said == "throw") throw std::runtime_error("as asked");
    if (said == "bye") {
      exchange.close(4001, "as asked");
      return Verdict::handled;
    }
    if (std::sscanf(said.c_str(), "arm %d %d", &point, &times) == 2 && sipwsd::shm::arm_kill_point != nullptr)
      sipwsd::shm::arm_kill_point(static_cast<sipwsd::shm::KillPoint>(point), times);
    static_cast<void>(exchange.send(exchange.bytes(), exchange.is_text()));
    return Verdict::handled;
  }

  Verdict on_http(sipwsd::HttpExchange& exchange) override {
    if (exchange.is_upgrade() || exchange.target() != "/hello") return Verdict::next;
    const sipwsd::HeaderLine headers[] = {{"Content-Type", "text/plain"}};
    exchange.reply(200, "OK", headers, "hello from a plug-in\n");
    return Verdict::handled;
  }

  Verdict on_request(sipwsd::RequestExchange& exchange) override {
    const auto method = exchange.message().method();
    if (exchange.has_to_tag() && method != "REGISTER") {
      if (!exchange.relay_in_dialog()) exchange.reply(481, "");
      return Verdict::handled;
    }
    if (method == "REGISTER") {
      exchange.save_registration();
      return Verdict::handled;
    }
    const auto targets = exchange.lookup(exchange.message().request_uri());
    if (!targets || targets->empty()) return Verdict::next;
    exchange.relay(*targets);
    return Verdict::handled;
  }

  void on_closed(const sipwsd::ClosedConnection& closed) override {
    if (path_.empty()) return;
    const std::string line = std::to_string(number(closed.id)) + " " + std::to_string(closed.remote.port) + " " +
                             std::string(closed.cause) + "\n";
    const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    [[maybe_unused]] const auto written = write(file, line.data(), line.size());
    close(file);
  }

 private:
  std::string path_;
};

// "none" is an argument it can make nothing of.
sipwsd::RoutingStage* create(const char* argument) {
  return std::string_view(argument) == "none" ? nullptr : new ExampleStage(argument);
}
void destroy(sipwsd::RoutingStage* stage) { delete stage; }

}  // namespace

SIPWSD_PLUGIN("example", create, destroy);
