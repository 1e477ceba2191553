#include "src/location/registrar.h"

#include <algorithm>
#include <optional>

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

void refuse(Registration& out, int status, std::string_view reason, std::string_view why) {
  out.status = status;
  out.reason = reason;
  if (!why.empty()) out.headers.push_back(std::string(registrar_error) + std::string(why));
}

// A header value may be folded (RFC 3261 7.3.1); what is stored is written into header lines again, where it may not.
std::string on_one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out;
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
  return on_one_line(out);
}

std::string q_text(std::int16_t q) {
  if (q >= 1000) return "1";
  std::string digits = std::to_string(1000 + q).substr(1);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return "0." + digits;
}

shm::BindingChange removal_of(const shm::Binding& binding) {
  return {.kind = shm::BindingChange::Kind::remove, .serial = binding.serial, .binding = {}};
}

// Connections are numbered in the order they came (shm/connection_ids.h), in a circle of 31 bits; nearer behind is older.
bool is_older(ConnectionId a, ConnectionId b) {
  if (a == ConnectionId::none || b == ConnectionId::none || a == b) return false;
  return ((number(b) - number(a)) & 0x7fffffff) < 0x40000000;
}

bool has_expired(const shm::Binding& binding, std::int64_t now) {
  return binding.expires_at != 0 && binding.expires_at <= now;
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

struct Registrar::Wanted {
  std::string uri;         // what is stored
  std::string parameters;
  std::string instance;
  std::int64_t expires = 0;  // seconds; 0: remove
  std::uint32_t reg_id = 0;  // only with an instance (RFC 5626 4.2)
  std::int16_t q = -1;
};

std::int64_t Registrar::granted(std::int64_t asked) const noexcept {
  if (asked == 0) return 0;
  if (settings_.min_expires.count() > 0) asked = std::max<std::int64_t>(asked, settings_.min_expires.count());
  if (settings_.max_expires.count() > 0) asked = std::min<std::int64_t>(asked, settings_.max_expires.count());
  return asked;
}

Result<std::vector<Registrar::Wanted>> Registrar::read_contacts(const sip::MessageView& request, Registration& out) const {
  const auto header = sip::expires(request);
  std::vector<Wanted> wanted;
  for (const sip::ListValue& value : sip::contacts(request)) {
    if (value.text.empty()) continue;
    if (base::trim(value.text) == "*") {  // "*" among others; alone it never comes here
      refuse(out, 400, "Bad Request", "* is not the only contact");
      return Errc::malformed;
    }
    auto contact = sip::parse_contact(value.text);
    if (!contact) {
      refuse(out, 400, "Bad Request", "Contact cannot be parsed");
      return Errc::malformed;
    }
    if (wanted.size() == max_contacts_in_request) {
      refuse(out, 503, "Service Unavailable", "Too many registered contacts");
      return Errc::too_large;
    }
    Wanted w{.uri = std::string(contact->uri().text),
             .parameters = other_parameters(contact->address.params),
             .instance = on_one_line(contact->instance)};
    w.expires = granted(contact->expires ? *contact->expires : header ? *header : settings_.default_expires.count());
    if (!contact->instance.empty() && contact->reg_id) w.reg_id = *contact->reg_id;
    if (contact->address.params.has("q")) w.q = static_cast<std::int16_t>(contact->q);
    wanted.push_back(std::move(w));
  }
  return wanted;
}

// RFC 5626 6: whether reg-id counts, and what a request may hold besides.
Result<void> Registrar::check_outbound(const sip::MessageView& request, std::vector<Wanted>& wanted,
                                       Registration& out) const {
  const auto uses_flows = [](const Wanted& w) { return w.reg_id != 0; };
  if (std::none_of(wanted.begin(), wanted.end(), uses_flows)) return {};
  if (!first_hop_keeps_flows(request)) {
    if (sip::supports(request, "outbound")) {
      refuse(out, 439, "First Hop Lacks Outbound Support", "");
      return Errc::refused;
    }
    for (Wanted& w : wanted) w.reg_id = 0;
    return {};
  }
  // A flow is one: with a reg-id one contact is registered, though others may be removed.
  if (std::count_if(wanted.begin(), wanted.end(), [](const Wanted& w) { return w.expires != 0; }) > 1) {
    refuse(out, 400, "Bad Request", "A contact with reg-id is not the only one");
    return Errc::malformed;
  }
  return {};
}

Registration Registrar::process(const sip::MessageView& request, const Arrival& arrival) {
  Registration out;
  const auto to = sip::to(request);
  const auto cseq = sip::cseq(request);
  if (!to || !cseq) {
    refuse(out, 400, "Bad Request", "To or CSeq cannot be parsed");
    return out;
  }
  if (!to->uri.is_sip()) {
    refuse(out, 400, "Bad Request", "To is not a SIP URI");
    return out;
  }
  if (to->uri.user.empty()) {
    refuse(out, 400, "Bad Request", "No username in To URI");
    return out;
  }
  out.aor = sip::canonical_aor(to->uri);
  const bool star = sip::is_star(request);
  if (star) {
    const auto expires = sip::expires(request);
    if (!expires || *expires != 0) {  // 10.2.2
      refuse(out, 400, "Bad Request", "* used in contact and expires is not zero");
      return out;
    }
  }
  std::vector<Wanted> wanted;
  if (!star) {
    auto read = read_contacts(request, out);
    if (!read) return out;
    wanted = std::move(*read);
    if (!check_outbound(request, wanted, out)) return out;
  }
  const std::string_view call_id = request.value(sip::HeaderId::call_id);
  const std::string_view user_agent = request.value(sip::HeaderId::user_agent);
  std::string path;
  std::size_t path_hops = 0;
  for (const auto& hop : sip::values(request, sip::HeaderId::path)) {
    if (hop.text.empty()) continue;
    if (++path_hops > max_path_hops) {
      refuse(out, 400, "Bad Request", "Too many hops in Path");
      return out;
    }
    if (!path.empty()) path += ", ";
    path += hop.text;
  }
  path = on_one_line(path);

  for (int attempt = 0; attempt < attempts; ++attempt) {
    const std::int64_t now = base::whole_seconds(clock_.now());
    store_.snapshot(out.aor, before_);
    std::vector<shm::BindingChange> changes;
    std::size_t kept = 0;
    for (const shm::Binding& b : before_) kept += has_expired(b, now) ? 0 : 1;
    const auto change_of = [&](std::uint64_t serial) {
      return std::find_if(changes.begin(), changes.end(), [&](const shm::BindingChange& c) { return c.serial == serial; });
    };
    const auto remove = [&](const shm::Binding& b) {
      const auto earlier = change_of(b.serial);
      if (earlier == changes.end()) changes.push_back(removal_of(b));
      else if (earlier->kind == shm::BindingChange::Kind::remove) return;
      else *earlier = removal_of(b);
      --kept;
    };
    // 10.3 step 6 and 7: an older request must not undo a newer one.
    const auto is_stale = [&](const shm::Binding& b) { return b.call_id == call_id && cseq->number < b.cseq; };
    // RFC 5626: an instance may begin again at a low CSeq with the same Call-ID, as a page loaded anew, but then over a
    // newer connection. What the worker of its older connection gets to read late must not undo the newer flow.
    const auto is_late = [&](const shm::Binding& b) { return is_stale(b) && is_older(arrival.flow.connection, b.to.flow.connection); };
    const auto is_repeated = [&](const shm::Binding& b) { return b.call_id == call_id && cseq->number == b.cseq; };

    for (const shm::Binding& b : before_) {
      if (!star || has_expired(b, now)) continue;
      if (is_stale(b)) {
        refuse(out, 400, "Bad Request", "Invalid CSeq number");
        return out;
      }
      remove(b);
    }
    std::size_t added = 0;
    for (const Wanted& w : wanted) {
      const shm::Binding* match = nullptr;
      const bool by_instance = w.reg_id != 0;
      const auto uri = sip::parse_uri(w.uri);
      for (const shm::Binding& b : before_) {
        if (has_expired(b, now)) continue;
        if (by_instance) {
          if (b.reg_id == w.reg_id && b.instance == w.instance) match = &b;
        } else if (b.contact == w.uri) {
          match = &b;
        } else if (uri) {
          const auto stored = sip::parse_uri(b.contact);
          if (stored && sip::equivalent(*uri, *stored)) match = &b;
        }
        if (match != nullptr) break;
      }
      if (match != nullptr && (by_instance ? is_late(*match) : is_stale(*match))) {
        refuse(out, 400, "Bad Request", "Invalid CSeq number");
        return out;
      }
      // The same contact twice in one request: the last one counts.
      const auto same = match != nullptr ? change_of(match->serial)
                                         : std::find_if(changes.begin(), changes.end(), [&](const shm::BindingChange& c) {
                                             if (c.kind != shm::BindingChange::Kind::add) return false;
                                             return by_instance ? c.binding.reg_id == w.reg_id && c.binding.instance == w.instance
                                                                : c.binding.contact == w.uri;
                                           });
      if (w.expires == 0) {
        if (match != nullptr) {
          remove(*match);
        } else if (same != changes.end()) {
          changes.erase(same);
          --added;
        }
        continue;
      }
      if (match != nullptr && !by_instance && is_repeated(*match) && match->to.flow == arrival.flow) continue;  // a retransmission
      shm::BindingChange change;
      change.kind = match != nullptr ? shm::BindingChange::Kind::replace : shm::BindingChange::Kind::add;
      change.serial = match != nullptr ? match->serial : 0;
      change.binding = {.aor = out.aor,
                        .contact = w.uri,
                        .parameters = w.parameters,
                        .instance = w.instance,
                        .call_id = call_id,
                        .received = {},
                        .path = path,
                        .user_agent = user_agent,
                        .reg_id = w.reg_id,
                        .cseq = cseq->number,
                        .q = w.q,
                        .expires_at = now + w.expires,
                        .updated_at = now,
                        .to = arrival.back()};
      if (same == changes.end()) {
        if (match == nullptr) ++added;
        changes.push_back(change);
        continue;
      }
      if (same->kind == shm::BindingChange::Kind::remove) ++kept;
      *same = change;
    }
    if (settings_.max_contacts != 0 && added != 0 && kept + added > settings_.max_contacts) {
      refuse(out, 503, "Service Unavailable", "Too many registered contacts");
      if (settings_.registrar_retry_after.count() > 0)
        out.headers.push_back("Retry-After: " + std::to_string(settings_.registrar_retry_after.count()));
      return out;
    }
    // What has expired goes too, as far as there is room behind what was asked for; the rest is swept later.
    for (const shm::Binding& b : before_)
      if (has_expired(b, now) && changes.size() < shm::BindingTable::max_changes) changes.push_back(removal_of(b));
    if (!changes.empty()) {
      // Only "*" can be more than one commit takes: it is done in several.
      const bool more = changes.size() > shm::BindingTable::max_changes;
      if (more) changes.resize(shm::BindingTable::max_changes);
      const auto committed = store_.commit(out.aor, before_.version(), changes);
      if (committed.is(Errc::exists)) continue;
      if (!committed) {
        refuse(out, committed.is(Errc::full) ? 503 : committed.is(Errc::too_large) ? 413 : 500, "",
               committed.is(Errc::full) ? "Location service is full" : "Contact cannot be stored");
        out.table_is_full = committed.is(Errc::full);
        if (out.table_is_full) out.headers.push_back("Retry-After: " + std::to_string(settings_.retry_after.count()));
        return out;
      }
      if (more) continue;
    }
    store_.snapshot(out.aor, before_);
    answer(request, wanted, before_, out);
    if (!path.empty() && sip::supports(request, "path")) out.headers.push_back("Path: " + path);  // RFC 3327 5.3
    for (const shm::Binding& b : before_) out.bound_here |= b.to.flow == arrival.flow;
    return out;
  }
  refuse(out, 500, "Server Internal Error", "Address of record is changed too often");
  return out;
}

void Registrar::answer(const sip::MessageView& request, const std::vector<Wanted>& wanted,
                       const shm::BindingSnapshot& bindings, Registration& out) const {
  const std::int64_t now = base::whole_seconds(clock_.now());
  std::string contacts;
  for (const shm::Binding& b : bindings) {
    if (has_expired(b, now)) continue;
    contacts += contacts.empty() ? "Contact: <" : ", <";
    contacts += b.contact;
    contacts += '>';
    contacts += b.parameters;
    if (b.q >= 0) contacts += ";q=" + q_text(b.q);
    if (!b.instance.empty()) {
      contacts += ";+sip.instance=\"<";
      contacts += b.instance;
      contacts += ">\"";
    }
    if (b.reg_id != 0) contacts += ";reg-id=" + std::to_string(b.reg_id);
    contacts += ";expires=" + std::to_string(b.expires_at == 0 ? settings_.default_expires.count() : b.expires_at - now);
  }
  if (!contacts.empty()) out.headers.push_back(std::move(contacts));
  // RFC 5626 6: says that reg-id was understood, so it stands only in the answer to one.
  const auto uses_flows = [](const Wanted& w) { return w.reg_id != 0; };
  if (std::none_of(wanted.begin(), wanted.end(), uses_flows) || !sip::supports(request, "outbound")) {
    out.headers.emplace_back("Supported: path");
    return;
  }
  out.headers.emplace_back("Require: outbound");
  out.headers.emplace_back("Supported: outbound, path");
  const auto keeps_flow = [](const Wanted& w) { return w.reg_id != 0 && w.expires != 0; };
  if (settings_.flow_timer.count() != 0 && std::any_of(wanted.begin(), wanted.end(), keeps_flow))  // 5.4
    out.headers.push_back("Flow-Timer: " + std::to_string(settings_.flow_timer.count()));
}

}  // namespace sipwsd::location
