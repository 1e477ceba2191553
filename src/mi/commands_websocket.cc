// The six commands of the websocket module, texts and codes as in reference/websocket.md 3.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "src/base/text.h"
#include "src/mi/command_table.h"
#include "src/mi/dump_order.h"

namespace sipwsd::mi {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_dumped = 50;
constexpr auto worker_must_answer_within = 2s;

std::string dump_line(const shm::ConnectionRecord& r, std::int64_t now) {
  const auto protocol = name(r.remote.protocol);
  return fmt::format("{}: {}:{}:{} -> {}:{}:{} (state: {}, {} last used {}s ago, sub-protocol: {})", number(r.id()), protocol,
                     r.remote.address_text(), r.remote.port, protocol, r.local.address_text(), r.local.port,
                     shm::name(r.state()), r.is_awaiting_pong() ? "awaiting Pong, " : "",
                     std::max<std::int64_t>(0, now - r.last_used), r.sub_protocol() == SubProtocol::none ? "**UNKNOWN**" : name(r.sub_protocol()));
}

void ws_dump(Call& call) {
  DumpOrder order = DumpOrder::id_hash;
  if (!call.arguments().empty()) {
    const auto& word = call.arguments()[0].value;
    if (word.empty()) return call.reply(Reply::error(400, "Empty display order parameter"));
    const auto wanted = dump_order(word);
    if (!wanted) return call.reply(Reply::error(400, "Bad display order parameter"));
    if (call.arguments().size() > 1) return call.reply(Reply::error(400, "Too many parameters"));
    order = *wanted;
  }
  const auto& connections = call.context().shared.connections;
  std::vector<shm::ConnectionRecord> records;
  for (std::uint32_t stripe = 0; stripe < shm::ConnectionTable::stripes(); ++stripe) connections.copy_stripe(stripe, records);
  std::erase_if(records, [](const shm::ConnectionRecord& r) { return !r.is_websocket(); });
  sort_for_dump(records, order);
  const auto now = base::whole_seconds(call.context().clock.now());
  Reply reply;
  const std::size_t shown = std::min(records.size(), max_dumped);
  for (std::size_t i = 0; i < shown; ++i) reply.line(dump_line(records[i], now));
  reply.line(fmt::format("{} WebSocket connection{} found{}", shown, shown == 1 ? "" : "s",
                         records.size() > shown ? "(truncated)" : ""));
  call.reply(std::move(reply));
}

// The connection that is meant, or nothing when the error has been answered. The order of the checks is the module's.
std::optional<shm::ConnectionRecord> named_connection(Call& call) {
  const auto& arguments = call.arguments();
  const auto refuse = [&](const char* reason) {
    call.reply(Reply::error(400, reason));
    return std::nullopt;
  };
  if (arguments.empty() || arguments[0].value.empty()) return refuse("Empty connection ID parameter");
  const auto id = base::parse_decimal<std::uint32_t>(arguments[0].value);
  if (!id) return refuse("Error converting string to int");
  if (arguments.size() > 1) return refuse("Too many parameters");
  auto record = call.context().shared.connections.find(static_cast<ConnectionId>(*id));
  const bool alive = record && record->is_websocket() &&
                     (record->state() == shm::ConnectionState::open || record->state() == shm::ConnectionState::closing);
  if (!alive) return refuse("Bad connection ID parameter");
  return record;
}

// Posts `letter` to the owner of `record` and answers `call` when it has.
template <typename Letter>
void ask_owner(Call& call, const shm::ConnectionRecord& record, Letter letter, const char* failure) {
  Context& context = call.context();
  const auto owner = shm::process_slot(record.owner());
  letter.connection = record.id();
  letter.ticket = context.tickets.open({owner}, context.clock.now() + worker_must_answer_within,
                                       [answer = call.later(), failure](bus::TicketEnd end, const std::vector<bus::Answer>& answers) {
                                         const bool done = end == bus::TicketEnd::answered && !answers.empty() && answers[0].code == 200;
                                         answer(done ? Reply::ok() : Reply::error(500, failure));
                                       });
  if (!context.mailbox.post(owner, letter)) {
    context.tickets.cancel(letter.ticket);
    call.reply(Reply::error(500, failure));
  }
}

void ws_close(Call& call) {
  if (const auto record = named_connection(call))
    ask_owner(call, *record, bus::Close{.code = 1000, .reason = "Normal closure"}, "Error closing connection");
}

void ws_ping(Call& call) {
  if (const auto record = named_connection(call))
    ask_owner(call, *record, bus::Ping{.payload = call.context().settings.ping_application_data}, "Error sending frame");
}

void ws_pong(Call& call) {
  if (const auto record = named_connection(call))
    ask_owner(call, *record, bus::Pong{.payload = call.context().settings.ping_application_data}, "Error sending frame");
}

void ws_enable(Call& call) {
  call.context().shared.switches->set_ws_enabled(true);
  call.reply(Reply::ok());
}

void ws_disable(Call& call) {
  call.context().shared.switches->set_ws_enabled(false);
  call.reply(Reply::ok());
}

constexpr std::array table{
    Command{"ws.dump", "[order]", "the first 50 connections, by id_hash (default), used_desc or used_asc", Input::parsed, ws_dump, Effect::reads},
    Command{"ws.close", "id", "starts the closing handshake; ends a connection that is closing already", Input::parsed, ws_close},
    Command{"ws.ping", "id", "sends a Ping frame", Input::parsed, ws_ping},
    Command{"ws.pong", "id", "sends a Pong frame", Input::parsed, ws_pong},
    Command{"ws.disable", "", "refuses new handshakes with 503; live connections go on", Input::parsed, ws_disable},
    Command{"ws.enable", "", "allows handshakes again", Input::parsed, ws_enable},
};

}  // namespace

std::span<const Command> websocket_commands() noexcept { return table; }

}  // namespace sipwsd::mi
