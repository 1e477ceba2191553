#pragma once
// What the tests of shared memory share: a small private segment, connections and bindings to put into it, and children
// to kill.

#include "shm/layout.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sipwsd::shm {

inline constexpr WorkerSlot w0{0}, w1{1}, w2{2};
inline constexpr ProcessSlot p0{0}, p1{1}, p2{2};

inline Limits small_limits() {
  Limits limits;
  limits.max_connections = 256;
  limits.workers = 3;
  limits.processes = 5;
  limits.max_bindings = 64;
  limits.letter_ring_bytes = 4096;
  limits.max_nonces = 512;
  limits.max_bans = 512;
  return limits;
}

inline SharedState make_shared_state(const Limits& limits = small_limits()) {
  auto made = create(limits);
  if (!made) throw std::runtime_error(made.error().why);
  return *std::move(made);
}

inline Endpoint endpoint(std::uint32_t host, std::uint16_t port, TransportProtocol protocol = TransportProtocol::tcp) {
  Endpoint e;
  e.family = AddressFamily::ipv4;
  e.address = {10, static_cast<std::uint8_t>(host >> 16), static_cast<std::uint8_t>(host >> 8),
               static_cast<std::uint8_t>(host)};
  e.port = port;
  e.protocol = protocol;
  return e;
}

inline NewConnection connection(std::uint32_t id, WorkerSlot owner) {
  NewConnection c;
  c.id = ConnectionId{id};
  c.owner = owner;
  c.local = endpoint(1, 443);
  c.remote = endpoint(id, 5060);
  c.last_used = 100;
  return c;
}

inline Binding binding(std::string_view contact, Flow flow = {}, std::int64_t expires_at = 1000) {
  Binding b;
  b.contact = contact;
  b.call_id = "call@client.invalid";
  b.user_agent = "phone/1";
  b.cseq = 1;
  b.to.flow = flow;
  b.expires_at = expires_at;
  return b;
}
inline BindingChange added(const Binding& b) { return {BindingChange::Kind::add, 0, b}; }
inline BindingChange replaced(std::uint64_t serial, const Binding& b) {
  return {BindingChange::Kind::replace, serial, b};
}
inline BindingChange removed(std::uint64_t serial) { return {BindingChange::Kind::remove, serial, {}}; }

inline Result<void> commit(BindingTable& table, std::string_view aor, std::vector<BindingChange> changes,
                           ProcessSlot self = p0) {
  BindingSnapshot now;
  table.snapshot(aor, now);
  return table.commit(self, aor, now.version(), changes);
}
inline std::set<std::string> contacts_of(const BindingTable& table, std::string_view aor) {
  BindingSnapshot now;
  table.snapshot(aor, now);
  std::set<std::string> contacts;
  for (const Binding& b : now) contacts.emplace(b.contact);
  return contacts;
}

// Runs `act` in a child process; its wait status. The child has no chance to run the parent's destructors.
template <typename Act>
int in_child(Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a lock that nobody repairs would hang it
    act();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}
template <typename Act>
pid_t start_child(Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    act();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  return child;
}
inline int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}
inline bool was_killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }
inline bool ended_well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

// Eventfds for a MailboxSet, closed with this object.
class EventFds {
 public:
  explicit EventFds(MailboxSet& set) {
    for (int i = 0; i < set.processes(); ++i) fds_.push_back(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    set.use_event_fds(fds_);
  }
  ~EventFds() {
    for (const int fd : fds_) ::close(fd);
  }
  EventFds(const EventFds&) = delete;
  EventFds& operator=(const EventFds&) = delete;

 private:
  std::vector<int> fds_;
};

// What a sleeper waits for: writes to an eventfd that is never read, each heard once, as the event loops hear them.
class Bell {
 public:
  explicit Bell(int event_fd) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_fd, &event);
    static_cast<void>(rings());  // what was written earlier
  }
  ~Bell() { ::close(epoll_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  [[nodiscard]] bool rings(int timeout_ms = 0) {
    epoll_event event;
    return ::epoll_wait(epoll_, &event, 1, timeout_ms) == 1;
  }

 private:
  int epoll_;
};

}  // namespace sipwsd::shm
