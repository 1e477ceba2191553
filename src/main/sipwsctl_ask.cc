#include "src/main/sipwsctl_ask.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "src/base/random.h"

namespace sipwsd::ctl {
namespace {

// One argument line. What the grammar would read otherwise is quoted; an empty value needs a name.
std::string argument_line(const std::string& value) {
  if (value.empty()) return "value::\n";
  const bool plain = value.find_first_of("\"\n\r") == std::string::npos && value.find("::") == std::string::npos &&
                     std::isspace(static_cast<unsigned char>(value.front())) == 0 &&
                     std::isspace(static_cast<unsigned char>(value.back())) == 0;
  if (plain) return value + "\n";
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"\n";
}

class ReplyFifo {
 public:
  explicit ReplyFifo(std::string directory) {
    if (directory.empty() || directory.back() != '/') directory += '/';
    sipwsd::base::SystemRandom random;
    name_ = "sipwsctl-" + std::to_string(getpid()) + "-" + random.token(8);
    path_ = directory + name_;
    // The daemon may run as another user: it must be able to write, nobody else to read.
    const mode_t before = umask(0);
    made_ = mkfifo(path_.c_str(), 0622) == 0;
    umask(before);
    if (made_) fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  }
  ~ReplyFifo() {
    if (fd_ >= 0) close(fd_);
    if (made_) unlink(path_.c_str());
  }
  ReplyFifo(const ReplyFifo&) = delete;
  ReplyFifo& operator=(const ReplyFifo&) = delete;

  bool is_open() const { return fd_ >= 0; }
  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

  // Everything until the daemon closes its end; false when `seconds` are over first.
  bool read_all(std::string& out, int seconds) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd wait{fd_, POLLIN, 0};
      if (poll(&wait, 1, static_cast<int>(left.count())) <= 0) continue;
      char bytes[8192];
      const ssize_t n = read(fd_, bytes, sizeof bytes);
      if (n > 0) out.append(bytes, static_cast<std::size_t>(n));
      else if (n == 0 && (!out.empty() || (wait.revents & POLLHUP) != 0)) return true;
    }
  }

 private:
  std::string name_, path_;
  bool made_ = false;
  int fd_ = -1;
};

}  // namespace

int fail(const std::string& why) {
  std::fprintf(stderr, "sipwsctl: %s\n", why.c_str());
  return no_reply;
}

Pipes default_pipes() {
  const char* environment = std::getenv("SIPWSD_FIFO");
  return {.fifo = environment != nullptr ? environment : "/run/sipwsd/sipwsd.fifo", .reply_dir = "/tmp/"};
}

int ask(const Pipes& pipes, const std::vector<std::string>& words) {
  const auto& [fifo, reply_dir, seconds] = pipes;
  ReplyFifo reply(reply_dir);
  if (!reply.is_open()) return fail("cannot make the reply pipe " + reply.path() + ": " + std::strerror(errno));
  std::string request = ":" + words[0] + ":" + reply.name() + "\n";
  for (std::size_t i = 1; i < words.size(); ++i) request += argument_line(words[i]);
  request += "\n";
  if (request.size() > PIPE_BUF) return fail("the command is longer than " + std::to_string(PIPE_BUF) + " bytes");
  const int to = open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (to < 0) {
    if (errno == ENXIO) return fail("nobody listens at " + fifo + ": is the daemon running?");
    if (errno == EACCES) return fail("you may not write to " + fifo + ": ask as its owner, or as one of its group (fifo_group)");
    return fail("cannot open " + fifo + ": " + std::strerror(errno) + "; say --fifo PATH as the daemon was told");
  }
  struct stat info{};
  const bool sent = fstat(to, &info) == 0 && S_ISFIFO(info.st_mode) &&
                    write(to, request.data(), request.size()) == static_cast<ssize_t>(request.size());
  close(to);
  if (!sent) return fail(fifo + " is not a FIFO of the daemon, or is full");
  std::string text;
  const bool whole = reply.read_all(text, seconds);
  std::fputs(text.c_str(), stdout);
  if (!whole) return fail("no reply within " + std::to_string(seconds) + " s");
  return text.starts_with('2') ? 0 : 1;
}

}  // namespace sipwsd::ctl
