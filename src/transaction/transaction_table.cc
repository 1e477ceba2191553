#include "src/transaction/transaction_table.h"

#include <algorithm>

namespace sipwsd::transaction {
namespace {

constexpr std::size_t first_slots = 256;
constexpr std::size_t max_spare_buffers = 64;
constexpr std::size_t max_spare_capacity = 16 * 1024;  // a buffer that once held a huge message is not worth keeping

std::size_t bytes_of(const Rare& rare) noexcept {
  std::size_t bytes = rare.best.bytes.size() + rare.best.challenges.size() + rare.places.size() * sizeof(FurtherPlace);
  for (const HeldResponse& response : rare.responses) bytes += response.bytes.size();
  return bytes;
}

}  // namespace

HashIndex::HashIndex() : slots_(first_slots), mask_(first_slots - 1) {}

void HashIndex::place(Slot slot) noexcept {
  std::size_t at = slot.tag & mask_;
  while (slots_[at].context != nobody) at = (at + 1) & mask_;
  slots_[at] = slot;
}

void HashIndex::insert(std::uint64_t hash, PoolIndex context) {
  if ((used_ + 1) * 2 > slots_.size()) {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old)
      if (slot.context != nobody) place(slot);
  }
  place({static_cast<std::uint32_t>(hash), context});
  ++used_;
}

void HashIndex::erase(std::uint64_t hash, PoolIndex context) noexcept {
  const std::uint32_t tag = static_cast<std::uint32_t>(hash);
  std::size_t at = tag & mask_;
  while (slots_[at].context != context || slots_[at].tag != tag) {
    if (slots_[at].context == nobody) return;
    at = (at + 1) & mask_;
  }
  // Close the gap: whoever follows and wants to be at or before it moves up.
  std::size_t gap = at;
  for (at = (at + 1) & mask_; slots_[at].context != nobody; at = (at + 1) & mask_) {
    const std::size_t distance_home = (at - (slots_[at].tag & mask_)) & mask_;
    if (distance_home < ((at - gap) & mask_)) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {};
  --used_;
}

TransactionTable::TransactionTable(std::size_t max, std::uint32_t first_serial)
    : max_(max),
      contexts_(first_serial),
      branches_(first_serial),
      upstream_heads_(std::make_unique<Heads>()),
      downstream_heads_(std::make_unique<Heads>()),
      pending_(std::make_unique<std::array<std::uint32_t, lists>>()) {
  upstream_heads_->fill(nobody);
  downstream_heads_->fill(nobody);
}

ProxyContext* TransactionTable::add(std::uint64_t hash, const Destination& upstream, sip::Method method) {
  if (is_full()) return nullptr;
  ProxyContext& context = contexts_.take();
  ++alive_;
  context.hash = hash;
  context.upstream = upstream;
  context.method = method;
  if (!spare_buffers_.empty()) {
    context.kept = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  index_.insert(hash, context.index);
  const std::uint16_t list = list_of(upstream.flow.connection);
  link(contexts_, *upstream_heads_, context, list);
  if (list != ListLink::no_list) {
    context.counted_pending = true;
    ++(*pending_)[list];
  }
  return &context;
}

bool TransactionTable::has_pending(ConnectionId connection, std::size_t most) const noexcept {
  if (connection == ConnectionId::none || (*pending_)[list_of(connection)] < most) return false;
  std::size_t found = 0;  // somebody in this list has too many: who?
  for (PoolIndex at = (*upstream_heads_)[list_of(connection)]; at != nobody && found < most; at = contexts_.at(at).link.next)
    found += contexts_.at(at).counted_pending && contexts_.at(at).upstream.flow.connection == connection;
  return found >= most;
}

void TransactionTable::end_pending(ProxyContext& context) noexcept {
  if (!context.counted_pending) return;
  context.counted_pending = false;
  --(*pending_)[list_of(context.upstream.flow.connection)];
}

ProxyContext* TransactionTable::find(std::uint64_t hash, ConnectionId connection, sip::Method method) noexcept {
  if (method == sip::Method::ack) method = sip::Method::invite;
  const PoolIndex index = index_.find(hash, [&](PoolIndex at) {
    const ProxyContext& context = contexts_.at(at);
    return context.hash == hash && context.upstream.flow.connection == connection && context.method == method;
  });
  return index == nobody ? nullptr : &contexts_.at(index);
}

ProxyContext* TransactionTable::find_any(std::uint64_t hash, ConnectionId connection) noexcept {
  const PoolIndex index = index_.find(hash, [&](PoolIndex at) {
    return contexts_.at(at).hash == hash && contexts_.at(at).upstream.flow.connection == connection;
  });
  return index == nobody ? nullptr : &contexts_.at(index);
}

void TransactionTable::set_merge_hash(ProxyContext& context, std::uint64_t merge_hash) {
  if (merge_hash == 0 || context.merge_hash != 0) return;
  context.merge_hash = merge_hash;
  ++merge_hashes_;
  index_.insert(merge_hash, context.index);
}

ProxyContext* TransactionTable::find_merged(std::uint64_t merge_hash) noexcept {
  const PoolIndex index =
      index_.find(merge_hash, [&](PoolIndex at) { return contexts_.at(at).merge_hash == merge_hash; });
  return index == nobody ? nullptr : &contexts_.at(index);
}

ClientBranch& TransactionTable::add_branch(ProxyContext& context) {
  ClientBranch& branch = branches_.take();
  branch.context = context.index;
  (context.last_branch == nobody ? context.first_branch : branches_.at(context.last_branch).next) = branch.index;
  context.last_branch = branch.index;
  return branch;
}

void TransactionTable::attach(ClientBranch& branch) noexcept {
  link(branches_, *downstream_heads_, branch,
       branch.hold == Hold::away ? list_of(branch.client) : list_of(branch.to.flow.connection));
}

void TransactionTable::detach(ClientBranch& branch) noexcept { unlink(branches_, *downstream_heads_, branch); }

void TransactionTable::await_caller(ProxyContext& context) noexcept {
  unlink(contexts_, *upstream_heads_, context);
  context.caller_away = true;
  link(contexts_, *upstream_heads_, context, list_of(context.caller));
}

void TransactionTable::lose_caller(ProxyContext& context) noexcept {
  unlink(contexts_, *upstream_heads_, context);
  context.caller_away = false;
}

void TransactionTable::move_caller(ProxyContext& context, const Destination& to, std::uint64_t hash) {
  unlink(contexts_, *upstream_heads_, context);
  context.caller_away = false;
  const bool was_pending = context.counted_pending;
  end_pending(context);
  if (hash != context.hash) {
    index_.erase(context.hash, context.index);
    context.hash = hash;
    index_.insert(hash, context.index);
  }
  context.upstream = to;
  const std::uint16_t list = list_of(to.flow.connection);
  link(contexts_, *upstream_heads_, context, list);
  if (was_pending && list != ListLink::no_list) {
    context.counted_pending = true;
    ++(*pending_)[list];
  }
}

ClientBranch* TransactionTable::find(Token token) noexcept {
  return branches_.find(static_cast<PoolIndex>(number(token)), static_cast<std::uint32_t>(number(token) >> 32));
}

void TransactionTable::count_kept(ProxyContext& context) noexcept {
  const std::size_t bytes = context.kept.size() + context.last_response.size() +
                            (context.rare ? bytes_of(*context.rare) : 0);
  kept_bytes_ += bytes - context.counted_bytes;
  context.counted_bytes = static_cast<std::uint32_t>(bytes);
}

void TransactionTable::release_kept(ProxyContext& context) noexcept {
  kept_bytes_ -= context.counted_bytes;
  context.counted_bytes = 0;
  context.request_size = 0;
  std::string buffer = std::exchange(context.kept, {});
  if (buffer.capacity() > max_spare_capacity || spare_buffers_.size() == max_spare_buffers) return;
  buffer.clear();
  if (spare_buffers_.capacity() == 0) spare_buffers_.reserve(max_spare_buffers);
  spare_buffers_.push_back(std::move(buffer));
}

void TransactionTable::retire(ProxyContext& context) {
  if (!context.alive) return;
  context.alive = false;
  --alive_;
  index_.erase(context.hash, context.index);
  if (context.merge_hash != 0) {
    index_.erase(context.merge_hash, context.index);
    --merge_hashes_;
  }
  end_pending(context);
  unlink(contexts_, *upstream_heads_, context);
  for (ClientBranch* at = branch(context.first_branch); at != nullptr; at = branch(at->next)) {
    at->alive = false;
    unlink(branches_, *downstream_heads_, *at);
  }
  retired_.push_back(context.index);
}

void TransactionTable::recycle() {
  for (const PoolIndex index : retired_) {
    ProxyContext& context = contexts_.at(index);
    for (PoolIndex at = context.first_branch; at != nobody;) {
      ClientBranch& done = branches_.at(at);
      at = done.next;
      branches_.give_back(done);
    }
    release_kept(context);
    contexts_.give_back(context);
  }
  retired_.clear();
}

template <typename Matches>
TransactionTable::Listed TransactionTable::listed(std::uint16_t list, Matches&& matches) {
  Listed found;
  if (list == ListLink::no_list) return found;
  for (PoolIndex at = (*upstream_heads_)[list]; at != nobody; at = contexts_.at(at).link.next)
    if (matches(contexts_.at(at))) found.contexts.emplace_back(at, contexts_.at(at).serial);
  for (PoolIndex at = (*downstream_heads_)[list]; at != nobody; at = branches_.at(at).link.next)
    if (matches(branches_.at(at))) found.branches.push_back(token_of(branches_.at(at)));
  return found;
}

namespace {

// Two meanings of one list: what uses a connection, and what waits for a client.
struct UsesConnection {
  ConnectionId connection;
  bool operator()(const ProxyContext& context) const {
    return !context.caller_away && context.upstream.flow.connection == connection;
  }
  bool operator()(const ClientBranch& branch) const {
    return branch.hold != Hold::away && branch.to.flow.connection == connection;
  }
};
struct WaitsForClient {
  ClientId client;
  bool operator()(const ProxyContext& context) const { return context.caller_away && context.caller == client; }
  bool operator()(const ClientBranch& branch) const { return branch.hold == Hold::away && branch.client == client; }
};

}  // namespace

TransactionTable::Listed TransactionTable::on_connection(ConnectionId connection) {
  return listed(list_of(connection), UsesConnection{connection});
}

TransactionTable::Listed TransactionTable::waiting_for(ClientId client) {
  Listed found = listed(list_of(client), WaitsForClient{client});
  std::reverse(found.contexts.begin(), found.contexts.end());  // who came last stands first
  std::reverse(found.branches.begin(), found.branches.end());
  return found;
}

template <typename T>
void TransactionTable::link(Pool<T>& pool, Heads& heads, T& item, std::uint16_t list) noexcept {
  if (list == ListLink::no_list) return;
  PoolIndex& head = heads[list];
  item.link = {head, nobody, list};
  if (head != nobody) pool.at(head).link.previous = item.index;
  head = item.index;
}

template <typename T>
void TransactionTable::unlink(Pool<T>& pool, Heads& heads, T& item) noexcept {
  if (item.link.list == ListLink::no_list) return;
  (item.link.previous != nobody ? pool.at(item.link.previous).link.next : heads[item.link.list]) = item.link.next;
  if (item.link.next != nobody) pool.at(item.link.next).link.previous = item.link.previous;
  item.link = {};
}

}  // namespace sipwsd::transaction
