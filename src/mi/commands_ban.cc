// Who is not served for a while, and why (S44): to look at, to add to, to lift, and to hand on to a packet filter.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include "src/base/network.h"
#include "src/base/text.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

constexpr std::int64_t longest_ban = 31'536'000;
// When ban_time says that nobody is banned for strikes, an operator still may.
constexpr std::int64_t usual_ban = 600;

std::string ban_line(const shm::Ban& ban, std::int64_t now) {
  return fmt::format("{}: {}, {} strikes, banned {}s ago, {}s left", base::subject_text(ban.subject), shm::name(ban.reason),
                     ban.strikes, now - ban.since, ban.until - now);
}

// For `nft -f`; the sets are there already, of types ipv4_addr and ipv6_addr, flags interval and timeout.
std::string nft_line(const shm::Ban& ban, std::int64_t now) {
  return fmt::format("add element inet sipwsd banned{} {{ {} timeout {}s }}",
                     ban.subject.family == AddressFamily::ipv6 ? 6 : 4, base::subject_text(ban.subject), ban.until - now);
}

void ban_list(Call& call) {
  const auto& arguments = call.arguments();
  if (arguments.size() > 1) return call.reply(Reply::error(400, "Too many parameters"));
  if (!arguments.empty() && arguments[0].value != "nft") return call.reply(Reply::error(400, "Bad list format parameter"));
  const auto now = base::whole_seconds(call.context().clock.now());
  auto bans = call.context().shared.bans.bans(now);
  std::sort(bans.begin(), bans.end(), [](const shm::Ban& a, const shm::Ban& b) {
    return std::tie(a.subject.family, a.subject.address) < std::tie(b.subject.family, b.subject.address);
  });
  Reply reply;
  if (!arguments.empty()) {
    for (const shm::Ban& ban : bans) reply.line(nft_line(ban, now));
    return call.reply(std::move(reply));
  }
  for (const shm::Ban& ban : bans) reply.line(ban_line(ban, now));
  reply.line(fmt::format("{} address{} banned", bans.size(), bans.size() == 1 ? "" : "es"));
  call.reply(std::move(reply));
}

// An address, or the /64 that ban.list prints for IPv6.
std::optional<Endpoint> address_in(const std::string& text) {
  const auto network = base::Network::parse(text);
  if (!network) return std::nullopt;
  const bool is_one = network->family() == AddressFamily::ipv4 ? network->bits() == 32 : network->bits() >= 64;
  return is_one ? std::optional(network->address()) : std::nullopt;
}

// Or nothing, when the error has been answered.
std::optional<Endpoint> named_address(Call& call, std::size_t most_arguments) {
  const auto& arguments = call.arguments();
  const auto refuse = [&](const char* reason) {
    call.reply(Reply::error(400, reason));
    return std::nullopt;
  };
  if (arguments.empty() || arguments[0].value.empty()) return refuse("Empty address parameter");
  if (arguments.size() > most_arguments) return refuse("Too many parameters");
  const auto address = address_in(arguments[0].value);
  if (!address) return refuse("Bad address parameter");
  return address;
}

// What it has open goes too. A worker whose mailbox is full keeps its own for now; they are refused when they come back.
std::size_t drop_connections(Call& call, const Endpoint& subject) {
  Context& context = call.context();
  std::vector<shm::ConnectionRecord> records;
  for (std::uint32_t stripe = 0; stripe < shm::ConnectionTable::stripes(); ++stripe)
    context.shared.connections.copy_stripe(stripe, records);
  std::size_t dropped = 0;
  for (const shm::ConnectionRecord& record : records) {
    if (base::subject_of(record.remote) != subject || record.owner() == WorkerSlot::none) continue;
    if (context.mailbox.post(shm::process_slot(record.owner()),
                             bus::Drop{.connection = record.id(), .ticket = 0, .reason = bus::DropReason::banned}))
      ++dropped;
  }
  return dropped;
}

void ban_add(Call& call) {
  const auto address = named_address(call, 2);
  if (!address) return;
  const config::Settings& settings = call.context().settings;
  std::int64_t seconds = settings.ban_time.count() > 0 ? settings.ban_time.count() : usual_ban;
  if (call.arguments().size() > 1) {
    const auto given = base::parse_decimal<std::uint32_t>(call.arguments()[1].value);
    if (!given) return call.reply(Reply::error(400, "Error converting string to int"));
    if (*given == 0 || *given > longest_ban) return call.reply(Reply::error(400, "Bad time parameter"));
    seconds = *given;
  }
  if (settings.trusted_proxies.contains(*address)) return call.reply(Reply::error(403, "Address is a trusted proxy"));
  if (settings.limits_exempt.contains(*address)) return call.reply(Reply::error(403, "Address is exempt from bans"));
  const Endpoint subject = base::subject_of(*address);
  const auto now = base::whole_seconds(call.context().clock.now());
  call.context().shared.bans.ban(
      {.subject = subject, .reason = shm::BanReason::by_operator, .strikes = 0, .since = now, .until = now + seconds});
  const std::size_t dropped = drop_connections(call, subject);
  Reply reply;
  reply.line(fmt::format("{} banned for {}s, {} connection{} dropped", base::subject_text(subject), seconds, dropped,
                         dropped == 1 ? "" : "s"));
  call.reply(std::move(reply));
}

void ban_remove(Call& call) {
  shm::BanTable& bans = call.context().shared.bans;
  if (call.arguments().size() == 1 && call.arguments()[0].value == "all") {
    bans.lift_all();
    return call.reply(Reply::ok());
  }
  const auto address = named_address(call, 1);
  if (!address) return;
  if (!bans.lift(*address)) return call.reply(Reply::error(404, "Address is not banned"));
  call.reply(Reply::ok());
}

constexpr std::array table{
    Command{"ban.list", "[nft]", "banned addresses with reason, strikes and time left; nft: as elements of nftables sets", Input::parsed,
            ban_list, Effect::reads},
    Command{"ban.add", "address [seconds]", "bans an address, or the /64 of an IPv6 one, and drops its connections", Input::parsed,
            ban_add},
    Command{"ban.remove", "address | all", "lifts a ban and forgets the strikes that led to it", Input::parsed, ban_remove},
};

}  // namespace

std::span<const Command> ban_commands() noexcept { return table; }

}  // namespace sipwsd::mi
