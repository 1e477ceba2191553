#pragma once
// One command over the daemon's FIFO, and its reply on standard output (reference FIFO transport).

#include <string>
#include <vector>

namespace sipwsd::ctl {

inline constexpr int no_reply = 2;

// Says why on standard error; what the program then ends with.
int fail(const std::string& why);

struct Pipes {
  std::string fifo;             // the daemon's
  std::string reply_dir;        // where the reply pipe is made
  int seconds = 10;             // to wait for the reply
};
Pipes default_pipes();

// 0 for a 2xx reply, 1 for another one, no_reply.
int ask(const Pipes& pipes, const std::vector<std::string>& words);

}  // namespace sipwsd::ctl
