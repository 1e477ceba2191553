#include "shm/certificate_board.h"

#include "tests/shm/shared_world.h"

#include <cstring>

namespace sipwsd::shm {
namespace {

constexpr std::int64_t day = 86'400;

CertificateRow row(std::string_view subject, std::int64_t not_after) {
  CertificateRow r{};
  std::memcpy(r.subject, subject.data(), subject.size());
  r.not_after = not_after;
  return r;
}

TEST(CertificateBoard, IsEmptyUntilItIsWritten) {
  SharedState shared = make_shared_state();
  EXPECT_TRUE(shared.certificates.read().empty());
  EXPECT_EQ(shared.certificates.days_left(0), 0u);
}

TEST(CertificateBoard, ShowsTheLastListToEveryProcess) {
  SharedState shared = make_shared_state();
  EXPECT_TRUE(ended_well(in_child([&] {
    shared.certificates.write(std::array{row("CN=old", 1), row("CN=older", 2)});
    shared.certificates.write(std::array{row("CN=new", 10 * day)});
  })));
  const auto rows = shared.certificates.read();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_STREQ(rows[0].subject, "CN=new");
}

TEST(CertificateBoard, CountsDaysUntilTheFirstOneEnds) {
  SharedState shared = make_shared_state();
  shared.certificates.write(std::array{row("CN=a", 30 * day), row("CN=b", 8 * day), row("CN=c", 20 * day)});
  EXPECT_EQ(shared.certificates.days_left(0), 8u);
  EXPECT_EQ(shared.certificates.days_left(1), 7u);
  EXPECT_EQ(shared.certificates.days_left(8 * day), 0u);
  EXPECT_EQ(shared.certificates.days_left(9 * day), 0u);
}

TEST(CertificateBoard, KeepsThoseThatEndFirstWhenThereAreTooMany) {
  SharedState shared = make_shared_state();
  std::vector<CertificateRow> many;
  for (std::int64_t i = 0; i < 100; ++i) many.push_back(row("CN=x", (100 - i) * day));
  shared.certificates.write(many);
  const auto rows = shared.certificates.read();
  ASSERT_EQ(rows.size(), CertificateBoard::max_rows);
  EXPECT_EQ(rows.front().not_after, day);
  EXPECT_EQ(rows.back().not_after, 64 * day);
}

}  // namespace
}  // namespace sipwsd::shm
