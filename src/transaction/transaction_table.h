#pragma once
// The transactions of one worker: pools of contexts and branches, the open hash that finds the server transaction of
// a request, and the lists of what hangs on a connection, or waits for a client. Bounded: add() says no beyond `max`.
// Grows by doubling and never shrinks; in steady state nothing is allocated.
// Names instead of pointers where something is kept: a client transaction is a Token (index and serial), and a token
// of a former life finds nothing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sipwsd/connection_id.h"
#include "src/transaction/proxy_context.h"

namespace sipwsd::transaction {

// Items in blocks that never move, so a reference stays good while the item lives.
template <typename T>
class Pool {
 public:
  // `first_serial` is random: a token of a process that died is no token of its successor.
  explicit Pool(std::uint32_t first_serial) noexcept : first_serial_(first_serial) {}

  [[nodiscard]] T& take() {
    if (free_.empty()) grow();
    T& item = at(free_.back());
    free_.pop_back();
    item.alive = true;
    return item;
  }
  void give_back(T& item) {
    const PoolIndex index = item.index;
    const std::uint32_t serial = item.serial + 1 == 0 ? 1 : item.serial + 1;  // no token is ever 0
    item = T{};
    item.index = index;
    item.serial = serial;
    free_.push_back(index);
  }
  [[nodiscard]] T& at(PoolIndex index) noexcept { return blocks_[index / block_size][index % block_size]; }
  [[nodiscard]] const T& at(PoolIndex index) const noexcept { return blocks_[index / block_size][index % block_size]; }
  [[nodiscard]] T* find(PoolIndex index, std::uint32_t serial) noexcept {
    if (index >= blocks_.size() * block_size) return nullptr;
    T& item = at(index);
    return item.alive && item.serial == serial ? &item : nullptr;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return blocks_.size() * block_size; }
  [[nodiscard]] std::size_t size() const noexcept { return capacity() - free_.size(); }

 private:
  static constexpr std::size_t block_size = 128;

  void grow() {
    const auto base = static_cast<PoolIndex>(capacity());
    free_.reserve(capacity() + block_size);
    blocks_.push_back(std::make_unique<T[]>(block_size));
    for (std::size_t i = block_size; i-- > 0;) {  // so that the lowest is taken first
      T& item = blocks_.back()[i];
      item.index = base + static_cast<PoolIndex>(i);
      item.serial = first_serial_;
      free_.push_back(item.index);
    }
  }

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::vector<PoolIndex> free_;
  std::uint32_t first_serial_;
};

// The (hash -> context) part: linear probing, no tombstones.
class HashIndex {
 public:
  HashIndex();
  void insert(std::uint64_t hash, PoolIndex context);
  void erase(std::uint64_t hash, PoolIndex context) noexcept;
  // The first context of that hash for which `matches(index)`; several may share a hash's 32 bits.
  template <typename Matches>
  [[nodiscard]] PoolIndex find(std::uint64_t hash, Matches&& matches) const {
    const std::uint32_t tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & mask_; slots_[at].context != nobody; at = (at + 1) & mask_)
      if (slots_[at].tag == tag && matches(slots_[at].context)) return slots_[at].context;
    return nobody;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // where it wants to be, and most of the comparison
    PoolIndex context = nobody;
  };
  void place(Slot slot) noexcept;

  std::vector<Slot> slots_;
  std::size_t mask_;
  std::size_t used_ = 0;
};

class TransactionTable {
 public:
  TransactionTable(std::size_t max, std::uint32_t first_serial);

  // --- server side
  [[nodiscard]] bool is_full() const noexcept { return alive_ >= max_; }
  // nullptr when full.
  [[nodiscard]] ProxyContext* add(std::uint64_t hash, const Destination& upstream, sip::Method method);
  // RFC 3261 17.2.3: the same method, except that an ACK is looked for as an INVITE.
  [[nodiscard]] ProxyContext* find(std::uint64_t hash, ConnectionId connection, sip::Method method) noexcept;
  // RFC 3261 9.2: whatever the method, for a CANCEL.
  [[nodiscard]] ProxyContext* find_any(std::uint64_t hash, ConnectionId connection) noexcept;
  [[nodiscard]] ProxyContext* find(PoolIndex index, std::uint32_t serial) noexcept { return contexts_.find(index, serial); }
  // At least `most` requests of that connection wait for their final response.
  [[nodiscard]] bool has_pending(ConnectionId connection, std::size_t most) const noexcept;
  // The final response is out.
  void end_pending(ProxyContext& context) noexcept;
  void set_merge_hash(ProxyContext& context, std::uint64_t merge_hash);
  [[nodiscard]] bool has_merge_hashes() const noexcept { return merge_hashes_ != 0; }
  [[nodiscard]] ProxyContext* find_merged(std::uint64_t merge_hash) noexcept;

  // --- client side
  ClientBranch& add_branch(ProxyContext& context);
  // Enters the branch in the list of its flow's connection; in that of its client, while it is away.
  void attach(ClientBranch& branch) noexcept;
  void detach(ClientBranch& branch) noexcept;
  [[nodiscard]] static Token token_of(const ClientBranch& branch) noexcept {
    return static_cast<Token>(std::uint64_t{branch.serial} << 32 | branch.index);
  }
  [[nodiscard]] ClientBranch* find(Token token) noexcept;
  [[nodiscard]] ClientBranch* branch(PoolIndex index) noexcept {
    return index == nobody ? nullptr : &branches_.at(index);
  }
  [[nodiscard]] ProxyContext& context_of(const ClientBranch& branch) noexcept { return contexts_.at(branch.context); }

  // --- a caller whose connection is gone
  void await_caller(ProxyContext& context) noexcept;  // in the list of its caller from now on
  void lose_caller(ProxyContext& context) noexcept;
  // `hash`: what its retransmissions, its CANCEL and its ACK have over there.
  void move_caller(ProxyContext& context, const Destination& to, std::uint64_t hash);

  // --- what they keep
  // What `context` keeps has grown: its bytes count from now on.
  void count_kept(ProxyContext& context) noexcept;
  // Nothing will be made out of the request any more.
  void release_kept(ProxyContext& context) noexcept;
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_bytes_; }

  // --- ends
  // Nobody finds the context or its branches any more; the memory stays until recycle(), so references that callers
  // up the stack hold are good.
  void retire(ProxyContext& context);
  void recycle();

  // Indices and serials of what hangs on a connection, for a caller that changes the lists while it goes on.
  struct Listed {
    std::vector<std::pair<PoolIndex, std::uint32_t>> contexts;
    std::vector<Token> branches;
  };
  [[nodiscard]] Listed on_connection(ConnectionId connection);
  // What waits for a client, in the order it began to.
  [[nodiscard]] Listed waiting_for(ClientId client);

  template <typename Act>
  void for_each(Act&& act) {
    for (PoolIndex at = 0; at < contexts_.capacity(); ++at)
      if (contexts_.at(at).alive) act(contexts_.at(at));
  }
  [[nodiscard]] std::size_t size() const noexcept { return alive_; }
  // What growth would show in: blocks and slots, not what is used of them.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return contexts_.capacity() + branches_.capacity() + index_.capacity();
  }

 private:
  static constexpr std::size_t lists = 4096;
  using Heads = std::array<PoolIndex, lists>;
  static std::uint16_t list_of(ConnectionId connection) noexcept {
    return connection == ConnectionId::none ? ListLink::no_list : static_cast<std::uint16_t>(number(connection) % lists);
  }
  static std::uint16_t list_of(ClientId client) noexcept { return static_cast<std::uint16_t>(number(client) % lists); }
  template <typename T>
  void link(Pool<T>& pool, Heads& heads, T& item, std::uint16_t list) noexcept;
  template <typename T>
  void unlink(Pool<T>& pool, Heads& heads, T& item) noexcept;
  template <typename Matches>
  [[nodiscard]] Listed listed(std::uint16_t list, Matches&& matches);

  std::size_t max_;
  std::size_t alive_ = 0;
  std::size_t kept_bytes_ = 0;
  std::size_t merge_hashes_ = 0;
  Pool<ProxyContext> contexts_;
  Pool<ClientBranch> branches_;
  HashIndex index_;
  std::unique_ptr<Heads> upstream_heads_, downstream_heads_;
  // Of all connections of a list together: below a connection's limit it answers for each of them.
  std::unique_ptr<std::array<std::uint32_t, lists>> pending_;
  std::vector<PoolIndex> retired_;
  std::vector<std::string> spare_buffers_;  // for ProxyContext::kept: the bytes of the usual message, again and again
};

}  // namespace sipwsd::transaction
