#pragma once
// A fixed number of operations, at most `window` of them under way: as one is answered the next is sent. Latencies and
// failures are kept here; what an operation is, a Scenario knows.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/loop.h"

namespace sipwsd::bench {

class ClosedLoop {
 public:
  class Scenario {
   public:
    // Sends the first message of operation `number`; ClosedLoop::finished(number, ...) is called once, not from here.
    virtual void start(std::size_t number) = 0;
    // Operation n is not started before operation n - lanes has ended: for what a client may ask only once at a time.
    virtual std::size_t lanes() const { return static_cast<std::size_t>(-1); }

   protected:
    ~Scenario() = default;
  };
  struct Outcome {
    std::size_t finished = 0;
    std::size_t errors = 0;  // failed, or not answered in time
    std::string first_error;
    double seconds = 0;
    double p50_us = 0, p99_us = 0;
  };

  explicit ClosedLoop(Loop& loop) : loop_(loop) {}

  // Operations are numbered from `first`.
  Outcome run(Scenario& scenario, std::size_t first, std::size_t count, std::size_t window, std::chrono::seconds limit);

  void finished(std::size_t number, std::string_view error = {});
  // The same from within start(), where it would start operation after operation on top of each other.
  void finished_at_once(std::size_t number, std::string error);
  // Something wrong that belongs to no operation, or to one that ended: counted, too.
  void stray(std::string_view error);

 private:
  void start_what_may();
  void note(std::string_view error);

  Loop& loop_;
  Scenario* scenario_ = nullptr;
  std::size_t first_ = 0, count_ = 0, window_ = 0, started_ = 0, ended_ = 0;
  Outcome outcome_;
  struct Operation {
    Clock::time_point start;
    bool under_way = false;
  };
  std::vector<Operation> operations_;
  std::vector<std::uint32_t> latencies_ns_;
};

}  // namespace sipwsd::bench
