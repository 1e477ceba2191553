#pragma once
// A registrar over a binding table of the test's own, and REGISTERs as clients write them.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/location/registrar.h"
#include "src/location/shm_store.h"
#include "src/sip/message.h"
#include "tests/support/private_segment.h"

namespace sipwsd::location {

struct Register {
  std::vector<std::string> lines;  // Contact, Expires, ...
  unsigned cseq = 1;
  std::string call_id = "call-1";
  std::string to = "<sip:alice@example.org>";

  [[nodiscard]] std::string text() const {
    std::string out =
        "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=1\r\nTo: " +
        to + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " REGISTER\r\n";
    for (const auto& line : lines) out += line + "\r\n";
    return out + "Content-Length: 0\r\n\r\n";
  }
};

class LocationTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t now = 10'000;
  static constexpr Flow flow{ConnectionId{7}, WorkerSlot{0}}, other_flow{ConnectionId{8}, WorkerSlot{1}};

  LocationTest() { clock.advance(std::chrono::seconds{now}); }

  Registration ask(const Register& request, Flow over = flow) {
    return ask_from(request, {.flow = over, .remote = {}, .local = {}, .sub_protocol = SubProtocol::sip, .client = {}});
  }
  Registration ask_from(const Register& request, const Arrival& arrival) {
    const auto text = request.text();
    const auto parsed = sip::parse(text);
    EXPECT_TRUE(parsed) << text;
    return registrar.process(*parsed, arrival);
  }
  // The one binding there is; good until the next call.
  const shm::Binding& only(std::string_view aor = "alice@example.org") {
    store.snapshot(aor, only_);
    EXPECT_EQ(only_.size(), 1u);
    return only_[0];
  }
  // The Contact line of the 200; the status when it is another one.
  static std::string contact_line(const Registration& result) {
    if (result.status != 200) return std::to_string(result.status);
    for (const auto& line : result.headers)
      if (line.starts_with("Contact: ")) return line.substr(9);
    return "none";
  }
  static bool has(const Registration& result, const std::string& line) {
    return std::find(result.headers.begin(), result.headers.end(), line) != result.headers.end();
  }
  // "contact expires-in", newest first.
  std::vector<std::string> bindings(std::string_view aor = "alice@example.org") {
    shm::BindingSnapshot all;
    store.snapshot(aor, all);
    std::vector<std::string> out;
    for (const auto& b : all) out.push_back(std::string(b.contact) + " " + std::to_string(b.expires_at - base::whole_seconds(clock.now())));
    return out;
  }
  void pass(int seconds) { clock.advance(std::chrono::seconds{seconds}); }

  test::PrivateSegment segment;
  base::FakeClock clock;
  config::Settings settings;
  ShmStore store{segment->bindings, clock, shm::ProcessSlot{0}};
  Registrar registrar{store, clock, settings};

 private:
  shm::BindingSnapshot only_;
};

}  // namespace sipwsd::location
