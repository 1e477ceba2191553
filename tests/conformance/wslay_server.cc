// The echo server of libwslay, to compare the daemon with: differential_test.cc starts it, reads "port N", and ends it by
// closing its standard input. The handshake is the test's own, always with the key of RFC 6455 1.3.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr std::size_t max_message = 262'144;  // the daemon's max_message_size
constexpr const char* accepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

class Client {
 public:
  explicit Client(int fd) : fd_(fd) {
    wslay_event_callbacks callbacks{};
    callbacks.recv_callback = receive;
    callbacks.send_callback = send;
    callbacks.on_msg_recv_callback = on_message;
    wslay_event_context_server_init(&context_, &callbacks, this);
    wslay_event_config_set_max_recv_msg_length(context_, max_message);
  }
  ~Client() {
    wslay_event_context_free(context_);
    ::close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int fd() const { return fd_; }

  // False when it is over.
  bool read() {
    char bytes[65536];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    ended_ = n == 0;
    if (over_) return !ended_;
    received_.append(bytes, static_cast<std::size_t>(n));
    over_ = !go_on();
    // What is not read when a socket is closed makes a reset of it, which can overtake the Close.
    if (over_) ::shutdown(fd_, SHUT_WR);
    return !ended_;
  }

 private:
  bool go_on() {
    if (!open_ && !take_request()) return true;
    // One byte at a time, with what it answers sent in between: its Close would overtake the messages still queued.
    do {
      const auto before = taken_;
      given_ = false;
      const bool read = wslay_event_recv(context_) == 0;  // when not, it may have queued a Close
      if (wslay_event_want_write(context_) != 0 && wslay_event_send(context_) != 0) return false;
      if (!read) return false;
      if (taken_ == before) break;
    } while (taken_ < received_.size());
    return wslay_event_want_read(context_) != 0 || wslay_event_want_write(context_) != 0;
  }

  bool take_request() {
    const auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    taken_ = end + 4;
    open_ = true;
    const std::string_view reply = accepted;
    return ::send(fd_, reply.data(), reply.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(reply.size());
  }

  static ssize_t receive(wslay_event_context_ptr context, std::uint8_t* out, std::size_t, int, void* user) {
    auto& self = *static_cast<Client*>(user);
    if (self.taken_ == self.received_.size() || self.given_) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    self.given_ = true;
    *out = static_cast<std::uint8_t>(self.received_[self.taken_++]);
    return 1;
  }

  static ssize_t send(wslay_event_context_ptr context, const std::uint8_t* bytes, std::size_t size, int, void* user) {
    const auto& self = *static_cast<Client*>(user);
    const ssize_t n = ::send(self.fd_, bytes, size, MSG_NOSIGNAL);  // may block: the test reads
    if (n < 0) wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
    return n;
  }

  static void on_message(wslay_event_context_ptr context, const wslay_event_on_msg_recv_arg* arg, void*) {
    if (wslay_is_ctrl_frame(arg->opcode)) return;
    const wslay_event_msg message{arg->opcode, arg->msg, arg->msg_length};
    wslay_event_queue_msg(context, &message);
  }

  int fd_;
  wslay_event_context_ptr context_ = nullptr;
  std::string received_;
  std::size_t taken_ = 0;
  bool open_ = false, given_ = false, ended_ = false, over_ = false;
};

}  // namespace

int main() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 128) != 0) return 1;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  std::vector<std::unique_ptr<Client>> clients;
  for (;;) {
    std::vector<pollfd> wait{{0, POLLIN, 0}, {listener, POLLIN, 0}};
    for (const auto& client : clients) wait.push_back({client->fd(), POLLIN, 0});
    if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return 1;
    if (wait[0].revents != 0) return 0;
    for (std::size_t i = wait.size(); i-- > 2;)
      if (wait[i].revents != 0 && !clients[i - 2]->read()) clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i - 2));
    if (wait[1].revents != 0) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (fd >= 0) clients.push_back(std::make_unique<Client>(fd));
    }
  }
}
