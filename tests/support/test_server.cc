#include "tests/support/test_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sipwsd::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const std::string& what) { throw Disappointed(what + ": " + std::strerror(errno)); }

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2");
  }
};

// Everything the child needs is made before the fork: other threads may hold the allocator's lock.
pid_t start(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment,
            int standard_output, int standard_error) {
  std::vector<std::string> variables;
  for (char** v = environ; *v != nullptr; ++v)
    if (!std::string_view(*v).starts_with("NOTIFY_SOCKET=") && !std::string_view(*v).starts_with("WATCHDOG_"))
      variables.emplace_back(*v);
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> words, vars;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  for (const auto& v : variables) vars.push_back(const_cast<char*>(v.c_str()));
  words.push_back(nullptr);
  vars.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) give_up("fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (standard_output >= 0) dup2(standard_output, 1);
  if (standard_error >= 0) dup2(standard_error, 2);
  execve(words[0], words.data(), vars.data());
  _exit(127);
}

}  // namespace

std::string built(std::string_view name) {
  const char* folder = std::getenv("SIPWSD_BUILD");
  return fs::absolute(std::string(folder != nullptr ? folder : "build") + "/" + std::string(name)).string();
}

Scratch::Scratch() {
  std::string pattern = "/tmp/sipwsd-test-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) give_up("mkdtemp");
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Ended run(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment) {
  const Pipe out, err;
  const pid_t pid = start(command, environment, out.ends[1], err.ends[1]);
  close(out.ends[1]);
  close(err.ends[1]);
  Ended ended;
  std::array<std::string*, 2> texts{&ended.standard_output, &ended.standard_error};
  std::array<pollfd, 2> wait{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
  const Deadline deadline;
  while (wait[0].fd >= 0 || wait[1].fd >= 0) {
    if (poll(wait.data(), 2, deadline.left_ms()) <= 0 && deadline.is_over()) {
      kill(pid, SIGKILL);
      break;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (wait[i].fd < 0 || wait[i].revents == 0) continue;
      std::array<char, 4096> bytes;
      const ssize_t n = read(wait[i].fd, bytes.data(), bytes.size());
      if (n > 0) texts[i]->append(bytes.data(), static_cast<std::size_t>(n));
      else wait[i].fd = -1;
    }
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  close(out.ends[0]);
  close(err.ends[0]);
  ended.exit_code = code_of(status);
  return ended;
}

// --- TestServer ----------------------------------------------------------------------------------------------------

TestServer::TestServer(ServerOptions options) {
  fifo_ = scratch_ / "fifo";
  std::vector<std::string> command{built(options.binary), "-F", "--listen", "ws:127.0.0.1:0", "--max-connections", "1000",
                                   "--alias", "example.org"};
  if (options.workers != 0) command.insert(command.end(), {"--workers", std::to_string(options.workers)});
  if (options.with_fifo) command.insert(command.end(), {"--fifo", fifo_, "--reply-dir", scratch_.path() + "/"});
  // Without root nobody sees the descriptors of a process that isn't dumpable.
  if (geteuid() != 0) command.push_back("--core-dump");
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  const Pipe err;
  pid_ = start(command, options.environment, -1, err.ends[1]);
  close(err.ends[1]);
  reader_ = std::thread([this, fd = err.ends[0]] { read_log(fd); });
  if (!options.wait_until_ready) return;
  try {
    wait_for_log("sipwsd: ready\n");
  } catch (...) {
    reap();
    throw;
  }
  port_ = port_of("ws");
  tls_port_ = port_of("wss");
}

// As the daemon says it at its start; 0 when it does not listen for this.
std::uint16_t TestServer::port_of(std::string_view protocol) const {
  const std::string listening = "sipwsd: listening on " + std::string(protocol) + ":127.0.0.1:";
  const auto text = log();
  std::uint16_t port = 0;
  if (const auto at = text.find(listening); at != std::string::npos)
    std::from_chars(text.data() + at + listening.size(), text.data() + text.size(), port);
  return port;
}

TestServer::~TestServer() { reap(); }

void TestServer::reap() {
  if (pid_ > 0 && !exit_code_) {
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    exit_code_ = code_of(status);
  }
  // Its children hold the pipe for the moment they need to notice.
  if (reader_.joinable()) reader_.join();
}

void TestServer::read_log(int fd) {
  std::array<char, 8192> bytes;
  for (;;) {
    const ssize_t n = read(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    if (n <= 0) log_ended_ = true;
    else log_.append(bytes.data(), static_cast<std::size_t>(n));
    changed_.notify_all();
    if (n <= 0) break;
  }
  close(fd);
}

void TestServer::signal(int number) const { kill(pid_, number); }

int TestServer::wait_for_end() {
  if (exit_code_) return *exit_code_;
  int status = 0;
  wait_until("the daemon ends", [&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  exit_code_ = code_of(status);
  return *exit_code_;
}

int TestServer::stop() {
  signal(SIGTERM);
  return wait_for_end();
}

std::string TestServer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void TestServer::wait_for_log(std::string_view text) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, patience, [&] { return log_.find(text) != std::string::npos || log_ended_; });
  if (!came || log_.find(text) == std::string::npos)
    throw Disappointed("the daemon never said \"" + std::string(text) + "\" but:\n" + log_);
}

// --- the FIFO --------------------------------------------------------------------------------------------------------

MiReplyPipe::MiReplyPipe(std::string path) : path_(std::move(path)) {
  if (mkfifo(path_.c_str(), 0600) != 0) give_up("mkfifo " + path_);
  fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) give_up("open " + path_);
}

MiReplyPipe::~MiReplyPipe() {
  close(fd_);
  unlink(path_.c_str());
}

std::optional<std::string> MiReplyPipe::read_all(std::chrono::milliseconds wait) {
  std::string text;
  Deadline deadline(wait);
  while (!deadline.is_over()) {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, deadline.left_ms()) <= 0) continue;
    std::array<char, 8192> bytes;
    const ssize_t n = read(fd_, bytes.data(), bytes.size());
    if (n > 0) {
      text.append(bytes.data(), static_cast<std::size_t>(n));
      deadline = Deadline();  // it has begun: its end will come
    } else if (n == 0) return text;  // somebody wrote, or opened, and has closed
  }
  return std::nullopt;
}

static int open_and_write(const std::string& fifo, std::string_view bytes) {
  const int fd = open(fifo.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) give_up("open " + fifo);
  if (write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return fd;
  close(fd);
  give_up("write to " + fifo);
}

void write_to_fifo(const std::string& fifo, std::string_view bytes) { close(open_and_write(fifo, bytes)); }

std::string TestServer::mi(const std::string& command, const std::vector<std::string>& arguments) {
  const std::string name = "reply" + std::to_string(++asked_);
  std::string request = ":" + command + ":" + name + "\n";
  for (const auto& argument : arguments) request += argument + "\n";
  MiReplyPipe reply(scratch_ / name);
  const Deadline deadline;
  // A replaced mi process makes the FIFO anew: what was written to the old one is lost, and in between nobody reads.
  // While we hold the old one open, the new one can't have its inode.
  for (;;) {
    int asked = -1;
    try {
      asked = open_and_write(fifo_, request + "\n");
    } catch (const Disappointed&) {
      if (deadline.is_over()) throw;
      poll(nullptr, 0, 5);
      continue;
    }
    struct stat then{}, now{};
    std::optional<std::string> text;
    do text = reply.read_all(std::chrono::milliseconds(500));
    while (!text && !deadline.is_over() && fstat(asked, &then) == 0 && stat(fifo_.c_str(), &now) == 0 && then.st_ino == now.st_ino);
    close(asked);
    if (text) return *text;
    if (deadline.is_over()) throw Disappointed("no reply to " + command + "; log:\n" + log());
  }
}

std::uint64_t TestServer::statistic(const std::string& name) {
  const std::string text = mi("get_statistics", {name});
  const auto at = text.find(" = ");
  if (at == std::string::npos) throw Disappointed("no statistic " + name + ": " + text);
  return std::stoull(text.substr(at + 3));
}

void TestServer::wait_for_statistic(const std::string& name, std::uint64_t value) {
  std::uint64_t last = 0;
  const Deadline deadline;
  while ((last = statistic(name)) != value) {
    if (deadline.is_over()) throw Disappointed(name + " is " + std::to_string(last) + ", not " + std::to_string(value));
    poll(nullptr, 0, 5);
  }
}

std::map<std::string, pid_t> TestServer::processes() {
  std::map<std::string, pid_t> all;
  std::istringstream text(mi("ps"));
  for (std::string line; std::getline(text, line);) {
    const auto pid = line.find(" PID="), type = line.find(" Type=");
    if (pid != std::string::npos && type != std::string::npos) all[line.substr(type + 6)] = std::stoi(line.substr(pid + 5));
  }
  return all;
}

pid_t TestServer::process(const std::string& title, pid_t not_any_more) {
  pid_t found = 0;
  wait_until("there is a process " + title, [&] {
    const auto all = processes();
    const auto at = all.find(title);
    if (at == all.end() || at->second == not_any_more) return false;
    found = at->second;
    return true;
  });
  return found;
}

// The kernel knows which socket it is (/proc/net/tcp), and who has it open.
pid_t TestServer::owner_of(std::uint16_t client_port) {
  std::ifstream sockets("/proc/net/tcp");
  std::string line, inode;
  while (std::getline(sockets, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, skipped, i;
    fields >> number >> local >> remote;
    for (int n = 0; n < 6; ++n) fields >> skipped;
    fields >> i;
    const auto port = [](const std::string& at) {
      const auto colon = at.find(':');
      return colon == std::string::npos ? 0ul : std::stoul(at.substr(colon + 1), nullptr, 16);
    };
    if ((port(local) == port_ || port(local) == tls_port_) && port(remote) == client_port) inode = "socket:[" + i + "]";
  }
  if (inode.empty()) return 0;
  for (const auto& [title, pid] : processes()) {
    if (!title.starts_with("worker")) continue;
    std::error_code gone;
    fs::directory_iterator fd("/proc/" + std::to_string(pid) + "/fd", gone);
    for (; !gone && fd != fs::directory_iterator{}; fd.increment(gone)) {
      std::error_code ignored;
      if (fs::read_symlink(fd->path(), ignored) == inode) return pid;
    }
  }
  return 0;
}

}  // namespace sipwsd::test
