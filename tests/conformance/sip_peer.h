#pragma once
// A client that speaks SIP over one transport: what it sends is cut as the row's run wants it, what comes back is taken
// message by message. It can do everything wrong.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/tls_channel.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test::conformance {

enum class SipTransport { ws, wss, tcp, tls, udp };
std::string name_of(SipTransport transport);
// Only Content-Length says where a message ends.
[[nodiscard]] constexpr bool is_stream(SipTransport t) { return t == SipTransport::tcp || t == SipTransport::tls; }
[[nodiscard]] constexpr bool is_websocket(SipTransport t) { return t == SipTransport::ws || t == SipTransport::wss; }

enum class SipCut {
  whole,               // in one write
  bytes,               // byte by byte (a long message in small pieces, behind its headers)
  between_neighbours,  // in one write with a request before it and one behind it; datagrams directly behind each other
  fragments,           // a WebSocket message in fragments of seven bytes
};
std::string name_of(SipCut cut);

class SipPeer {
 public:
  // `port`: ours, for datagrams; a response to one goes to the port in Via (RFC 3261 18.2.2).
  SipPeer(SipTransport transport, std::uint16_t server_port, std::uint16_t port, const TlsSession& session);
  ~SipPeer();
  SipPeer(const SipPeer&) = delete;
  SipPeer& operator=(const SipPeer&) = delete;

  void send(const std::vector<std::string>& messages, SipCut cut);
  // The next message; nothing when the connection has ended.
  std::optional<std::string> receive();
  void end_sending();
  // Once receive() has said that it ended: not by a reset.
  bool ended_well();
  // For the next connection to resume.
  [[nodiscard]] TlsSession session() const;

 private:
  void write(std::string_view bytes);
  bool read_more();  // false at the end

  SipTransport transport_;
  std::optional<WsClient> websocket_;
  int fd_ = -1;
  std::optional<TlsChannel> tls_;
  std::string received_;
  bool was_reset_ = false;
};

}  // namespace sipwsd::test::conformance
