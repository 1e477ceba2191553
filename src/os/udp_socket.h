#pragma once
// Datagram sockets, one per worker slot in an SO_REUSEPORT group like the listeners, and several datagrams with one system
// call. Nothing here allocates once it is made.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sipwsd/bytes.h"
#include "sipwsd/endpoint.h"
#include "src/os/fd.h"
#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"

namespace sipwsd::os {

constexpr std::size_t largest_datagram = 65'507;  // what fits behind an IPv4 and a UDP header

// Nonblocking. Errors as listen_tcp. It hears of what came back (ICMP), and where every address is bound it learns of
// each datagram to which one it was sent.
Result<Fd> bind_udp(const Endpoint& at, ReusePort reuse_port = ReusePort::no);

class DatagramReceiver {
 public:
  static constexpr std::size_t at_once = 32;
  struct Datagram {
    ByteView bytes;
    Endpoint from;
    Endpoint to;  // family none: the socket is bound to one address; the port is the socket's
    std::uint32_t lost = 0;  // by this socket since it was made: it had no room for so many; 0: none, or not told
  };

  DatagramReceiver();
  // How many have come; none when there are none now, or when something that was sent came back. They are good until
  // the next call.
  std::size_t receive(int socket) noexcept;
  [[nodiscard]] Datagram operator[](std::size_t i) const noexcept;

 private:
  // Reserved, but touched only as far as datagrams are long.
  static constexpr std::size_t room = 64 * 1024;
  struct alignas(cmsghdr) Control {
    std::byte bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t))];
  };
  std::unique_ptr<std::byte[]> bytes_ = std::make_unique_for_overwrite<std::byte[]>(at_once * room);
  std::array<mmsghdr, at_once> headers_{};
  std::array<iovec, at_once> pieces_{};
  std::array<SocketAddress, at_once> from_{};
  std::array<Control, at_once> controls_{};
};

// What Datagram::lost counts from, for who takes over a socket.
std::uint32_t lost_datagrams(int socket) noexcept;

struct OutgoingDatagram {
  ByteView bytes;
  Endpoint to;
  Endpoint from;  // family none: the address the socket is bound to, or whatever fits
};
// One system call for up to `most_sent_at_once` of them. How many have gone, from the front. Errors are of the first:
// full: the socket takes no more now; too_large; gone: it can't be reached, or another one that was sent came back (look
// at returned_datagram() and try again); refused: somebody on this host forbids it.
constexpr std::size_t most_sent_at_once = 64;
Result<std::size_t> send_datagrams(int socket, std::span<const OutgoingDatagram> datagrams) noexcept;

// What ICMP said of a datagram that was sent from this socket or from another of its group. Others than those who got it
// can make that up: believe it only where `head` shows that they have seen it.
struct ReturnedDatagram {
  Endpoint to;
  std::string_view head;  // its beginning, as much as came back; may be empty
  bool is_unreachable;    // RFC 3261 18.4: nobody listens there, or no way leads there; false: something else
};
// Errc::incomplete: no (more) has come back.
Result<ReturnedDatagram> returned_datagram(int socket, std::span<char> room) noexcept;

// Our address on the way to `remote`, with port 0. Errors: gone, no way leads there.
Result<Endpoint> source_towards(const Endpoint& remote);

}  // namespace sipwsd::os
