#include "src/location/registrar.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/sip/call_id.h"
#include "src/sip/contact.h"
#include "src/sip/cseq.h"
#include "src/sip/expires.h"
#include "src/sip/from_to.h"
#include "src/sip/header_list.h"
#include "src/sip/name_addr.h"
#include "src/sip/option_tags.h"

namespace sipwsd::location {
namespace {

// Somebody else may change the same address of record between snapshot and commit; each loser starts again.
constexpr int attempts = 16;
constexpr std::size_t max_contacts_in_request = shm::BindingTable::max_changes;
constexpr std::size_t max_path_hops = 5;  // S26: each is a place that a request to the contact is sent through
constexpr std::string_view registrar_error = "P-Registrar-Error: ";

Errc refuse(Registration& out, int status, std::string_view reason, std::string_view why) {
  out.status = status;
  out.reason = reason;
  if (!why.empty()) out.headers.push_back(std::string(registrar_error) + std::string(why));
  return Errc::refused;
}

std::string retry_after(std::chrono::seconds seconds) { return "Retry-After: " + std::to_string(seconds.count()); }

bool uses_flows(const WantedContact& wanted) { return wanted.reg_id != 0; }

// A header value may be folded (RFC 3261 7.3.1); what is stored is written into header lines again, where it may not.
std::string on_one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

// Contact parameters to give back: all but those the registrar has fields of its own for.
std::string other_parameters(const sip::Params& params) {
  std::string out;
  for (const sip::Param& p : params) {
    if (equals_nocase(p.name, "expires") || equals_nocase(p.name, "q") || equals_nocase(p.name, "+sip.instance") ||
        equals_nocase(p.name, "reg-id") || equals_nocase(p.name, "pub-gruu") || equals_nocase(p.name, "temp-gruu") ||
        equals_nocase(p.name, "received"))
      continue;
    out += ';';
    out += p.name;
    if (p.has_value) {
      out += '=';
      out += p.value;
    }
  }
  return on_one_line(std::move(out));
}

std::string q_text(std::int16_t q) {
  if (q >= 1000) return "1";
  std::string digits = std::to_string(1000 + q).substr(1);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return "0." + digits;
}

// For the operator: where a datagram client really is, when its Contact says something else (it is behind a NAT).
std::string received_of(const std::vector<WantedContact>& wanted, const Endpoint& source) {
  const std::string host = source.host_text();
  const auto says_so = [&](const WantedContact& w) {
    const auto contact = sip::parse_uri(w.uri);
    return contact && contact->host == host && contact->port.value_or(5060) == source.port;
  };
  if (std::all_of(wanted.begin(), wanted.end(), says_so)) return {};
  return "sip:" + host + ":" + std::to_string(source.port);
}

// RFC 5626 6: Outbound works when the first hop keeps the flow. We are that hop, or one in the Path says `ob`.
bool first_hop_keeps_flows(const sip::MessageView& request) {
  std::size_t hops = 0;
  for ([[maybe_unused]] const auto& via : sip::values(request, sip::HeaderId::via)) ++hops;
  if (hops <= 1) return true;
  for (const auto& hop : sip::values(request, sip::HeaderId::path)) {
    const auto address = sip::parse_name_addr(hop.text);
    if (address && address->uri.params.has("ob")) return true;
  }
  return false;
}

}  // namespace

std::int64_t Registrar::granted(std::int64_t asked) const noexcept {
  if (asked == 0) return 0;
  if (settings_.min_expires.count() > 0) asked = std::max<std::int64_t>(asked, settings_.min_expires.count());
  if (settings_.max_expires.count() > 0) asked = std::min<std::int64_t>(asked, settings_.max_expires.count());
  return asked;
}

Result<void> Registrar::read_contacts(const sip::MessageView& request, Registration& out) {
  const auto header = sip::expires(request);
  for (const sip::ListValue& value : sip::contacts(request)) {
    if (value.text.empty()) continue;
    if (base::trim(value.text) == "*")  // "*" among others; alone it never comes here
      return refuse(out, 400, "Bad Request", "* is not the only contact");
    auto contact = sip::parse_contact(value.text);
    if (!contact) return refuse(out, 400, "Bad Request", "Contact cannot be parsed");
    if (wanted_.size() == max_contacts_in_request) return refuse(out, 503, "Service Unavailable", "Too many registered contacts");
    // RFC 5627 5.1: a name of the address of record is no place where it can be found.
    if (contact->uri().gr() && sip::canonical_aor(contact->uri()).ends_with(out.aor.substr(out.aor.rfind('@'))))
      return refuse(out, 403, "Forbidden", "Contact is a GRUU of this domain");
    WantedContact& w = wanted_.emplace_back();
    w.uri = contact->uri().text;
    w.parameters = other_parameters(contact->address.params);
    w.instance = on_one_line(std::string(contact->instance));
    w.expires = granted(contact->expires ? *contact->expires : header ? *header : settings_.default_expires.count());
    if (!contact->instance.empty() && contact->reg_id) w.reg_id = *contact->reg_id;
    if (contact->address.params.has("q")) w.q = static_cast<std::int16_t>(contact->q);
  }
  return {};
}

// RFC 5626 6: whether reg-id counts, and what a request may hold besides.
Result<void> Registrar::check_outbound(const sip::MessageView& request, Registration& out) {
  if (std::none_of(wanted_.begin(), wanted_.end(), uses_flows)) return {};
  if (!first_hop_keeps_flows(request)) {
    if (sip::supports(request, "outbound")) return refuse(out, 439, "First Hop Lacks Outbound Support", "");
    for (WantedContact& w : wanted_) w.reg_id = 0;
    return {};
  }
  // A flow is one: with a reg-id one contact is registered, though others may be removed.
  if (std::count_if(wanted_.begin(), wanted_.end(), [](const WantedContact& w) { return w.expires != 0; }) > 1)
    return refuse(out, 400, "Bad Request", "A contact with reg-id is not the only one");
  return {};
}

// RFC 3327 5.3.
Result<std::string> Registrar::read_path(const sip::MessageView& request, Registration& out) const {
  std::string path;
  std::size_t hops = 0;
  for (const auto& hop : sip::values(request, sip::HeaderId::path)) {
    if (hop.text.empty()) continue;
    if (++hops > max_path_hops) return refuse(out, 400, "Bad Request", "Too many hops in Path");
    if (!path.empty()) path += ", ";
    path += hop.text;
  }
  if (!path.empty() && settings_.path_mode == 2 && !sip::supports(request, "path")) {
    out.headers.emplace_back("Unsupported: path");
    return refuse(out, 420, "Bad Extension", "Path is used, and the client does not support it");
  }
  return on_one_line(std::move(path));
}

// Along the flow, or to the address that it came from: never to one that a client only wrote (S25). A server that is
// trusted to name places (peers) sends many clients' requests along one connection: there the Path leads.
Destination Registrar::destination_of(const Arrival& arrival, std::string_view path) const {
  const bool is_server = settings_.peers.contains(arrival.remote) && !is_websocket(arrival.remote.protocol);
  if (!path.empty() && is_server) return {};
  return arrival.back();
}

Registration Registrar::process(const sip::MessageView& request, const Arrival& arrival) {
  Registration out;
  const auto to = sip::to(request);
  const auto cseq = sip::cseq(request);
  wanted_.clear();
  const bool star = sip::is_star(request);
  if (!check(request, to, static_cast<bool>(cseq), star, out)) return out;
  if (!star && !(read_contacts(request, out) && check_outbound(request, out))) return out;
  const auto path = read_path(request, out);
  if (!path) return out;
  const Destination here = destination_of(arrival, *path);
  const std::string received = here.is_address() ? received_of(wanted_, arrival.remote) : std::string{};
  RegistrationFacts facts{.aor = out.aor,
                          .call_id = request.value(sip::HeaderId::call_id),
                          .user_agent = request.value(sip::HeaderId::user_agent),
                          .path = *path,
                          .received = received,
                          .cseq = cseq->number,
                          .flow = arrival.flow,
                          .to = here};
  out.is_change = star || !wanted_.empty();
  for (int attempt = 0; attempt < attempts; ++attempt) {
    facts.now = base::whole_seconds(clock_.now());
    store_.snapshot(out.aor, before_);
    switch (change(facts, star, out)) {
      case Outcome::refused: return out;
      case Outcome::again: continue;
      case Outcome::done: break;
    }
    plan_.find_returned(out.returned);
    store_.snapshot(out.aor, before_);
    answer(request, facts, before_, out);
    for (const shm::Binding& b : before_) {
      if (b.state != shm::BindingState::active || !b.to.is_known() || b.to != here) continue;
      out.bound_here |= b.to.is_flow();
      out.client = b.client;  // the oldest stays: the newest come first
    }
    return out;
  }
  static_cast<void>(refuse(out, 500, "Server Internal Error", "Address of record is changed too often"));
  return out;
}

Result<void> Registrar::check(const sip::MessageView& request, const Result<sip::NameAddr>& to, bool has_cseq, bool star,
                              Registration& out) const {
  if (!to || !has_cseq) return refuse(out, 400, "Bad Request", "To or CSeq cannot be parsed");
  if (!to->uri.is_sip()) return refuse(out, 400, "Bad Request", "To is not a SIP URI");
  if (to->uri.user.empty()) return refuse(out, 400, "Bad Request", "No username in To URI");
  out.aor = sip::canonical_aor(to->uri);
  if (!star) return {};
  const auto expires = sip::expires(request);
  if (!expires || *expires != 0) return refuse(out, 400, "Bad Request", "* used in contact and expires is not zero");  // 10.2.2
  return {};
}

// One attempt: somebody else may change the address of record at the same time.
Registrar::Outcome Registrar::change(const RegistrationFacts& facts, bool star, Registration& out) {
  plan_.begin(facts, before_);
  Result<void> planned;
  if (star) planned = plan_.remove_all();
  for (std::size_t i = 0; i < wanted_.size() && planned; ++i) planned = plan_.apply(wanted_[i]);
  if (!planned) {
    static_cast<void>(refuse(out, 400, "Bad Request", "Invalid CSeq number"));
    return Outcome::refused;
  }
  if (settings_.max_contacts != 0 && plan_.added() != 0) {
    plan_.make_room(settings_.max_contacts);
    if (plan_.in_force() > settings_.max_contacts) {
      static_cast<void>(refuse(out, 503, "Service Unavailable", "Too many registered contacts"));
      if (settings_.registrar_retry_after.count() > 0) out.headers.push_back(retry_after(settings_.registrar_retry_after));
      return Outcome::refused;
    }
  }
  plan_.drop_expired();
  if (plan_.changes().empty()) return Outcome::done;
  // Only "*" can be more than one commit takes: it is done in several.
  const bool more = plan_.changes().size() > shm::BindingTable::max_changes;
  const auto changes = more ? plan_.changes().first(shm::BindingTable::max_changes) : plan_.changes();
  const auto committed = store_.commit(out.aor, before_.version(), changes);
  if (committed) return more ? Outcome::again : Outcome::done;
  if (committed.is(Errc::exists)) return Outcome::again;
  out.table_is_full = committed.is(Errc::full);
  static_cast<void>(refuse(out, out.table_is_full ? 503 : committed.is(Errc::too_large) ? 413 : 500, "",
                           out.table_is_full ? "Location service is full" : "Contact cannot be stored"));
  if (out.table_is_full) out.headers.push_back(retry_after(settings_.retry_after));
  return Outcome::refused;
}

void Registrar::answer(const sip::MessageView& request, const RegistrationFacts& facts, const shm::BindingSnapshot& bindings,
                       Registration& out) const {
  const bool with_gruus = settings_.gruu_enabled && sip::supports(request, "gruu");
  std::string contacts;
  contacts.reserve(512);  // one binding with all it can say; out.headers takes it over
  out.headers.reserve(6);
  for (const shm::Binding& b : bindings)
    if (!has_expired(b, facts.now)) append_contact(contacts, b, facts.now, with_gruus);
  const bool is_bound = !contacts.empty();
  if (is_bound) out.headers.push_back(std::move(contacts));
  // RFC 5626 6: says that reg-id was understood, so it stands only in the answer to one.
  if (std::none_of(wanted_.begin(), wanted_.end(), uses_flows) || !sip::supports(request, "outbound")) {
    out.headers.emplace_back("Supported: path");
  } else {
    out.headers.emplace_back("Require: outbound");
    out.headers.emplace_back("Supported: outbound, path");
    const auto keeps_flow = [](const WantedContact& w) { return uses_flows(w) && w.expires != 0; };
    out.told_flow_timer = settings_.flow_timer.count() != 0 && std::any_of(wanted_.begin(), wanted_.end(), keeps_flow);  // 5.4
    if (out.told_flow_timer) out.headers.push_back("Flow-Timer: " + std::to_string(settings_.flow_timer.count()));
  }
  if (!facts.path.empty() && settings_.path_mode != 0 && sip::supports(request, "path")) {
    out.headers.emplace_back("Path: ");
    out.headers.back() += facts.path;
  }
  if (is_bound && !settings_.service_route.empty()) out.headers.push_back("Service-Route: " + settings_.service_route);  // RFC 3608 5
}

void Registrar::append_contact(std::string& out, const shm::Binding& b, std::int64_t now, bool with_gruus) const {
  out += out.empty() ? "Contact: <" : ", <";
  out += b.contact;
  out += '>';
  out += b.parameters;
  if (b.q >= 0) out += ";q=" + q_text(b.q);
  if (!b.instance.empty()) {
    out.append(";+sip.instance=\"<").append(b.instance).append(">\"");
    if (with_gruus) {  // RFC 5627 5.3
      out.append(";pub-gruu=\"").append(Gruus::public_gruu(b.aor, b.instance));
      out.append("\";temp-gruu=\"").append(store_.gruus().temporary_gruu(b.aor, b.client, b.call_id, b.serial)).append("\"");
    }
  }
  if (b.reg_id != 0) out.append(";reg-id=").append(std::to_string(b.reg_id));
  out.append(";expires=").append(std::to_string(b.expires_at == 0 ? settings_.default_expires.count() : b.expires_at - now));
}

}  // namespace sipwsd::location
