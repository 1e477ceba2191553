// links: sip base
// One header value before every typed parser, as a value and as a header of a message.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/sip/exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sipwsd::sip;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto fail = [](const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::abort();
  };
  test::exercise_value(text, fail);
  if (size == 0) return 0;
  const auto id = static_cast<HeaderId>(data[0] % header_id_count);
  std::string message = "INVITE sip:a@b SIP/2.0\r\n";
  message.append(name(id == HeaderId::other ? HeaderId::via : id)).append(": ").append(text.substr(1));
  message.append("\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\r\n");
  test::exercise(message, fail);
  return 0;
}
