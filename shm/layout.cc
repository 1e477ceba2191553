#include "shm/layout.h"

#include "src/base/clock.h"
#include "src/base/random.h"

#include <fmt/format.h>

#include <new>

namespace sipwsd::shm {
namespace {

// Processes and counters are small; what an operator can do about the size is named by these.
std::size_t ring_bytes(const Limits& limits) { return MailboxSet::bytes_needed(limits); }
std::size_t table_bytes(const Limits& limits) {
  return ConnectionTable::bytes_needed(limits) + BindingTable::bytes_needed(limits);
}

constexpr std::size_t mib(std::size_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

base::SipHashKey fresh_key() {
  base::SystemRandom random;
  return {random.next(), random.next()};
}

}  // namespace

std::size_t bytes_needed(const Limits& limits) {
  return ConnectionTable::bytes_needed(limits) + ConnectionIds::bytes_needed(limits) +
         MailboxSet::bytes_needed(limits) + ProcessTable::bytes_needed(limits) + Counters::bytes_needed(limits) +
         BindingTable::bytes_needed(limits) + NonceTable::bytes_needed(limits) + BanTable::bytes_needed(limits) +
         AddressTable::bytes_needed(limits) +
         TicketKeys::bytes_needed(limits) + CertificateBoard::bytes_needed(limits) + LastInputs::bytes_needed(limits) +
         UpstreamBoard::bytes_needed(limits) +
         Segment::carved_array<Switches>(1) + Segment::carved_array<MemoryAccount>(1) +
         Segment::carved_array<OperatorDesk>(1);
}

std::uint64_t layout_hash(const Limits& limits) noexcept {
  // FNV-1a over what decides the offsets: the size of each structure in order, and the limits.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint64_t part :
       {std::uint64_t{limits.max_connections}, std::uint64_t{limits.workers}, std::uint64_t{limits.processes},
        std::uint64_t{limits.bindings()}, std::uint64_t{limits.letter_ring_bytes}, std::uint64_t{limits.max_nonces},
        std::uint64_t{limits.max_bans}, std::uint64_t{ConnectionTable::bytes_needed(limits)},
        std::uint64_t{MailboxSet::bytes_needed(limits)}, std::uint64_t{ProcessTable::bytes_needed(limits)},
        std::uint64_t{Counters::bytes_needed(limits)}, std::uint64_t{BindingTable::bytes_needed(limits)},
        std::uint64_t{NonceTable::bytes_needed(limits)}, std::uint64_t{BanTable::bytes_needed(limits)},
        std::uint64_t{AddressTable::bytes_needed(limits)},
        std::uint64_t{TicketKeys::bytes_needed(limits)}, std::uint64_t{CertificateBoard::bytes_needed(limits)},
        std::uint64_t{LastInputs::bytes_needed(limits)}, std::uint64_t{UpstreamBoard::bytes_needed(limits)},
        std::uint64_t{counter_count}})
    for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ (part >> shift & 0xff)) * 0x100000001b3ULL;
  return hash;
}

Result<SharedState> create(const Limits& limits, const base::SipHashKey* binding_key) {
  if (auto sound = check(limits); !sound) return sound.error();
  auto segment = Segment::create(bytes_needed(limits), layout_hash(limits));
  if (!segment) {
    return Error{segment.error().code,
                 fmt::format("{}; lower max_connections (its tables: {} MiB), the number of processes, or "
                             "letter_ring_bytes (the rings: {} MiB)",
                             segment.error().why, mib(table_bytes(limits)), mib(ring_bytes(limits)))};
  }
  SharedState shared{std::move(*segment), limits, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, nullptr, nullptr, nullptr};
  shared.connections = ConnectionTable::construct(shared.segment, limits);
  shared.ids = ConnectionIds::construct(shared.segment, shared.connections);
  shared.mailboxes = MailboxSet::construct(shared.segment, limits);
  shared.processes = ProcessTable::construct(shared.segment, limits);
  shared.counters = Counters::construct(shared.segment, limits);
  shared.bindings = BindingTable::construct(shared.segment, limits, binding_key != nullptr ? *binding_key : fresh_key());
  shared.nonces = NonceTable::construct(shared.segment, limits, fresh_key());
  shared.bans = BanTable::construct(shared.segment, limits, fresh_key());
  shared.addresses = AddressTable::construct(shared.segment, limits, fresh_key());
  base::SystemRandom random;
  shared.ticket_keys = TicketKeys::construct(shared.segment, base::SystemClock{}.unix_seconds(), random);
  shared.certificates = CertificateBoard::construct(shared.segment);
  shared.last_inputs = LastInputs::construct(shared.segment, limits);
  shared.upstreams = UpstreamBoard::construct(shared.segment, limits);
  shared.switches = &shared.segment.carve_one<Switches>();
  shared.switches->init();
  shared.desk = &shared.segment.carve_one<OperatorDesk>();  // zeroed: no question, no answer
  shared.memory = &shared.segment.carve_one<MemoryAccount>();
  shared.segment.seal();
  return shared;
}

std::uint64_t SharedState::value(Counter counter) const noexcept {
  switch (counter) {
    case Counter::tcp_current_opened_connections: return connections.live().all;
    case Counter::ws_current_connections: return connections.live().websocket;
    case Counter::ws_max_concurrent_connections: return connections.peak().websocket;
    case Counter::ws_sip_current_connections: return connections.live().sip;
    case Counter::ws_sip_max_concurrent_connections: return connections.peak().sip;
    case Counter::ws_msrp_current_connections: return connections.live().msrp;
    case Counter::ws_msrp_max_concurrent_connections: return connections.peak().msrp;
    case Counter::usrloc_registered_users:
    case Counter::usrloc_location_users: return bindings.users();
    case Counter::usrloc_location_contacts: return bindings.contacts();
    case Counter::shmem_total_size: return segment.bytes();
    case Counter::shmem_used_size:
    case Counter::shmem_real_used_size:
    case Counter::shmem_max_used_size: return segment.carved_bytes();
    case Counter::shmem_free_size: return segment.bytes() - segment.carved_bytes();
    case Counter::shmem_fragments: return 0;  // nothing is ever given back, so nothing is ever broken up
    case Counter::memory_shared: return memory->segment_bytes();
    case Counter::memory_used: return counters.sum(Counter::memory_private) + memory->segment_bytes();
    case Counter::stripe_repairs:
      return connections.repairs() + bindings.repairs() + nonces.repairs() + bans.repairs() +
             addresses.repairs();
    case Counter::tls_certificate_days_left: return certificates.days_left(base::SystemClock{}.unix_seconds());
    default: return counters.sum(counter);
  }
}

}  // namespace sipwsd::shm
