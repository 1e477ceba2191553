#pragma once
// The FIFO: reads requests from the daemon's named pipe, one at a time, and writes each reply to the pipe the client made
// (reference/fifo.md; S54). Nothing a client does, or fails to do, blocks this process: a reply pipe nobody opens is
// given up after 0.32 s, one nobody reads after 5 s.

#include <memory>
#include <string>

#include "sipwsd/result.h"
#include "src/mi/command_table.h"
#include "src/mi/fifo_request.h"
#include "src/os/event_loop.h"
#include "src/os/fd.h"

namespace sipwsd::mi {

class FifoFrontend final : private os::Watcher, private os::TimerHandler {
 public:
  // Creates the FIFO at settings.fifo with its owner and mode; needs the rights for that. Errors are start-up errors.
  static Result<std::unique_ptr<FifoFrontend>> create(os::EventLoop& loop, Context& context);
  ~FifoFrontend();  // the FIFO stays: its sandbox lets mi remove no file, the supervisor does when the daemon ends
  FifoFrontend(const FifoFrontend&) = delete;
  FifoFrontend& operator=(const FifoFrontend&) = delete;

 private:
  // The reply pipe of the request that is being carried out.
  struct ReplyPipe final : os::Watcher {
    explicit ReplyPipe(FifoFrontend& f) : frontend(f) {}
    void on_ready(std::uint32_t) override { frontend.write_more(); }
    FifoFrontend& frontend;
    os::Fd fd;
    bool watched = false;
  };

  FifoFrontend(os::EventLoop& loop, Context& context, os::Fd fifo);
  void on_ready(std::uint32_t events) override;
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void take_requests();
  void open_reply();
  void run();
  void answer(std::string text);
  void write_more();
  void finish();

  os::EventLoop& loop_;
  Context& context_;
  os::Fd fifo_;
  FifoReader reader_;
  bool busy_ = false;
  bool taking_ = false;
  std::uint64_t serial_ = 0;   // of the request being carried out: a late answer to an earlier one is ignored
  FifoRequest current_;
  int attempts_ = 0;
  ReplyPipe reply_;
  std::string unsent_;
  os::TimerId timer_ = os::TimerId::none;
};

}  // namespace sipwsd::mi
