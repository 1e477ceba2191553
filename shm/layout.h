#pragma once
// The one list of what stands in the segment, in order; and SharedState, which every process inherits: one handle per
// structure. Created once by the supervisor before the first fork.

#include "sipwsd/result.h"

#include "shm/address_table.h"
#include "shm/ban_table.h"
#include "shm/binding_table.h"
#include "shm/certificate_board.h"
#include "shm/connection_ids.h"
#include "shm/connection_table.h"
#include "shm/counters.h"
#include "shm/last_input.h"
#include "shm/limits.h"
#include "shm/mailbox_set.h"
#include "shm/memory_account.h"
#include "shm/nonce_table.h"
#include "shm/operator_desk.h"
#include "shm/process_table.h"
#include "shm/segment.h"
#include "shm/switches.h"
#include "shm/ticket_keys.h"
#include "shm/upstream_board.h"

#include <cstddef>
#include <cstdint>

namespace sipwsd::shm {

std::size_t bytes_needed(const Limits& limits);
// Changes whenever a structure or a limit does: two processes with the same hash agree about every offset.
std::uint64_t layout_hash(const Limits& limits) noexcept;

struct SharedState {
  Segment segment;
  Limits limits;
  ConnectionTable connections;
  ConnectionIds ids;
  MailboxSet mailboxes;
  ProcessTable processes;
  Counters counters;
  BindingTable bindings;
  NonceTable nonces;
  BanTable bans;
  AddressTable addresses;
  TicketKeys ticket_keys;
  CertificateBoard certificates;
  LastInputs last_inputs;
  UpstreamBoard upstreams;
  Switches* switches = nullptr;   // never null
  MemoryAccount* memory = nullptr;  // never null
  OperatorDesk* desk = nullptr;   // never null

  // Any statistic, live ones too.
  std::uint64_t value(Counter counter) const noexcept;
};

// Carves everything and seals. Errc::out_of_range: a limit makes no sense; Errc::system: the memory can't be had. `why`
// says how much was asked and which parameter to lower.
// `binding_key`: what clients are named with (BindingTable::client_id); null draws one.
[[nodiscard]] Result<SharedState> create(const Limits& limits, const base::SipHashKey* binding_key = nullptr);

}  // namespace sipwsd::shm
