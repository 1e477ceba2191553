#include "src/os/heap.h"

#include <malloc.h>

#include <cstddef>

namespace sipwsd::os {
namespace {

constexpr int own_pages_from = 256 * 1024;
constexpr int keep_at_the_top = 256 * 1024;
constexpr std::size_t worth_it = 512 * 1024;

}  // namespace

void prepare_heap() noexcept {
  mallopt(M_MMAP_THRESHOLD, own_pages_from);
  mallopt(M_TRIM_THRESHOLD, keep_at_the_top);
}

void tidy_heap() noexcept {
  const struct mallinfo2 heap = mallinfo2();
  if (heap.fordblks > worth_it && heap.fordblks > heap.uordblks / 8) malloc_trim(0);
}

}  // namespace sipwsd::os
