#include "src/mi/dump_order.h"

#include <algorithm>
#include <tuple>

#include "sipwsd/bytes.h"

namespace sipwsd::mi {

std::optional<DumpOrder> dump_order(std::string_view word) noexcept {
  if (equals_nocase(word, "id_hash")) return DumpOrder::id_hash;
  if (equals_nocase(word, "used_desc")) return DumpOrder::used_desc;
  if (equals_nocase(word, "used_asc")) return DumpOrder::used_asc;
  return std::nullopt;
}

void sort_for_dump(std::vector<shm::ConnectionRecord>& records, DumpOrder order) {
  const auto id = [](const shm::ConnectionRecord& r) { return number(r.id()); };
  std::sort(records.begin(), records.end(), [&](const shm::ConnectionRecord& a, const shm::ConnectionRecord& b) {
    switch (order) {
      case DumpOrder::id_hash: return std::tuple(id(a) & 1023, id(b)) < std::tuple(id(b) & 1023, id(a));
      case DumpOrder::used_desc: return std::tuple(a.last_used, id(a)) < std::tuple(b.last_used, id(b));
      case DumpOrder::used_asc: return std::tuple(b.last_used, id(b)) < std::tuple(a.last_used, id(a));
    }
    return false;
  });
}

}  // namespace sipwsd::mi
