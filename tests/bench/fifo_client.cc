#include "tests/bench/fifo_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace sipwsd::bench {

FifoClient::FifoClient(Loop& loop, std::string fifo, std::string reply_folder)
    : loop_(loop),
      fifo_(std::move(fifo)),
      reply_name_(fmt::format("sipwsd-bench-{}", ::getpid())),
      reply_path_(std::move(reply_folder) + reply_name_) {}

FifoClient::~FifoClient() { ::unlink(reply_path_.c_str()); }

void FifoClient::ask(const std::string& command, const std::vector<std::string>& arguments,
                     std::chrono::milliseconds deadline, Answer answer) {
  answer_ = std::move(answer);
  received_.clear();
  loop_.after(deadline, [this, question = ++question_] {
    if (question == question_ && answer_) finish(std::nullopt);
  });
  // A new FIFO for every question: a late answer to the one before must not be taken for this one's.
  ::unlink(reply_path_.c_str());
  if (::mkfifo(reply_path_.c_str(), 0660) != 0) return;  // the deadline reports it
  reply_ = Fd(::open(reply_path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!reply_) return;
  loop_.watch(reply_.number(), *this);

  std::string request = fmt::format(":{}:{}\n", command, reply_name_);
  for (const auto& argument : arguments) request += argument + "\n";
  request += "\n";
  const Fd fifo(::open(fifo_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  // One write, below PIPE_BUF: requests of other clients can't come between. A failure shows as no answer.
  if (fifo && ::write(fifo.number(), request.data(), request.size()) < 0) return;
}

void FifoClient::on_ready(std::uint32_t events) {
  std::array<char, 4096> bytes;
  while (reply_) {
    const auto got = ::read(reply_.number(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) {
      received_.append(bytes.data(), static_cast<std::size_t>(got));
      continue;
    }
    // 0 means that nobody has it open for writing: either not yet, or (with EPOLLHUP) no longer.
    if (got == 0 && (events & EPOLLHUP) != 0 && answer_) finish(received_);
    return;
  }
}

void FifoClient::finish(std::optional<std::string> reply) {
  reply_ = Fd();
  std::exchange(answer_, nullptr)(std::move(reply));
}

}  // namespace sipwsd::bench
