// Runs the SIP rows, each over every transport in every cut. S20, S21 (the daemon's side), S26, S27 of
// reference/security.md; the codec's own tests are in tests/sip.

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <set>

#include "tests/conformance/sip_runner.h"
#include "tests/conformance/sip_site.h"

namespace sipwsd::test::conformance {
namespace {

struct Case {
  const SipRow* row;
  SipTransport transport;
};

constexpr std::array transports{SipTransport::ws, SipTransport::wss, SipTransport::tcp, SipTransport::tls, SipTransport::udp};

bool can_bring(SipTransport transport, const SipRow& row) {
  constexpr std::size_t largest_datagram = 65'507;
  if (transport == SipTransport::udp) return row.sent.size() <= largest_datagram;
  return !row.only_in_packets || !is_stream(transport);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto transport : transports)
    for (const auto& row : all_sip_rows())
      if (can_bring(transport, row)) cases.push_back({&row, transport});
  return cases;
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  std::string name = name_of(info.param.transport) + "_" + info.param.row->id;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

class SipConformance : public testing::TestWithParam<Case> {};

TEST_P(SipConformance, SaysWhatTheRowSays) {
  const auto& [row, transport] = GetParam();
  for (const SipCut cut : cuts_for(transport))
    if (const auto wrong = run(*row, transport, cut); !wrong.empty())
      ADD_FAILURE() << row->id << ", " << name_of(cut) << ": " << row->sentence << "\n  " << wrong;
}

INSTANTIATE_TEST_SUITE_P(Table, SipConformance, testing::ValuesIn(all_cases()), name_of_case);

TEST(SipTable, NamesEachRowOnce) {
  std::set<std::string> ids;
  for (const auto& row : all_sip_rows()) EXPECT_TRUE(ids.insert(row.id).second) << row.id;
}

class Sites : public testing::Environment {
  void TearDown() override { EXPECT_TRUE(stop_sip_sites()) << "a row has cost a daemon its worker, or its good end"; }
};
const auto* const sites = testing::AddGlobalTestEnvironment(new Sites);

}  // namespace
}  // namespace sipwsd::test::conformance
