#include "src/dns/srv_order.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <tuple>

namespace sipwsd::dns {
namespace {

using Position = std::vector<Srv>::iterator;

// Which of [first, last), all of one priority, those without a weight in front so that they have a small chance too: the
// first whose running sum of weights reaches a number drawn from 0 to the whole sum.
Position draw(Position first, Position last, base::Random& chance) {
  std::uint64_t sum = 0;
  for (Position one = first; one != last; ++one) sum += one->weight;
  const std::uint64_t drawn = chance.below(sum + 1);
  std::uint64_t running = 0;
  for (Position one = first; one != last; ++one)
    if ((running += one->weight) >= drawn) return one;
  return first;
}

}  // namespace

std::vector<Srv> in_order_to_try(std::vector<Srv> records, base::Random& chance) {
  std::stable_sort(records.begin(), records.end(), [](const Srv& a, const Srv& b) {
    return std::tuple(a.priority, a.weight != 0) < std::tuple(b.priority, b.weight != 0);
  });
  for (Position first = records.begin(); first != records.end(); ++first) {
    const Position last = std::find_if(first, records.end(), [&](const Srv& srv) { return srv.priority != first->priority; });
    if (std::distance(first, last) < 2) continue;
    // Moved to the front, the others keep their order: those without a weight stay in front.
    const Position chosen = draw(first, last, chance);
    std::rotate(first, chosen, std::next(chosen));
  }
  return records;
}

}  // namespace sipwsd::dns
