// The hot path allocates nothing: reading, judging, editing and answering a browser's INVITE. Counted by replacing the
// global allocation functions of this test program.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "src/sip/contact.h"
#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/request_builder.h"
#include "src/sip/response_builder.h"
#include "src/sip/sanity.h"
#include "src/sip/via.h"
#include "src/sip/writer.h"
#include "tests/sip/samples.h"

namespace {
std::size_t allocations = 0;
}

// Not inlined, or the compiler sees a new freed by free() and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace sipwsd::sip {
namespace {

void relay(std::string_view bytes, OutputBuffer& out) {
  const Parsed parsed = parse(bytes);
  ASSERT_TRUE(parsed);
  ASSERT_FALSE(sanity_refusal(*parsed));
  ASSERT_TRUE(topmost_via(*parsed) && cseq(*parsed) && first_contact(*parsed));
  ASSERT_FALSE(from_tag(*parsed).empty());

  out.clear();
  write_reply(*parsed, {.status = 100, .received = "192.0.2.7"}, out);
  write_cancel(*parsed, {}, out);

  Edits edits{*parsed};
  ASSERT_TRUE(edits.set_request_uri("sip:7fmn2bkj@m04q3g9u2i5k.invalid;transport=ws"));
  ASSERT_TRUE(edits.insert_before(HeaderId::via, "Via: SIP/2.0/WSS edge.example.org;branch=z9hG4bK0123456789abcdef"));
  ASSERT_TRUE(
      edits.insert_before(HeaderId::record_route, "Record-Route: <sip:token@edge.example.org;transport=ws;lr>"));
  ASSERT_TRUE(edits.set_value(HeaderId::max_forwards, "68"));
  ASSERT_TRUE(edits.stamp_topmost_via("192.0.2.7", 50000));
  edits.remove_first_values(HeaderId::route);
  write(*parsed, edits, out);
}

TEST(Allocation, RelayingABrowsersInviteNeedsNone) {
  const std::string& invite = test::sample("JsSIP INVITE").text;
  OutputBuffer out;
  relay(invite, out);  // the buffer grows once

  const std::size_t before = allocations;
  relay(invite, out);

  EXPECT_EQ(allocations, before);
}

TEST(Allocation, KeepingAMessageNeedsOne) {
  const Parsed parsed = parse(test::sample("JsSIP INVITE").text);

  const std::size_t before = allocations;
  const Message kept = Message::copy_of(*parsed);

  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace sipwsd::sip
