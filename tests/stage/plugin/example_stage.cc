// A routing stage of somebody else's, built with nothing but the contract's headers: records every connection's end in a
// file (the argument), one line in one write, so that lines of several workers don't mix. Everything else it leaves to
// the default replies; a data message "crash" ends the worker, and "throw" tests that an exception stays inside.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

#include "sipwsd/plugin.h"

namespace {

class ExampleStage final : public sipwsd::RoutingStage {
 public:
  explicit ExampleStage(const char* path) : path_(path) {}
  std::string_view name() const noexcept override { return "example"; }
  bool needs_sub_protocol() const noexcept override { return false; }

  sipwsd::Verdict on_data(sipwsd::DataExchange& exchange) override {
    if (exchange.bytes() == "crash") raise(SIGSEGV);
    if (exchange.bytes() == "throw") throw std::runtime_error("as asked");
    if (exchange.bytes() == "bye") {
      exchange.close(4001, "as asked");
      return sipwsd::Verdict::handled;
    }
    static_cast<void>(exchange.send(exchange.bytes(), exchange.is_text()));
    return sipwsd::Verdict::handled;
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

sipwsd::RoutingStage* create(const char* argument) { return new ExampleStage(argument); }
void destroy(sipwsd::RoutingStage* stage) { delete stage; }

}  // namespace

SIPWSD_PLUGIN("example", create, destroy);
