// links: sip base
// One WebSocket payload: keepalives, messages, garbage. Everything is read, edited, answered and read again.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/sip/exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload{reinterpret_cast<const char*>(data), size};
  const auto fail = [](const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::abort();
  };
  sipwsd::sip::test::exercise(payload, fail);

  // Where the headers are whole, a beginning of the message has the same ones.
  const sipwsd::sip::Parsed whole = sipwsd::sip::parse(payload);
  if (!whole || size == 0) return 0;
  const std::size_t split = size * data[size - 1] / 256;
  const sipwsd::sip::Parsed part = sipwsd::sip::parse(payload.substr(0, split));
  if (part && (part->header_count() != whole->header_count() || part->start_line() != whole->start_line()))
    fail("a beginning was read as another message");
  return 0;
}
