#pragma once
// What all connections of one worker share: the loop, the tables, the buffers. Not copied, outlives the connections.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "shm/connection_table.h"
#include "shm/counters.h"
#include "sipwsd/bytes.h"
#include "src/config/settings.h"
#include "src/http/head_parser.h"
#include "src/http/limits.h"
#include "src/net/outbox.h"
#include "src/os/event_loop.h"
#include "src/ws/message_assembler.h"
#include "src/ws/opcode.h"

namespace sipwsd::net {

class StreamConnection;

// Who gets what connections bring; implemented by the routing host. Calls come from inside the connection's own
// callback: it stays valid during the call whatever is done to it.
class ConnectionUser {
 public:
  // Answer with accept() or reply_and_close().
  virtual void on_http(StreamConnection& connection, const http::RequestHead& request) = 0;
  virtual void on_message(StreamConnection& connection, ws::Opcode opcode, std::string_view payload) = 0;
  // Once per accepted WebSocket, after its record has left the table.
  virtual void on_closed(StreamConnection& connection, std::string_view cause) = 0;

 protected:
  ~ConnectionUser() = default;
};

class ConnectionOwner : public os::TimerHandler {
 public:
  virtual void buried(ConnectionId id) = 0;  // destroy it at the end of the turn

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionContext {
  os::EventLoop& loop;
  const config::Settings& settings;
  shm::ConnectionTable& connections;
  shm::OwnCounters counters;
  ConnectionUser& user;
  ConnectionOwner& owner;
  WorkerSlot slot;

  BufferPool buffers{};
  http::Limits http_limits{};
  ws::ReceiveLimits receive_limits{.max_message_size = static_cast<std::uint32_t>(settings.max_message_size)};

  os::TimerHandler& timer_handler() noexcept { return owner; }
  void buried(ConnectionId id) { owner.buried(id); }
  // One read is at most this much, so one loud connection can't hold the turn.
  MutableBytes read_buffer() noexcept { return {read_buffer_.get(), read_size}; }
  std::string_view server_header() const noexcept {
    return settings.server_signature ? std::string_view{settings.server_header} : std::string_view{};
  }
  std::uint8_t ping_burst() const noexcept {
    return static_cast<std::uint8_t>(std::min<std::uint32_t>(255, settings.ping_rate * 10));
  }

  static constexpr std::size_t read_size = 64 * 1024;
  std::unique_ptr<std::byte[]> read_buffer_ = std::make_unique_for_overwrite<std::byte[]>(read_size);
};

}  // namespace sipwsd::net
