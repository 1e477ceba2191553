#include "src/mi/fifo_frontend.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "src/base/log.h"
#include "src/os/fifo.h"
#include "src/os/privileges.h"

namespace sipwsd::mi {
namespace {

using namespace std::chrono_literals;

constexpr int open_attempts = 5;  // the first and four more
constexpr auto between_attempts = 80ms;
constexpr auto write_within = 5s;

std::string reply_directory(const config::Settings& settings) {
  return settings.reply_dir.empty() || settings.reply_dir.back() == '/' ? settings.reply_dir : settings.reply_dir + "/";
}

// For the log, which escapes it. As long as a request may be, the line is not.
std::string in_one_line(const Request& request) {
  constexpr std::size_t enough = 512;
  std::string line = request.command;
  for (const Argument& argument : request.arguments) {
    line += ' ';
    if (!argument.name.empty()) line.append(argument.name).append("::");
    line.append("\"").append(argument.value).append("\"");
    if (line.size() > enough) return line.substr(0, enough) + "...";
  }
  return line;
}

// Is this what the client made: a FIFO, by one name only, and not a link to somewhere else? (fifo.md 4)
bool is_honest(int fd, const std::string& path) {
  struct stat opened{}, named{};
  return fstat(fd, &opened) == 0 && S_ISFIFO(opened.st_mode) && opened.st_nlink == 1 && lstat(path.c_str(), &named) == 0 &&
         S_ISFIFO(named.st_mode) && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

}  // namespace

Result<std::unique_ptr<FifoFrontend>> FifoFrontend::create(os::EventLoop& loop, Context& context) {
  const auto& settings = context.settings;
  struct stat directory{};
  if (stat(reply_directory(settings).c_str(), &directory) != 0 || !S_ISDIR(directory.st_mode))
    return Error{Errc::not_found, "reply_dir " + settings.reply_dir + " is not a directory"};
  // Whose it is: as said, else the daemon's own user, who must be able to remove it.
  const auto owner = os::resolve_identity(settings.fifo_user.empty() ? settings.user : settings.fifo_user,
                                          settings.fifo_group.empty() && settings.fifo_user.empty() ? settings.group : settings.fifo_group);
  if (!owner) return owner.error();
  if (const auto weakness = os::weakness_of_folder(settings.fifo, owner->user); !weakness.empty())
    log::warning("security: --fifo {}: {}", settings.fifo, weakness);
  auto fifo = os::create_fifo(settings.fifo, {.user = owner->user, .group = owner->group, .mode = settings.fifo_mode});
  if (!fifo) return fifo.error();
  std::unique_ptr<FifoFrontend> frontend(new FifoFrontend(loop, context, std::move(*fifo)));
  if (const auto added = loop.add(frontend->fifo_.raw(), os::readable, *frontend); !added) return added.error();
  return frontend;
}

FifoFrontend::FifoFrontend(os::EventLoop& loop, Context& context, os::Fd fifo)
    : loop_(loop),
      context_(context),
      fifo_(std::move(fifo)),
      reader_(reply_directory(context.settings).size()),
      reply_(*this) {}

FifoFrontend::~FifoFrontend() {
  if (timer_ != os::TimerId::none) loop_.timers().cancel(timer_);
  if (reply_.watched) loop_.remove(reply_.fd.raw(), reply_);
  loop_.remove(fifo_.raw(), *this);
}

void FifoFrontend::on_ready(std::uint32_t) {
  char bytes[4096];  // PIPE_BUF: what one client writes at once
  const ssize_t n = ::read(fifo_.raw(), bytes, sizeof bytes);
  if (n <= 0) return;
  reader_.feed({bytes, static_cast<std::size_t>(n)});
  take_requests();
}

void FifoFrontend::take_requests() {
  if (taking_) return;  // a request that ended at once: the loop below goes on with the next
  taking_ = true;
  while (!busy_) {
    auto next = reader_.next();
    if (!next) break;
    if (const auto* refusal = std::get_if<FifoRefusal>(&*next)) {
      context_.counters.add(shm::Counter::mi_errors);
      log::warning("mi: {}", refusal->why);
      continue;
    }
    current_ = std::get<FifoRequest>(std::move(*next));
    busy_ = true;
    ++serial_;
    attempts_ = 0;
    static_cast<void>(loop_.modify(fifo_.raw(), 0, *this));  // what else is asked waits in the pipe
    open_reply();
  }
  taking_ = false;
}

void FifoFrontend::open_reply() {
  if (current_.reply_name.empty()) return run();  // nobody wants the answer
  const std::string path = reply_directory(context_.settings) + current_.reply_name;
  auto opened = os::open_fifo_for_writing(path);
  ++attempts_;
  if (!opened && opened.is(Errc::gone) && attempts_ < open_attempts) {
    timer_ = loop_.timers().add(between_attempts, *this, serial_);
    return;
  }
  if (!opened) {
    log::error("{}mi: {}", opened.is(Errc::refused) ? "security: " : "", opened.is(Errc::gone) ? "no client at " + path : opened.error().why);
    return finish();
  }
  if (!is_honest(opened->raw(), path)) {
    log::error("security: mi: {} is not a plain FIFO", path);
    return finish();
  }
  reply_.fd = std::move(*opened);
  run();
}

void FifoFrontend::run() {
  context_.counters.add(shm::Counter::mi_commands);
  const Command* command = find_command(current_.request.command);
  if (command == nullptr) return answer("500 command '" + current_.request.command + "' not available\n");
  if (command->input == Input::ignored) current_.request.arguments.clear();
  else if (current_.arguments_are_bad) return answer("400 parse error in command '" + current_.request.command + "'\n");
  if (command->effect == Effect::changes)
    log::notice("mi: {}", in_one_line(current_.request));
  else
    log::info("mi: {}", current_.request.command);
  Call call(context_, current_.request, [this, serial = serial_](const Reply& reply) {
    if (busy_ && serial == serial_) answer(to_text(reply, context_.settings.reply_indent));
  });
  try {
    command->run(call);
  } catch (const std::exception& e) {
    log::error("mi: {} failed: {}", current_.request.command, e.what());
    if (busy_) answer("500 command '" + current_.request.command + "' failed\n");
  }
}

void FifoFrontend::answer(std::string text) {
  if (!reply_.fd.is_open()) return finish();
  unsent_ = std::move(text);
  timer_ = loop_.timers().add(write_within, *this, serial_);
  write_more();
}

void FifoFrontend::write_more() {
  while (!unsent_.empty()) {
    const ssize_t n = ::write(reply_.fd.raw(), unsent_.data(), unsent_.size());
    if (n > 0) {
      unsent_.erase(0, static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!reply_.watched && loop_.add(reply_.fd.raw(), os::writable, reply_)) reply_.watched = true;
      return;
    }
    log::warning("mi: the client of {} left before it had read its reply", current_.request.command);
    break;
  }
  finish();
}

void FifoFrontend::on_timer(os::TimerId id, std::uint64_t key) {
  if (id != timer_ || key != serial_) return;
  timer_ = os::TimerId::none;
  if (!reply_.fd.is_open()) {
    taking_ = true;  // the next request waits until this one's command has returned
    open_reply();
    taking_ = false;
    return take_requests();
  }
  log::warning("mi: the client of {} does not read its reply", current_.request.command);
  finish();
}

void FifoFrontend::finish() {
  if (timer_ != os::TimerId::none) loop_.timers().cancel(timer_);
  timer_ = os::TimerId::none;
  if (reply_.watched) loop_.remove(reply_.fd.raw(), reply_);
  reply_.watched = false;
  reply_.fd.close();
  unsent_.clear();
  busy_ = false;
  static_cast<void>(loop_.modify(fifo_.raw(), os::readable, *this));
  take_requests();
}

}  // namespace sipwsd::mi
