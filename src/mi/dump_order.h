#pragma once
// The orders of ws.dump over copied records (reference/websocket.md 3).

#include <optional>
#include <string_view>
#include <vector>

#include "shm/connection_record.h"

namespace sipwsd::mi {

enum class DumpOrder { id_hash, used_desc, used_asc };

// Without case; the whole word.
std::optional<DumpOrder> dump_order(std::string_view word) noexcept;

// id_hash: bucket id & 1023 after bucket, newest first within one. used_desc: the least recently used first (the most
// idle: the name means idle time); used_asc: the most recently used first.
void sort_for_dump(std::vector<shm::ConnectionRecord>& records, DumpOrder order);

}  // namespace sipwsd::mi
