#pragma once
// Every letter one process can send another: one struct a kind. Texts and bytes are views: into the sender's memory when
// posting, into the ring while the handler runs. To add a kind: a struct with its `kind` and `fields`, and its name in
// Letter; the codec and the mailbox need nothing else.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include <cstdint>
#include <string_view>
#include <tuple>
#include <variant>

namespace sipwsd::bus {

// Both ends are the same program; the number guards against a structure that was changed on one side of a restart.
constexpr std::uint8_t letters_version = 1;

enum class LetterKind : std::uint8_t {
  send_message = 1,
  send_failed,
  sip_response,
  sip_datagram,
  ping,
  pong,
  close,
  drop,
  mi_answer,
  connection_closed,
  client_moved,
  store_bindings,
  bindings_stored,
  stray_cancel,
};

// How the owner should frame the bytes: as it likes (text when it is UTF-8), or as said.
enum class OpcodeHint : std::uint8_t { automatic = 0, text = 1, binary = 2 };

// To the owner of a connection: send these bytes there. When it can't, and `branch` is not empty, SendFailed comes back.
struct SendMessage {
  static constexpr LetterKind kind = LetterKind::send_message;
  ConnectionId connection = ConnectionId::none;
  OpcodeHint opcode = OpcodeHint::automatic;
  std::string_view branch;  // of the client transaction that waits
  std::string_view bytes;
  static constexpr auto fields =
      std::tuple{&SendMessage::connection, &SendMessage::opcode, &SendMessage::branch, &SendMessage::bytes};
};

struct SendFailed {
  static constexpr LetterKind kind = LetterKind::send_failed;
  ConnectionId connection = ConnectionId::none;
  Errc why = Errc::gone;
  std::string_view branch;
  static constexpr auto fields = std::tuple{&SendFailed::connection, &SendFailed::why, &SendFailed::branch};
};

// A response whose topmost Via branch names the receiver of this letter.
struct SipResponse {
  static constexpr LetterKind kind = LetterKind::sip_response;
  ConnectionId connection = ConnectionId::none;  // it arrived on
  Endpoint remote, local;
  std::string_view bytes;
  static constexpr auto fields =
      std::tuple{&SipResponse::connection, &SipResponse::remote, &SipResponse::local, &SipResponse::bytes};
};

// A datagram request that another worker's transactions own.
struct SipDatagram {
  static constexpr LetterKind kind = LetterKind::sip_datagram;
  Endpoint remote, local;
  std::string_view bytes;
  static constexpr auto fields = std::tuple{&SipDatagram::remote, &SipDatagram::local, &SipDatagram::bytes};
};

// Keepalive and MI to the owner: send a control frame.
struct Ping {
  static constexpr LetterKind kind = LetterKind::ping;
  ConnectionId connection = ConnectionId::none;
  std::uint32_t ticket = 0;  // not 0: the sender wants a MiAnswer
  std::string_view payload;
  static constexpr auto fields = std::tuple{&Ping::connection, &Ping::ticket, &Ping::payload};
};
struct Pong {
  static constexpr LetterKind kind = LetterKind::pong;
  ConnectionId connection = ConnectionId::none;
  std::uint32_t ticket = 0;
  std::string_view payload;
  static constexpr auto fields = std::tuple{&Pong::connection, &Pong::ticket, &Pong::payload};
};

enum class CloseMode : std::uint8_t {
  handshake = 0,     // send a Close frame and wait for the peer's; a second one drops the connection
  after_send = 1,    // send the Close frame and drop the connection when it is out
};
// Send a Close frame (RFC 6455 5.5.1). On a connection that is already closing it drops TCP at once.
struct Close {
  static constexpr LetterKind kind = LetterKind::close;
  ConnectionId connection = ConnectionId::none;
  std::uint32_t ticket = 0;
  std::uint16_t code = 1000;
  CloseMode mode = CloseMode::handshake;
  std::string_view reason;
  static constexpr auto fields =
      std::tuple{&Close::connection, &Close::ticket, &Close::code, &Close::mode, &Close::reason};
};

enum class DropReason : std::uint8_t { no_pong, close_unanswered, operator_said, banned };
// Drop TCP without any Close frame.
struct Drop {
  static constexpr LetterKind kind = LetterKind::drop;
  ConnectionId connection = ConnectionId::none;
  std::uint32_t ticket = 0;
  DropReason reason = DropReason::operator_said;
  static constexpr auto fields = std::tuple{&Drop::connection, &Drop::ticket, &Drop::reason};
};

enum class AnswerPart : std::uint8_t { last = 0, more = 1 };
struct MiAnswer {
  static constexpr LetterKind kind = LetterKind::mi_answer;
  std::uint32_t ticket = 0;
  AnswerPart part = AnswerPart::last;
  std::uint16_t code = 200;
  std::string_view text;
  static constexpr auto fields = std::tuple{&MiAnswer::ticket, &MiAnswer::part, &MiAnswer::code, &MiAnswer::text};
};

// A connection that others had sent to has ended: whoever waits for an answer over it need not wait longer.
struct ConnectionClosed {
  static constexpr LetterKind kind = LetterKind::connection_closed;
  ConnectionId connection = ConnectionId::none;
  static constexpr auto fields = std::tuple{&ConnectionClosed::connection};
};

// To the mirror: the bindings of this address of record have changed; store what shared memory says of them now. A ticket
// other than 0 wants to be told when that is done.
struct StoreBindings {
  static constexpr LetterKind kind = LetterKind::store_bindings;
  std::uint64_t ticket = 0;
  std::string_view aor;
  static constexpr auto fields = std::tuple{&StoreBindings::ticket, &StoreBindings::aor};
};
enum class StoreOutcome : std::uint8_t { stored = 0, failed };
struct BindingsStored {
  static constexpr LetterKind kind = LetterKind::bindings_stored;
  std::uint64_t ticket = 0;
  StoreOutcome outcome = StoreOutcome::stored;
  static constexpr auto fields = std::tuple{&BindingsStored::ticket, &BindingsStored::outcome};
};

// A client has registered from somewhere else than before: what waits for it goes there.
struct ClientMoved {
  static constexpr LetterKind kind = LetterKind::client_moved;
  ClientId client = ClientId::none;
  ConnectionId left = ConnectionId::none;        // where it was, when nobody knows that this has ended
  ConnectionId connection = ConnectionId::none;  // none: `remote` is where it is
  WorkerSlot owner = WorkerSlot::none;
  Endpoint remote, local;
  static constexpr auto fields = std::tuple{&ClientMoved::client, &ClientMoved::left, &ClientMoved::connection, &ClientMoved::owner,
                                            &ClientMoved::remote, &ClientMoved::local};
};

// A CANCEL that belongs to nothing here: its client may have sent the INVITE over the connection before, to another worker.
struct StrayCancel {
  static constexpr LetterKind kind = LetterKind::stray_cancel;
  ConnectionId connection = ConnectionId::none;
  WorkerSlot owner = WorkerSlot::none;
  ClientId client = ClientId::none;
  Endpoint remote, local;
  std::string_view bytes;
  static constexpr auto fields = std::tuple{&StrayCancel::connection, &StrayCancel::owner, &StrayCancel::client,
                                            &StrayCancel::remote, &StrayCancel::local, &StrayCancel::bytes};
};

using Letter =
    std::variant<SendMessage, SendFailed, SipResponse, SipDatagram, Ping, Pong, Close, Drop, MiAnswer, ConnectionClosed, ClientMoved, StoreBindings,
                 BindingsStored, StrayCancel>;

}  // namespace sipwsd::bus
