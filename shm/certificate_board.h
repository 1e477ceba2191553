#pragma once
// What may be shown of the certificates in use: nothing secret, no file to open. The supervisor writes it after each
// load, the mi process reads it for tls.info, and the counter tls_certificate_days_left is derived from it.
// Two sides take turns: the new list is written on the one nobody reads, then the generation is raised.
// Writers: the supervisor. Locks: none; a reader that was overtaken reads again. After a death: a half-written list was
// never shown.

#include "shm/limits.h"
#include "shm/segment.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sipwsd::shm {

// Texts end in NUL and are cut when they are too long.
struct CertificateRow {
  char profile[96];
  char file[192];
  char subject[192];
  char issuer[192];
  char names[256];  // parted by spaces
  char key_type[24];
  std::int64_t not_before, not_after;  // Unix seconds
  std::int64_t stapled_until;          // of its OCSP response; 0: none
};
static_assert(ShmSafe<CertificateRow>);

class CertificateBoard {
 public:
  static constexpr std::uint32_t max_rows = 64;  // of more certificates, those that end first are shown
  static std::size_t bytes_needed(const Limits& limits);
  static CertificateBoard construct(Segment& segment);

  void write(std::span<const CertificateRow> rows);
  [[nodiscard]] std::vector<CertificateRow> read() const;
  // Whole days until the first of them ends; 0 when it has ended or there is none.
  [[nodiscard]] std::uint64_t days_left(std::int64_t unix_now) const noexcept;

 private:
  struct Side {
    std::uint64_t count;
    CertificateRow rows[max_rows];
  };
  struct Table {
    std::uint64_t generation;
    Side sides[2];
  };
  Table* table_ = nullptr;
};

}  // namespace sipwsd::shm
