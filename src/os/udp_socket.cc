#include "src/os/udp_socket.h"

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sipwsd::os {
namespace {

// Room for a burst of several hundred messages; the kernel cuts it to net.core.rmem_max.
constexpr int receive_buffer = 1024 * 1024;

void switch_on(int socket, int level, int option, int value = 1) noexcept {
  setsockopt(socket, level, option, &value, sizeof value);
}

bool is_every_address(const Endpoint& at) noexcept { return at.address == decltype(at.address){}; }

// What the kernel says of it: where it was sent to, and what was lost before it. To many at once is to none of ours that an
// answer could leave from.
void read_control(msghdr header, DatagramReceiver::Datagram& datagram) noexcept {
  Endpoint& to = datagram.to;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      to.family = AddressFamily::ipv4;
      std::memcpy(to.address.data(), &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) continue;
      to.family = AddressFamily::ipv6;
      std::memcpy(to.address.data(), &info.ipi6_addr, sizeof info.ipi6_addr);
    } else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
      std::memcpy(&datagram.lost, CMSG_DATA(part), sizeof datagram.lost);
    }
  }
}

template <typename Info>
void put_control(msghdr& header, int level, int type, const Info& info) noexcept {
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(part), &info, sizeof info);
}

void put_source(msghdr& header, const Endpoint& from) noexcept {
  if (from.family == AddressFamily::ipv6) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.address.data(), sizeof info.ipi6_addr);
    put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.address.data(), sizeof info.ipi_spec_dst);
    put_control(header, IPPROTO_IP, IP_PKTINFO, info);
  }
}

// Time exceeded and source quench say nothing about who is there (RFC 3261 18.4), but have errors like those that do.
bool says_unreachable(const sock_extended_err& what) noexcept {
  const bool is_verdict = (what.ee_origin == SO_EE_ORIGIN_ICMP && what.ee_type == ICMP_DEST_UNREACH) ||
                          (what.ee_origin == SO_EE_ORIGIN_ICMP6 && what.ee_type == ICMP6_DST_UNREACH);
  return is_verdict && (what.ee_errno == ECONNREFUSED || what.ee_errno == EHOSTUNREACH || what.ee_errno == ENETUNREACH ||
                        what.ee_errno == ENOPROTOOPT);
}

}  // namespace

Result<Fd> bind_udp(const Endpoint& at, ReusePort reuse_port) {
  const SocketAddress address = to_socket_address(at);
  Fd socket{::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_error("cannot create a socket for " + at.to_string());
  const bool is_ipv6 = at.family == AddressFamily::ipv6;
  if (reuse_port == ReusePort::join_group) switch_on(socket.raw(), SOL_SOCKET, SO_REUSEPORT);
  if (is_ipv6) switch_on(socket.raw(), IPPROTO_IPV6, IPV6_V6ONLY);
  is_ipv6 ? switch_on(socket.raw(), IPPROTO_IPV6, IPV6_RECVERR) : switch_on(socket.raw(), IPPROTO_IP, IP_RECVERR);
  if (is_every_address(at))
    is_ipv6 ? switch_on(socket.raw(), IPPROTO_IPV6, IPV6_RECVPKTINFO) : switch_on(socket.raw(), IPPROTO_IP, IP_PKTINFO);
  switch_on(socket.raw(), SOL_SOCKET, SO_RXQ_OVFL);
  switch_on(socket.raw(), SOL_SOCKET, SO_RCVBUF, receive_buffer);
  if (bind(socket.raw(), address.raw(), address.length) != 0) return system_error("cannot listen on " + at.to_string());
  // A joining socket makes the group with the one it finds bound, so the option may come after bind().
  if (reuse_port == ReusePort::found_group) switch_on(socket.raw(), SOL_SOCKET, SO_REUSEPORT);
  return socket;
}

DatagramReceiver::DatagramReceiver() {
  for (std::size_t i = 0; i < at_once; ++i) {
    pieces_[i] = {bytes_.get() + i * room, room};
    msghdr& header = headers_[i].msg_hdr;
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = 1;
    header.msg_name = from_[i].raw();
    header.msg_control = &controls_[i];
  }
}

std::size_t DatagramReceiver::receive(int socket) noexcept {
  for (std::size_t i = 0; i < at_once && headers_[i].msg_hdr.msg_namelen != sizeof from_[i].storage; ++i) {
    headers_[i].msg_hdr.msg_namelen = sizeof from_[i].storage;  // the last call has put in what it found
    headers_[i].msg_hdr.msg_controllen = sizeof controls_[i];
  }
  const int count = recvmmsg(socket, headers_.data(), headers_.size(), MSG_DONTWAIT, nullptr);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

DatagramReceiver::Datagram DatagramReceiver::operator[](std::size_t i) const noexcept {
  Datagram datagram{{bytes_.get() + i * room, headers_[i].msg_len}, to_endpoint(from_[i], TransportProtocol::udp), {}};
  read_control(headers_[i].msg_hdr, datagram);
  return datagram;
}

std::uint32_t lost_datagrams(int socket) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  return getsockopt(socket, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

Result<std::size_t> send_datagrams(int socket, std::span<const OutgoingDatagram> datagrams) noexcept {
  struct alignas(cmsghdr) Control {
    std::byte bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
  };
  // Not cleared: what is used is filled.
  std::array<mmsghdr, most_sent_at_once> headers;
  std::array<iovec, most_sent_at_once> pieces;
  std::array<sockaddr_in6, most_sent_at_once> addresses;
  std::array<Control, most_sent_at_once> controls;
  const std::size_t count = std::min(datagrams.size(), most_sent_at_once);
  for (std::size_t i = 0; i < count; ++i) {
    const OutgoingDatagram& datagram = datagrams[i];
    const SocketAddress to = to_socket_address(datagram.to);
    std::memcpy(&addresses[i], &to.storage, sizeof addresses[i]);
    pieces[i] = {const_cast<std::byte*>(datagram.bytes.data()), datagram.bytes.size()};
    headers[i] = {};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &addresses[i];
    header.msg_namelen = to.length;
    header.msg_iov = &pieces[i];
    header.msg_iovlen = 1;
    if (datagram.from.family == AddressFamily::none) continue;
    controls[i] = {};
    header.msg_control = &controls[i];
    header.msg_controllen = sizeof controls[i];
    put_source(header, datagram.from);
  }
  const int sent = sendmmsg(socket, headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM: return Errc::full;
    case EMSGSIZE: return Errc::too_large;
    case EPERM:
    case EACCES: return Errc::refused;
    default: return Errc::gone;
  }
}

Result<ReturnedDatagram> returned_datagram(int socket, std::span<char> room) noexcept {
  SocketAddress to;
  iovec piece{room.data(), room.size()};
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(sock_extended_err) + sizeof(sockaddr_in6)) + CMSG_SPACE(sizeof(in6_pktinfo))];
  msghdr header{};
  header.msg_name = to.raw();
  header.msg_namelen = sizeof to.storage;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(socket, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (size < 0) return Errc::incomplete;
  ReturnedDatagram out{to_endpoint(to, TransportProtocol::udp), {room.data(), static_cast<std::size_t>(size)}, false};
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (!(part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) &&
        !(part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR))
      continue;
    sock_extended_err what;
    std::memcpy(&what, CMSG_DATA(part), sizeof what);
    out.is_unreachable = says_unreachable(what);
  }
  return out;
}

// A datagram socket that connects sends nothing; it only looks for the way.
Result<Endpoint> source_towards(const Endpoint& remote) {
  SocketAddress address = to_socket_address(remote);
  const Fd probe{::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!probe.is_open() || connect(probe.raw(), address.raw(), address.length) != 0) return Errc::gone;
  auto source = local_endpoint(probe.raw(), remote.protocol);
  if (source) source->port = 0;
  return source;
}

}  // namespace sipwsd::os
