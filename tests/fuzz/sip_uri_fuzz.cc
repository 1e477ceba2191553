// links: sip base
// A URI, and two compared with each other: the input is cut at its first line feed.

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
  const std::size_t cut = text.find('\n');
  const auto first = parse_uri(text.substr(0, cut));
  if (!first) return 0;
  test::exercise_uri(*first, text, fail);
  const std::string aor = canonical_aor(*first);
  if (first->is_sip() && aor.size() > first->text.size()) fail("a canonical AOR longer than its URI");
  if (first->is_sip() && first->has_user && !parse_uri("sip:" + escape_user(unescape(first->user)) + "@h"))
    fail("an escaped user cannot be read");
  if (cut == std::string_view::npos) return 0;
  const auto second = parse_uri(text.substr(cut + 1));
  if (second && equivalent(*first, *second) != equivalent(*second, *first)) fail("comparison is not symmetric");
  return 0;
}
