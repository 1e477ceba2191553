#include "src/location/registration_plan.h"

#include <algorithm>
#include <utility>

#include "src/sip/uri.h"

namespace sipwsd::location {
namespace {

// Connections are numbered in the order they came (shm/connection_ids.h), in a circle of 31 bits; nearer behind is older.
bool is_older(ConnectionId a, ConnectionId b) {
  if (a == ConnectionId::none || b == ConnectionId::none || a == b) return false;
  return ((number(b) - number(a)) & 0x7fffffff) < 0x40000000;
}

bool same_uri(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = sip::parse_uri(a), right = sip::parse_uri(b);
  return left && right && sip::equivalent(*left, *right);
}

}  // namespace

bool has_expired(const shm::Binding& binding, std::int64_t now) noexcept {
  return (binding.expires_at != 0 && binding.expires_at <= now) ||
         (binding.state == shm::BindingState::suspended && binding.suspended_until <= now);
}

void RegistrationPlan::begin(const RegistrationFacts& facts, const shm::BindingSnapshot& before) {
  facts_ = &facts;
  before_ = &before;
  changes_.clear();
  added_ = 0;
  kept_ = static_cast<std::size_t>(
      std::count_if(before.begin(), before.end(), [&](const shm::Binding& b) { return !has_expired(b, facts.now); }));
}

Result<void> RegistrationPlan::remove_all() {
  for (const shm::Binding& b : *before_) {
    if (has_expired(b, facts_->now)) continue;
    if (is_stale(b)) return Errc::refused;
    remove(b);
  }
  return {};
}

Result<void> RegistrationPlan::apply(const WantedContact& wanted) {
  const shm::Binding* match = match_for(wanted);
  const bool by_uri = match != nullptr && wanted.reg_id == 0 && same_uri(match->contact, wanted.uri);
  if (match != nullptr && (by_uri ? is_stale(*match) : is_late(*match))) return Errc::refused;
  // The same contact twice in one request: the last one counts.
  shm::BindingChange* earlier = match != nullptr ? change_of(match->serial) : addition_of(wanted);
  if (wanted.expires == 0) {
    if (match != nullptr) {
      remove(*match);
    } else if (earlier != nullptr) {
      changes_.erase(changes_.begin() + (earlier - changes_.data()));
      --added_;
    }
    return {};
  }
  if (by_uri && is_repetition_of(*match)) return {};
  if (earlier == nullptr) {
    if (match == nullptr) ++added_;
    earlier = &changes_.emplace_back();
  } else if (earlier->kind == Kind::remove) {
    ++kept_;
  }
  earlier->kind = match != nullptr ? Kind::replace : Kind::add;
  earlier->serial = match != nullptr ? match->serial : 0;
  earlier->binding = {.aor = facts_->aor,
                      .contact = wanted.uri,
                      .parameters = wanted.parameters,
                      .instance = wanted.instance,
                      .call_id = facts_->call_id,
                      .received = facts_->received,
                      .path = facts_->path,
                      .user_agent = facts_->user_agent,
                      .reg_id = wanted.reg_id,
                      .cseq = facts_->cseq,
                      .q = wanted.q,
                      .expires_at = facts_->now + wanted.expires,
                      .updated_at = facts_->now,
                      .to = facts_->to};
  return {};
}

// From the oldest on: the snapshot has the newest first.
void RegistrationPlan::make_room(std::size_t most) {
  for (std::size_t i = before_->size(); i-- > 0 && in_force() > most && changes_.size() < shm::BindingTable::max_changes;) {
    const shm::Binding& b = (*before_)[i];
    if (b.state != shm::BindingState::suspended || has_expired(b, facts_->now) || change_of(b.serial) != nullptr) continue;
    remove(b);
  }
}

void RegistrationPlan::drop_expired() {
  for (const shm::Binding& b : *before_)
    if (has_expired(b, facts_->now) && changes_.size() < shm::BindingTable::max_changes)
      changes_.push_back({.kind = Kind::remove, .serial = b.serial, .binding = {}});
}

void RegistrationPlan::find_returned(std::vector<Returned>& returned) const {
  const auto add = [&](ClientId client, ConnectionId left) {
    const bool is_known = std::any_of(returned.begin(), returned.end(), [&](const Returned& one) { return one.client == client; });
    if (!is_known) returned.push_back({client, left});
  };
  for (const shm::BindingChange& change : changes_) {
    if (change.kind != Kind::replace) continue;
    const auto was = std::find_if(before_->begin(), before_->end(), [&](const shm::Binding& b) { return b.serial == change.serial; });
    const bool was_here = was->state == shm::BindingState::active && was->to == facts_->to;
    if (!was_here) add(was->client, was->state == shm::BindingState::active ? was->to.flow.connection : ConnectionId::none);
  }
  // With another reg-id than before (RFC 5626 4.2: a flow beside the old one) it is back all the same.
  for (const shm::Binding& b : *before_) {
    if (b.state != shm::BindingState::suspended || has_expired(b, facts_->now) || b.instance.empty()) continue;
    const bool is_bound = std::any_of(changes_.begin(), changes_.end(), [&](const shm::BindingChange& c) {
      return c.kind != Kind::remove && c.binding.instance == b.instance;
    });
    if (is_bound) add(b.client, ConnectionId::none);
  }
}

const shm::Binding* RegistrationPlan::match_for(const WantedContact& wanted) const {
  const shm::Binding* came_another_way = nullptr;
  for (const shm::Binding& b : *before_) {
    const shm::BindingChange* change = change_of(b.serial);
    if (change != nullptr && wanted.reg_id == 0 && change->kind == Kind::replace && change->binding.contact == wanted.uri) return &b;
    if (has_expired(b, facts_->now)) continue;
    if (wanted.reg_id != 0) {
      if (b.reg_id == wanted.reg_id && b.instance == wanted.instance) return &b;
      continue;
    }
    if (same_uri(b.contact, wanted.uri)) return &b;
    const bool is_same_instance = !wanted.instance.empty() && b.reg_id == 0 && b.instance == wanted.instance;
    if (!is_same_instance || wanted.expires == 0 || change != nullptr || came_another_way != nullptr) continue;
    if (b.state == shm::BindingState::suspended || b.to != facts_->to) came_another_way = &b;
  }
  return came_another_way;
}

// 10.3 steps 6 and 7: an older request must not undo a newer one.
bool RegistrationPlan::is_stale(const shm::Binding& b) const noexcept {
  return b.call_id == facts_->call_id && facts_->cseq < b.cseq;
}

// RFC 5626: an instance may begin again at a low CSeq with the same Call-ID, as a page loaded anew, but then over a newer
// connection. What the worker of its older connection gets to read late must not undo the newer flow.
bool RegistrationPlan::is_late(const shm::Binding& b) const noexcept {
  return is_stale(b) && is_older(facts_->flow.connection, b.to.flow.connection);
}

bool RegistrationPlan::is_repetition_of(const shm::Binding& b) const noexcept {
  return b.call_id == facts_->call_id && facts_->cseq == b.cseq && b.to == facts_->to && b.state == shm::BindingState::active;
}

shm::BindingChange* RegistrationPlan::change_of(std::uint64_t serial) {
  return const_cast<shm::BindingChange*>(std::as_const(*this).change_of(serial));
}

const shm::BindingChange* RegistrationPlan::change_of(std::uint64_t serial) const {
  const auto found = std::find_if(changes_.begin(), changes_.end(), [&](const shm::BindingChange& c) { return c.serial == serial; });
  return found == changes_.end() ? nullptr : &*found;
}

shm::BindingChange* RegistrationPlan::addition_of(const WantedContact& wanted) {
  const auto found = std::find_if(changes_.begin(), changes_.end(), [&](const shm::BindingChange& c) {
    if (c.kind != Kind::add) return false;
    return wanted.reg_id != 0 ? c.binding.reg_id == wanted.reg_id && c.binding.instance == wanted.instance
                              : c.binding.contact == wanted.uri;
  });
  return found == changes_.end() ? nullptr : &*found;
}

void RegistrationPlan::remove(const shm::Binding& b) {
  shm::BindingChange* earlier = change_of(b.serial);
  if (earlier == nullptr) {
    earlier = &changes_.emplace_back();
  } else if (earlier->kind == Kind::remove) {
    return;
  }
  *earlier = {.kind = Kind::remove, .serial = b.serial, .binding = {}};
  --kept_;
}

}  // namespace sipwsd::location
