#include "tests/conformance/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tests/ws/zlib_peer.h"

namespace sipwsd::test::conformance {
namespace {

// How much the daemon takes behind a GET before it has answered (S07).
constexpr std::size_t may_follow_the_get = 8 * 1024;
// Byte by byte up to here, as far as any header goes; then in pieces.
constexpr std::size_t single_bytes = 512, piece = 1021;

struct Neighbour {
  std::string sent, reply;
};

// A window of the server's that lives takes every message in, however short.
bool compresses_all(const Row& row) {
  if (row.profile != Profile::deflate_takeover) return false;
  const auto& agreed = row.from == From::opened ? row.offer : row.outcome.replies.front();
  return agreed.find("permessage-deflate") != std::string::npos && agreed.find("server_no_context_takeover") == std::string::npos;
}

Neighbour neighbour(const Row& row, const std::string& text) {
  switch (row.profile) {
    case Profile::edge:
    case Profile::guarded:
    case Profile::open_to_pages: return {frame(op::text, "\r\n\r\n"), "text \r\n"};
    case Profile::echo:
    case Profile::deflate:
    case Profile::deflate_takeover:
    case Profile::deflate_small: break;
  }
  return {frame(op::text, text), (compresses_all(row) ? "deflated text " : "text ") + text};
}

bool fits(const std::string& came, const std::string& wanted) {
  if (!wanted.ends_with('*')) return came == wanted;
  return came.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1));
}

std::string list(const std::vector<std::string>& replies) {
  std::string out;
  for (const auto& reply : replies) out += "\n    " + printable(reply);
  return out.empty() ? "\n    nothing" : out;
}

// The bytes to send in this cut, and all that has to come back.
struct Play {
  std::string sent;
  std::vector<std::string> replies;
};

Play play_of(const Row& row, Cut cut, const std::string& get, const std::string& accepted) {
  Play play{row.sent, row.outcome.replies};
  if (cut == Cut::between_neighbours) {
    if (row.from == From::opened) {
      const auto before = neighbour(row, "before");
      play.sent.insert(0, before.sent);
      play.replies.insert(play.replies.begin(), before.reply);
    }
    const auto behind = neighbour(row, "behind");
    // Behind the end it must do nothing; inside something unfinished there is no place for it.
    if (row.outcome.then != Then::waits) play.sent += behind.sent;
    if (row.outcome.then == Then::open) play.replies.push_back(behind.reply);
  }
  if (cut == Cut::behind_the_get) {
    play.sent.insert(0, get);
    play.replies.insert(play.replies.begin(), accepted);
  }
  return play;
}

void send(WsClient& client, std::string_view bytes, Cut cut) {
  if (cut != Cut::bytes) {
    static_cast<void>(client.try_send_raw(bytes));
    return;
  }
  // It may end the connection while we are still sending.
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = at < single_bytes ? 1 : piece;
    if (!client.try_send_raw(bytes.substr(at, size))) return;
    at += size;
  }
}

// The client's ear: knows what the handshake has agreed on, and unfolds what was compressed.
class Ear {
 public:
  explicit Ear(WsClient& client) : client_(client) {}

  HttpReply hear_reply() {
    auto reply = client_.read_reply();
    const auto agreed = reply.header("Sec-WebSocket-Extensions");
    if (!agreed) return reply;
    constexpr std::string_view bits = "server_max_window_bits=";
    const auto at = agreed->find(bits);
    zlib_ = std::make_unique<ws::ZlibPeer>(15, at == std::string::npos ? 15 : std::stoi(agreed->substr(at + bits.size())));
    forgets_ = agreed->find("server_no_context_takeover") != std::string::npos;
    return reply;
  }

  std::string hear_frame() {
    auto frame = client_.receive_or_end();
    if (!frame) return "the end";
    if (!zlib_ || (frame->first & 0x48) != 0x40) return described(*frame);
    frame->first &= 0xbf;
    if (forgets_) zlib_->forget_in();
    frame->payload = zlib_->inflated(frame->payload);
    return "deflated " + described(*frame);
  }

  // As many replies as are wanted, or fewer when one is another or the end comes.
  std::vector<std::string> hear(const std::vector<std::string>& wanted) {
    std::vector<std::string> came;
    for (const auto& reply : wanted) {
      came.push_back(reply.starts_with("HTTP/") ? hear_reply().head : hear_frame());
      if (!fits(came.back(), reply)) break;
    }
    return came;
  }

 private:
  WsClient& client_;
  std::unique_ptr<ws::ZlibPeer> zlib_;
  bool forgets_ = false;
};

std::string expect_end(WsClient& client, Transport transport) {
  if (!client.expect_end()) return "the connection was reset, not closed";
  if (transport == Transport::wss && !client.tls().ended_with_close_notify()) return "the end came without close_notify";
  return {};
}

std::string then(const Row& row, Transport transport, WsClient& client) {
  switch (row.outcome.then) {
    case Then::open: {
      client.send_ping("probe");
      const auto came = client.receive_or_end();
      if (came && described(*came) == "pong probe") return {};
      return "it should live, but instead of the pong came " + (came ? described(*came) : "the end");
    }
    case Then::ends: return expect_end(client, transport);
    case Then::waits:
      daemon(row.profile).settle();
      if (client.has_something_within(std::chrono::milliseconds(0))) return "something came before it was whole";
      client.end_sending();
      return client.expect_end() ? "" : "the connection was reset, not closed";
  }
  return {};
}

std::string without_exception(const Row& row, Transport transport, Cut cut) {
  auto& server = daemon(row.profile);
  auto client = server.connect(transport);
  Ear ear(client);
  auto offer = server.offer();
  if (!row.offer.empty()) offer.headers.push_back("Sec-WebSocket-Extensions: " + row.offer);
  const std::string get = WsClient::request(server.server().port(), offer);
  if (row.from == From::opened && cut != Cut::behind_the_get) {
    client.send_raw(get);
    if (const auto reply = ear.hear_reply(); reply.status() != 101) return "handshake refused: " + reply.head;
  }
  const auto play = play_of(row, cut, get, "HTTP/1.1 101*");

  send(client, play.sent, cut);

  const auto came = ear.hear(play.replies);
  if (transport == Transport::wss) server.remember(client);
  if (!std::equal(came.begin(), came.end(), play.replies.begin(), play.replies.end(), fits))
    return "came:" + list(came) + "\n  instead of:" + list(play.replies);
  return then(row, transport, client);
}

}  // namespace

std::vector<Cut> cuts_for(const Row& row) {
  std::vector<Cut> cuts{Cut::whole, Cut::bytes, Cut::between_neighbours};
  if (row.from == From::opened && row.sent.size() <= may_follow_the_get) cuts.push_back(Cut::behind_the_get);
  return cuts;
}

std::string name_of(Cut cut) {
  static constexpr std::array<const char*, 4> names{"whole", "byte by byte", "between neighbours", "behind the GET"};
  return names.at(static_cast<std::size_t>(cut));
}

std::string described(const Frame& frame) {
  static constexpr std::array<const char*, 16> names{"continuation", "text", "binary", "opcode 3", "opcode 4", "opcode 5",
                                                     "opcode 6", "opcode 7", "close", "ping", "pong", "opcode 11",
                                                     "opcode 12", "opcode 13", "opcode 14", "opcode 15"};
  std::string out;
  if (frame.masked) out += "masked ";
  if ((frame.first & 0x70) != 0) out += "rsv " + std::to_string(frame.first >> 4 & 7) + " ";
  if ((frame.first & 0x80) == 0) out += "unfinished ";
  out += names.at(frame.first & 0x0f);
  if (frame.is_close() && frame.payload.size() >= 2) {
    out += " " + std::to_string(frame.close_code());
    return frame.payload.size() == 2 ? out : out + " " + frame.close_reason();
  }
  return frame.is_close() && frame.payload.empty() ? out : out + " " + shown(frame.payload);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c >= ' ' && c < 0x7f) out += c;
    else out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string run(const Row& row, Transport transport, Cut cut) {
  try {
    return without_exception(row, transport, cut);
  } catch (const Disappointed& why) {
    return why.what();
  }
}

}  // namespace sipwsd::test::conformance
