// bare-openssl-server: what TLS costs when there is nothing else. One thread, epoll, OpenSSL on the socket itself;
// versions, ciphers, groups and the number of tickets as sipwsd's. Answers any request head with the 101, a Ping with
// a Pong, a Close with a Close, and ends TCP then; knows no SIP, no limits, no other process.
//
//   bare-openssl-server CERTIFICATE KEY       prints `listening on PORT`

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/base64.h"
#include "src/base/digest.h"
#include "tests/bench/loop.h"

namespace sipwsd::bench {
namespace {

struct Connection {
  Fd fd;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
  bool upgraded = false;
};

class Server {
 public:
  Server(const char* certificate, const char* key)
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    auto* context = context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set1_groups_list(context, "X25519:P-256");
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_num_tickets(context, 1);
    good_ = SSL_CTX_use_certificate_chain_file(context, certificate) == 1 && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    good_ = good_ && ::bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_.number(), 4096) == 0 &&
            ::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
    port_ = ntohs(address.sin_port);
    watch(listener_.number(), nullptr, EPOLLIN);
  }

  bool is_good() const { return good_; }
  std::uint16_t port() const { return port_; }

  void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.number(), events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else if (!serve(*connection)) {
          delete connection;
        }
      }
    }
  }

 private:
  void watch(int fd, Connection* connection, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = connection;
    ::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    for (;;) {
      Fd fd(::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      const int on = 1;
      ::setsockopt(fd.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto connection = std::make_unique<Connection>();
      connection->ssl.reset(SSL_new(context_.get()));
      SSL_set_fd(connection->ssl.get(), fd.number());
      SSL_set_accept_state(connection->ssl.get());
      connection->fd = std::move(fd);
      // The event loop owns it: serve() says when it is over.
      auto* kept = connection.release();
      watch(kept->fd.number(), kept, EPOLLIN | EPOLLET);
    }
  }

  // Whether the connection goes on.
  static bool serve(Connection& connection) {
    auto* ssl = connection.ssl.get();
    static std::array<char, 16 * 1024> buffer;
    for (;;) {
      ERR_clear_error();
      const int got = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()));
      if (got <= 0) {
        const int error = SSL_get_error(ssl, got);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
        if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(ssl);
        return false;
      }
      if (!answer(connection, {buffer.data(), static_cast<std::size_t>(got)})) {
        SSL_shutdown(ssl);
        return false;
      }
    }
  }

  // A head or a short frame comes whole in a record here: the client is ours.
  static bool answer(Connection& connection, std::string_view bytes) {
    std::string out;
    bool goes_on = true;
    if (!connection.upgraded) {
      constexpr std::string_view name = "Sec-WebSocket-Key: ";
      const auto at = bytes.find(name);
      if (at == std::string_view::npos) return false;
      const auto key = bytes.substr(at + name.size(), 24);
      connection.upgraded = true;
      out = fmt::format(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n"
          "Sec-WebSocket-Protocol: sip\r\n\r\n",
          base::base64(base::as_text(base::sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))));
    } else {
      const auto size = static_cast<std::size_t>(bytes[1] & 0x7f);
      if (bytes.size() < size + 6 || size > 125) return false;
      const int opcode = bytes[0] & 0x0f;
      goes_on = opcode != 8;
      out += static_cast<char>(0x80 | (opcode == 9 ? 10 : 8));
      out += static_cast<char>(size);
      for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(bytes[6 + i] ^ bytes[2 + i % 4]);
    }
    return SSL_write(connection.ssl.get(), out.data(), static_cast<int>(out.size())) > 0 && goes_on;
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  Fd epoll_, listener_;
  std::uint16_t port_ = 0;
  bool good_ = false;
};

int run(int count, char** words) {
  if (count != 3) {
    fmt::print(stderr, "usage: bare-openssl-server CERTIFICATE KEY\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Server server(words[1], words[2]);
  if (!server.is_good()) {
    ERR_print_errors_fp(stderr);
    return 1;
  }
  fmt::print("listening on {}\n", server.port());
  std::fflush(stdout);
  server.run();
  return 0;
}

}  // namespace
}  // namespace sipwsd::bench

int main(int count, char** words) { return sipwsd::bench::run(count, words); }
