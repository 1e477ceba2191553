// The location service as usrloc shows it (reference/fifo.md 7).
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "src/base/text.h"
#include "src/location/gruu.h"
#include "src/mi/command_table.h"
#include "src/sip/header_list.h"
#include "src/sip/name_addr.h"
#include "src/sip/uri.h"

namespace sipwsd::mi {
namespace {

// As few digits as it takes; nothing when the client gave none.
std::string q_of(const shm::Binding& b) { return b.q < 0 ? "" : fmt::format("{}", b.q / 1000.0); }

std::string expires_of(const shm::Binding& b, std::int64_t now) {
  if (b.expires_at == 0) return "permanent";
  return b.expires_at <= now ? "expired" : std::to_string(b.expires_at - now);
}

Node contact_node(const shm::Binding& b, std::int64_t now) {
  Node node{"Contact", std::string(b.contact), {{"Q", q_of(b)}}, {}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) node.children.push_back({name, std::move(value), {}, {}});
  };
  add("Expires", expires_of(b, now));
  add("Callid", std::string(b.call_id));
  add("Cseq", std::to_string(b.cseq));
  add("User-agent", std::string(b.user_agent));
  add("Received", std::string(b.received));
  add("Path", std::string(b.path));
  add("State", b.state == shm::BindingState::active ? "CS_SYNC" : "CS_DIRTY");
  add("Flags", std::to_string(b.flags));
  add("Instance", std::string(b.instance));
  if (b.reg_id != 0) add("Reg-Id", std::to_string(b.reg_id));
  if (!b.instance.empty()) add("Pub-Gruu", location::Gruus::public_gruu(b.aor, b.instance));
  if (b.to.is_flow()) add("Connection", std::to_string(number(b.to.flow.connection)));
  if (b.to.is_address()) add("Address", b.to.remote.to_string());
  if (b.to.local.family != AddressFamily::none) add("Socket", b.to.local.to_string());
  if (b.state == shm::BindingState::suspended) add("Suspended", std::to_string(std::max<std::int64_t>(0, b.suspended_until - now)));
  return node;
}

void ul_dump(Call& call) {
  const bool brief = !call.arguments().empty() && call.arguments()[0].value == "brief";
  if (call.arguments().size() > 1 || (!call.arguments().empty() && !brief)) return call.reply(Reply::error(400, "Bad parameter"));
  const auto& bindings = call.context().shared.bindings;
  const auto now = base::whole_seconds(call.context().clock.now());
  std::map<std::string, std::vector<Node>> users;
  std::size_t longest = 0;
  shm::BindingSnapshot stripe;
  for (std::uint32_t i = 0; i < shm::BindingTable::stripes(); ++i) {
    bindings.copy_stripe(i, stripe);
    for (const auto& b : stripe) {
      auto& contacts = users[std::string(b.aor)];
      contacts.push_back(brief ? Node{"Contact", std::string(b.contact), {{"Q", q_of(b)}}, {}} : contact_node(b, now));
      longest = std::max(longest, contacts.size());
    }
  }
  Node domain{"Domain",
              "location",
              {{"table", std::to_string(shm::BindingTable::stripes())},
               {"records", std::to_string(users.size())},
               {"max_slot", std::to_string(longest)}},
              {}};
  for (auto& [aor, contacts] : users) domain.children.push_back({"AOR", aor, {}, std::move(contacts)});
  Reply reply;
  reply.nodes.push_back(std::move(domain));
  call.reply(std::move(reply));
}

// Best effort: what the mirror is not told comes back with a restart, until it expires.
void tell_mirror(Call& call, std::string_view aor) {
  Context& context = call.context();
  if (context.mirror == shm::ProcessSlot::none) return;
  static_cast<void>(context.mailbox.post(context.mirror, bus::StoreBindings{.ticket = 0, .aor = aor}));
}

// Removes the bindings of arguments[1] that `wanted` picks; how many there were to pick from comes back.
template <typename Wanted>
Result<std::size_t> remove_bindings(Call& call, Wanted wanted) {
  auto& bindings = call.context().shared.bindings;
  const std::string& aor = call.arguments()[1].value;
  for (int attempt = 0; attempt < 16; ++attempt) {
    shm::BindingSnapshot before;
    bindings.snapshot(aor, before);
    std::vector<shm::BindingChange> changes;
    for (const auto& b : before)
      if (wanted(b)) changes.push_back({.kind = shm::BindingChange::Kind::remove, .serial = b.serial, .binding = {}});
    if (before.empty()) return Errc::not_found;
    if (changes.empty()) return std::size_t{0};
    const auto committed = bindings.commit(call.context().mailbox.self(), aor, before.version(), changes);
    if (committed) {
      tell_mirror(call, aor);
      return changes.size();
    }
    if (!committed.is(Errc::exists)) return committed.error();
  }
  return Errc::full;
}

// False: the error has been answered.
bool names_an_aor(Call& call, std::size_t arguments) {
  if (call.arguments().size() != arguments) call.reply(Reply::error(400, "Too few or too many arguments"));
  else if (call.arguments()[0].value != "location") call.reply(Reply::error(404, "Table not found"));
  else if (call.arguments()[1].value.find('@') == std::string::npos) call.reply(Reply::error(400, "Domain missing in AOR"));
  else return true;
  return false;
}

void ul_rm(Call& call) {
  if (!names_an_aor(call, 2)) return;
  const auto removed = remove_bindings(call, [](const shm::Binding&) { return true; });
  if (removed || removed.is(Errc::not_found)) return call.reply(Reply::ok());
  call.reply(Reply::error(500, "Failed to delete AOR"));
}

void ul_rm_contact(Call& call) {
  if (!names_an_aor(call, 3)) return;
  const std::string& contact = call.arguments()[2].value;
  const auto removed = remove_bindings(call, [&](const shm::Binding& b) { return b.contact == contact; });
  if (removed.is(Errc::not_found)) return call.reply(Reply::error(404, "AOR not found"));
  if (!removed) return call.reply(Reply::error(500, "Failed to delete AOR"));
  call.reply(*removed == 0 ? Reply::error(404, "Contact not found") : Reply::ok());
}

void ul_show_contact(Call& call) {
  if (!names_an_aor(call, 2)) return;
  const auto now = base::whole_seconds(call.context().clock.now());
  shm::BindingSnapshot found;
  call.context().shared.bindings.snapshot(call.arguments()[1].value, found);
  if (found.empty()) return call.reply(Reply::error(404, "AOR not found"));
  Reply reply;
  for (const auto& b : found) {
    if (b.expires_at != 0 && b.expires_at <= now) continue;
    std::string line = fmt::format("<{}>;q={};expires={};flags=0x{:X};cflags=0x0;state={};methods=0x{:X}", b.contact, q_of(b),
                                   b.expires_at == 0 ? 0 : b.expires_at - now, b.flags,
                                   b.state == shm::BindingState::active ? 1 : 2, b.methods);
    if (!b.received.empty()) line += fmt::format(";received=<{}>", b.received);
    if (!b.user_agent.empty()) line += fmt::format(";user_agent=<{}>", b.user_agent);
    if (!b.path.empty()) line += fmt::format(";path=<{}>", b.path);
    if (!b.instance.empty()) line += fmt::format(";+sip.instance={}", b.instance);
    line += fmt::format(";reg-id={}", b.reg_id);
    reply.item("Contact", std::move(line));
  }
  call.reply(reply.nodes.empty() ? Reply::error(404, "AOR has no contacts") : std::move(reply));
}

// -1 is none; 0 to 1 otherwise.
std::optional<std::int16_t> q_from(std::string_view text) {
  double q = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), q);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (q == -1) return std::int16_t{-1};
  if (!(q >= 0 && q <= 1)) return std::nullopt;
  return static_cast<std::int16_t>(q * 1000 + 0.5);
}

bool is_path(std::string_view text) {
  for (const auto& hop : sip::values(text))
    if (!sip::parse_name_addr(hop.text)) return false;
  return true;
}

// An operator may name any place: what he enters leads to its path or its contact.
void ul_add(Call& call) {
  if (!names_an_aor(call, 9)) return;
  const auto argument = [&](std::size_t i) -> const std::string& { return call.arguments()[i].value; };
  const auto expires = base::parse_decimal<std::uint32_t>(argument(3));
  const auto q = q_from(argument(4));
  const std::string path = argument(5) == "0" ? std::string{} : argument(5);
  const auto flags = base::parse_decimal<std::uint16_t>(argument(6));
  const auto methods = base::parse_decimal<std::uint32_t>(argument(8));
  const bool has_line_end = (argument(1) + argument(2) + path).find_first_of("\r\n") != std::string::npos;
  if (!sip::parse_uri(argument(2)) || !expires || !q || !is_path(path) || !flags || !methods || has_line_end)
    return call.reply(Reply::error(400, "Bad parameter"));
  auto& bindings = call.context().shared.bindings;
  const std::int64_t now = base::whole_seconds(call.context().clock.now());
  shm::BindingChange change;
  change.binding.contact = argument(2);
  change.binding.call_id = "ul_add";
  change.binding.user_agent = "sipwsctl";
  change.binding.path = path;
  change.binding.cseq = 1;
  change.binding.q = *q;
  change.binding.flags = *flags;
  change.binding.methods = *methods;
  change.binding.expires_at = *expires == 0 ? 0 : now + *expires;
  change.binding.updated_at = now;
  for (int attempt = 0; attempt < 16; ++attempt) {
    shm::BindingSnapshot before;
    bindings.snapshot(argument(1), before);
    const auto same = std::find_if(before.begin(), before.end(), [&](const shm::Binding& b) { return b.contact == argument(2); });
    change.kind = same == before.end() ? shm::BindingChange::Kind::add : shm::BindingChange::Kind::replace;
    change.serial = same == before.end() ? 0 : same->serial;
    const auto committed = bindings.commit(call.context().mailbox.self(), argument(1), before.version(), {&change, 1});
    if (committed.is(Errc::exists)) continue;
    if (!committed) break;
    tell_mirror(call, argument(1));
    return call.reply(Reply::ok());
  }
  call.reply(Reply::error(500, "Contact cannot be stored"));
}

constexpr std::array table{
    Command{"ul_dump", "[brief]", "every address of record with its contacts", Input::parsed, ul_dump, Effect::reads},
    Command{"ul_rm", "table aor", "removes all contacts of an address of record; the table is called location", Input::parsed, ul_rm},
    Command{"ul_rm_contact", "table aor contact", "removes one contact", Input::parsed, ul_rm_contact},
    Command{"ul_add", "table aor contact expires q path flags cflags methods",
            "adds or replaces a contact that leads to its own URI or to the path; expires 0 is for ever, q -1 and path 0 are none",
            Input::parsed, ul_add},
    Command{"ul_show_contact", "table aor", "the contacts of one address of record, a line each", Input::parsed, ul_show_contact, Effect::reads},
};

}  // namespace

std::span<const Command> location_commands() noexcept { return table; }

}  // namespace sipwsd::mi
