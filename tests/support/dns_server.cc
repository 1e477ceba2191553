#include "tests/support/dns_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "sipwsd/bytes.h"
#include "tests/support/addresses.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_packet.h"

namespace sipwsd::test {
namespace {

using Clock = std::chrono::steady_clock;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), ascii_lower);
  return text;
}

std::string type_name(unsigned type) {
  switch (type) {
    case DnsPacket::a: return "A";
    case DnsPacket::aaaa: return "AAAA";
    case DnsPacket::srv: return "SRV";
    case DnsPacket::naptr: return "NAPTR";
    default: return "TYPE" + std::to_string(type);
  }
}

// The data of a record, made where the packet builder can't be used: it belongs to no packet yet.
class Data {
 public:
  Data& word(int value) {
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Data& text(const std::string& value) {
    bytes_.push_back(static_cast<std::uint8_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Data& name(std::string value) {
    while (!value.empty()) {
      const std::string label = value.substr(0, value.find('.'));
      text(label);
      value.erase(0, label.size() + 1);
    }
    bytes_.push_back(0);
    return *this;
  }
  Data& address(const std::string& value) {
    const Endpoint address = at(value, 0);
    bytes_.insert(bytes_.end(), address.address.begin(),
                  address.address.begin() + (address.family == AddressFamily::ipv4 ? 4 : 16));
    return *this;
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// -1: it is taken.
int bound(int type, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
  const sockaddr_in address = loopback(port);
  if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      (type == SOCK_DGRAM || listen(fd, 16) == 0))
    return fd;
  close(fd);
  return -1;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

struct Connection {
  explicit Connection(int fd) : socket(fd) {}
  ~Connection() { close(socket); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  int socket;
  std::vector<std::uint8_t> bytes;
};

}  // namespace

// Where a reply goes: the other end of a datagram, or of a connection.
struct DnsServer::Peer {
  sockaddr_in address{};
  int connection = -1;
};

struct DnsServer::Later {
  Clock::time_point at;
  Peer peer;
  std::vector<std::uint8_t> reply;
};

DnsServer::DnsServer(std::uint16_t port) {
  // The port that UDP was given may be taken over TCP: another one then.
  for (int attempt = 0; attempt < 50 && tcp_ < 0; ++attempt) {
    close(udp_);
    udp_ = bound(SOCK_DGRAM, port);
    if (udp_ >= 0) tcp_ = bound(SOCK_STREAM, port_of(udp_));
  }
  if (tcp_ < 0) throw std::runtime_error("no port for a name server");
  port_ = port_of(udp_);
  bell_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
  eventfd_write(bell_, 1);
  thread_.join();
  for (const int fd : {udp_, tcp_, bell_}) close(fd);
}

Endpoint DnsServer::endpoint() const { return at("127.0.0.1", port_, TransportProtocol::none); }

// --- what it knows

void DnsServer::add(const std::string& name, unsigned type, std::uint32_t ttl, std::vector<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  records_.emplace(lower(name), Record{type, ttl, std::move(data)});
}
void DnsServer::a(const std::string& name, const std::string& address, std::uint32_t ttl) {
  add(name, DnsPacket::a, ttl, Data().address(address).take());
}
void DnsServer::aaaa(const std::string& name, const std::string& address, std::uint32_t ttl) {
  add(name, DnsPacket::aaaa, ttl, Data().address(address).take());
}
void DnsServer::cname(const std::string& name, const std::string& target, std::uint32_t ttl) {
  add(name, DnsPacket::cname, ttl, Data().name(target).take());
}
void DnsServer::srv(const std::string& name, int priority, int weight, int port, const std::string& target,
                    std::uint32_t ttl) {
  add(name, DnsPacket::srv, ttl, Data().word(priority).word(weight).word(port).name(target).take());
}
void DnsServer::naptr(const std::string& name, int order, int preference, const std::string& flags,
                      const std::string& services, const std::string& replacement, std::uint32_t ttl) {
  add(name, DnsPacket::naptr, ttl,
      Data().word(order).word(preference).text(flags).text(services).text("").name(replacement).take());
}
void DnsServer::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  records_.erase(lower(name));
}
void DnsServer::negative_ttl(std::optional<std::uint32_t> seconds) {
  const std::lock_guard lock(mutex_);
  negative_ttl_ = seconds;
}
void DnsServer::misbehave(const std::string& question, const DnsMisbehaviour& how) {
  const std::lock_guard lock(mutex_);
  misbehaviours_[question] = how;
}

// --- what it was asked

std::vector<std::string> DnsServer::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}
std::size_t DnsServer::count(const std::string& question) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(questions_.begin(), questions_.end(), question));
}
std::size_t DnsServer::over_tcp() const {
  const std::lock_guard lock(mutex_);
  return over_tcp_;
}
void DnsServer::wait_for_questions(std::size_t at_least) const {
  std::unique_lock lock(mutex_);
  if (!asked_.wait_for(lock, patience, [&] { return questions_.size() >= at_least; }))
    throw Disappointed("the name server was not asked " + std::to_string(at_least) + " questions");
}

// --- the thread

void DnsServer::answer(const Peer& peer, const std::vector<std::uint8_t>& packet) const {
  if (peer.connection < 0) {
    sendto(udp_, packet.data(), packet.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&peer.address),
           sizeof peer.address);
    return;
  }
  std::vector<std::uint8_t> framed{static_cast<std::uint8_t>(packet.size() >> 8), static_cast<std::uint8_t>(packet.size())};
  framed.insert(framed.end(), packet.begin(), packet.end());
  send(peer.connection, framed.data(), framed.size(), MSG_NOSIGNAL);
}

// Replies whose time has come; the milliseconds until the next one, -1 when there is none.
int DnsServer::answer_what_is_due() {
  std::erase_if(later_, [&](const Later& one) {
    if (one.at > Clock::now()) return false;
    answer(one.peer, one.reply);
    return true;
  });
  int wait = -1;
  for (const Later& one : later_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(one.at - Clock::now()).count();
    const int milliseconds = static_cast<int>(std::max<std::int64_t>(0, left));
    wait = wait < 0 ? milliseconds : std::min(wait, milliseconds);
  }
  return wait;
}

void DnsServer::read_datagrams() {
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    Peer peer;
    socklen_t length = sizeof peer.address;
    const auto size = recvfrom(udp_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&peer.address), &length);
    if (size < 0) return;
    take({buffer.data(), static_cast<std::size_t>(size)}, peer);
  }
}

void DnsServer::serve() {
  std::vector<std::unique_ptr<Connection>> connections;
  // False: it has ended.
  const auto read = [&](Connection& connection) {
    std::array<std::uint8_t, 4096> buffer;
    const auto size = recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return false;
    auto& bytes = connection.bytes;
    bytes.insert(bytes.end(), buffer.data(), buffer.data() + size);
    while (bytes.size() >= 2 && bytes.size() >= 2u + (bytes[0] << 8 | bytes[1])) {
      const std::size_t length = static_cast<std::size_t>(bytes[0]) << 8 | bytes[1];
      take({bytes.data() + 2, length}, Peer{{}, connection.socket});
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(2 + length));
    }
    return true;
  };
  for (;;) {
    std::vector<pollfd> polled{{bell_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
    for (const auto& connection : connections) polled.push_back({connection->socket, POLLIN, 0});
    poll(polled.data(), polled.size(), answer_what_is_due());
    if (polled[0].revents != 0) return;
    read_datagrams();
    for (std::size_t i = connections.size(); i-- > 0;) {
      if (polled[3 + i].revents == 0 || read(*connections[i])) continue;
      std::erase_if(later_, [&](const Later& one) { return one.peer.connection == connections[i]->socket; });
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (polled[2].revents == 0) continue;
    if (const int fd = accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
      connections.push_back(std::make_unique<Connection>(fd));
  }
}

void DnsServer::take(std::span<const std::uint8_t> query, Peer peer) {
  // Only c-ares asks here: no pointers, one question.
  std::string name;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    if (!name.empty()) name += '.';
    for (std::size_t i = 1; i <= query[at] && at + i < query.size(); ++i) name += static_cast<char>(query[at + i]);
    at += query[at] + 1u;
  }
  if (at + 5 > query.size()) return;
  name = lower(name);
  const unsigned type = static_cast<unsigned>(query[at + 1] << 8 | query[at + 2]);
  const bool has_edns = query[11] != 0;
  const std::span<const std::uint8_t> head = query.first(at + 5);

  const std::lock_guard lock(mutex_);
  const std::string question = type_name(type) + " " + name;
  questions_.push_back(question);
  if (peer.connection >= 0) ++over_tcp_;
  asked_.notify_all();

  auto found = misbehaviours_.find(question);
  if (found == misbehaviours_.end()) found = misbehaviours_.find("*");
  DnsMisbehaviour none;
  DnsMisbehaviour& how = found == misbehaviours_.end() ? none : found->second;
  if (how.drop < 0 || (how.drop > 0 && how.drop-- > 0)) return;
  const auto send_after = [&](std::vector<std::uint8_t> packet) {
    later_.push_back({Clock::now() + how.delay, peer, std::move(packet)});
  };
  const auto only = [&](unsigned flags) {
    std::vector<std::uint8_t> packet(head.begin(), head.end());
    packet[2] = 0x81 | static_cast<std::uint8_t>(flags >> 8);
    packet[3] = static_cast<std::uint8_t>(0x80 | (flags & 0xff));
    packet[11] = 0;
    return packet;
  };
  if (how.garbage) return send_after({'n', 'o', ' ', 'r', 'e', 'p', 'l', 'y', 0xc0, 0x0c, 0xff});
  if (how.no_edns && has_edns) return send_after(only(1));
  if (how.rcode != 0) return send_after(only(how.rcode));
  if (how.truncate && peer.connection < 0) return send_after(only(0x200));
  auto right = reply(head, name, type);
  if (how.wrong_id) {
    auto wrong = right;
    wrong[0] ^= 0x55;
    wrong.back() ^= 0x55;
    send_after(std::move(wrong));
  }
  if (how.wrong_question) {
    auto wrong = right;
    wrong[13] = wrong[13] == 'x' ? 'y' : 'x';
    wrong.back() ^= 0x55;
    send_after(std::move(wrong));
  }
  send_after(std::move(right));
}

std::vector<std::uint8_t> DnsServer::reply(std::span<const std::uint8_t> query, const std::string& name,
                                           unsigned type) const {
  DnsPacket packet(static_cast<std::uint16_t>(query[0] << 8 | query[1]), 0x8180);
  packet.ask(name, type);
  // The question as it was asked, in its own case.
  std::copy(query.begin() + 12, query.end(), packet.bytes().begin() + 12);
  const auto write = [&](const std::string& owner, const Record& record) {
    packet.record(DnsPacket::answer, owner, record.type, record.ttl);
    packet.bytes().insert(packet.bytes().end(), record.data.begin(), record.data.end());
    packet.end();
  };
  bool exists = false, answered = false;
  std::string owner = name;
  for (int aliases = 0; aliases < 10; ++aliases) {
    std::string target;
    const auto [first, last] = records_.equal_range(owner);
    for (auto one = first; one != last; ++one) {
      exists = true;
      if (one->second.type == DnsPacket::cname) {
        for (std::size_t at = 0; one->second.data[at] != 0; at += one->second.data[at] + 1u)
          target += (target.empty() ? "" : ".") + std::string(one->second.data.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                                                              one->second.data.begin() + static_cast<std::ptrdiff_t>(at) + 1 + one->second.data[at]);
      } else if (one->second.type != type) {
        continue;
      } else {
        answered = true;
      }
      write(owner, one->second);
    }
    if (target.empty()) break;
    owner = lower(target);
  }
  if (answered) return packet.bytes();
  for (const auto& [other, record] : records_) exists = exists || other.ends_with("." + name);
  if (!exists) packet.bytes()[3] |= 3;
  if (negative_ttl_) {
    packet.record(DnsPacket::authority, "", DnsPacket::soa, 86'400).name("ns.test").name("root.test");
    for (int i = 0; i < 4; ++i) packet.double_word(1);
    packet.double_word(*negative_ttl_).end();
  }
  return packet.bytes();
}

}  // namespace sipwsd::test
