#include "src/os/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "src/base/text.h"

namespace sipwsd::os {

Notifier::Notifier(std::string_view socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() < 2 || socket_path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  // An abstract name ends where the length says; a path where its NUL stands.
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
  Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.is_open()) return;
  if (connect(socket.raw(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return;
  socket_ = std::move(socket);
}

Notifier Notifier::from_environment() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  Notifier notifier = path != nullptr ? Notifier{path} : Notifier{};
  const char* interval = std::getenv("WATCHDOG_USEC");
  const char* whom = std::getenv("WATCHDOG_PID");
  const auto microseconds = base::parse_decimal<std::uint64_t>(interval != nullptr ? interval : "");
  const bool is_meant = whom == nullptr || base::parse_decimal<unsigned>(whom) == static_cast<unsigned>(getpid());
  if (microseconds && *microseconds >= 2000 && is_meant)
    notifier.watchdog_interval_ = base::Milliseconds{static_cast<std::int64_t>(*microseconds / 2000)};
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  return notifier;
}

void Notifier::send(std::string_view assignments) const noexcept {
  if (!socket_.is_open()) return;
  // A full socket loses a ping; the next one follows.
  [[maybe_unused]] const auto sent = ::send(socket_.raw(), assignments.data(), assignments.size(), MSG_NOSIGNAL);
}

void Notifier::ready(std::string_view status) const noexcept {
  send("READY=1\nSTATUS=" + std::string(status));
}

void Notifier::reloading(base::TimePoint now) const noexcept {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void Notifier::stopping() const noexcept { send("STOPPING=1"); }
void Notifier::watchdog() const noexcept { send("WATCHDOG=1"); }
void Notifier::main_pid(int pid) const noexcept { send("MAINPID=" + std::to_string(pid)); }

}  // namespace sipwsd::os
