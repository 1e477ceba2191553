#include "shm/certificate_board.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {

// Word by word, so that a reader that was overtaken reads mixed words, which the generation shows, but no torn one.
constexpr std::size_t words = sizeof(CertificateRow) / sizeof(std::uint64_t);
static_assert(sizeof(CertificateRow) % sizeof(std::uint64_t) == 0);
using Words = std::array<std::uint64_t, words>;

std::atomic_ref<std::uint64_t> atomic(const std::uint64_t& word) noexcept {
  return std::atomic_ref(const_cast<std::uint64_t&>(word));
}

CertificateRow copy_out(const CertificateRow& shared) {
  Words copy;
  const auto* from = reinterpret_cast<const std::uint64_t*>(&shared);
  for (std::size_t i = 0; i < words; ++i) copy[i] = atomic(from[i]).load(std::memory_order_relaxed);
  return std::bit_cast<CertificateRow>(copy);
}

void copy_in(CertificateRow& shared, const CertificateRow& row) {
  const auto from = std::bit_cast<Words>(row);
  const auto* to = reinterpret_cast<const std::uint64_t*>(&shared);
  for (std::size_t i = 0; i < words; ++i) atomic(to[i]).store(from[i], std::memory_order_relaxed);
}

}  // namespace

std::size_t CertificateBoard::bytes_needed(const Limits&) { return Segment::carved_array<Table>(1); }

CertificateBoard CertificateBoard::construct(Segment& segment) {
  CertificateBoard board;
  board.table_ = &segment.carve_one<Table>();
  return board;
}

void CertificateBoard::write(std::span<const CertificateRow> rows) {
  std::vector<CertificateRow> shown(rows.begin(), rows.end());
  if (shown.size() > max_rows) {
    std::stable_sort(shown.begin(), shown.end(),
                     [](const CertificateRow& a, const CertificateRow& b) { return a.not_after < b.not_after; });
    shown.resize(max_rows);
  }
  const std::uint64_t next = atomic(table_->generation).load(std::memory_order_relaxed) + 1;
  // Whoever sees a word of the new list also sees at least the generation before it.
  std::atomic_thread_fence(std::memory_order_release);
  Side& side = table_->sides[next % 2];
  atomic(side.count).store(shown.size(), std::memory_order_relaxed);
  for (std::size_t i = 0; i < shown.size(); ++i) copy_in(side.rows[i], shown[i]);
  atomic(table_->generation).store(next, std::memory_order_release);
}

std::vector<CertificateRow> CertificateBoard::read() const {
  for (;;) {
    const std::uint64_t generation = atomic(table_->generation).load(std::memory_order_acquire);
    const Side& side = table_->sides[generation % 2];
    std::vector<CertificateRow> rows;
    const auto count = std::min<std::uint64_t>(max_rows, atomic(side.count).load(std::memory_order_relaxed));
    for (std::size_t i = 0; i < count; ++i) rows.push_back(copy_out(side.rows[i]));
    std::atomic_thread_fence(std::memory_order_acquire);
    if (atomic(table_->generation).load(std::memory_order_relaxed) == generation) return rows;
  }
}

std::uint64_t CertificateBoard::days_left(std::int64_t unix_now) const noexcept {
  constexpr std::int64_t day = 86'400;
  const auto rows = read();
  if (rows.empty()) return 0;
  const auto first = std::min_element(rows.begin(), rows.end(), [](const CertificateRow& a, const CertificateRow& b) {
    return a.not_after < b.not_after;
  });
  return first->not_after <= unix_now ? 0 : static_cast<std::uint64_t>((first->not_after - unix_now) / day);
}

}  // namespace sipwsd::shm
