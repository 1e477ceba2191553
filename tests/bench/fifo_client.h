#pragma once
// The client's side of the management FIFO (`:command:reply`, arguments a line each, an empty line; the reply comes
// through a FIFO the client made), one question at a time, each with a deadline, never blocking the loop.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/loop.h"

namespace sipwsd::bench {

class FifoClient final : private Loop::Watcher {
 public:
  // `reply_folder` is the daemon's reply_dir, with its slash.
  FifoClient(Loop& loop, std::string fifo, std::string reply_folder);
  ~FifoClient();
  FifoClient(const FifoClient&) = delete;
  FifoClient& operator=(const FifoClient&) = delete;

  using Answer = std::function<void(std::optional<std::string> reply)>;  // nothing: no whole answer in time
  void ask(const std::string& command, const std::vector<std::string>& arguments, std::chrono::milliseconds deadline,
           Answer answer);
  bool is_busy() const noexcept { return static_cast<bool>(answer_); }

 private:
  void on_ready(std::uint32_t events) override;
  void finish(std::optional<std::string> reply);

  Loop& loop_;
  std::string fifo_, reply_name_, reply_path_;
  Fd reply_;
  std::string received_;
  Answer answer_;
  std::uint64_t question_ = 0;
};

}  // namespace sipwsd::bench
