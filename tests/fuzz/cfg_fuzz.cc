// links: cfg base
// A whole configuration: preprocessor, lexer, parser. Included files are the input again, so cycles are tried too.
#include "src/cfg/parser.h"

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace sipwsd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const cfg::Reader reader = [&](const std::string& path) -> Result<std::string> {
    if (path.empty() || path.size() > 2) return Error{Errc::not_found, "No such file or directory"};
    return text.substr(text.size() / 2);
  };
  cfg::Sources sources;
  cfg::Diagnostics diagnostics;
  const auto file = sources.add("fuzz.cfg", text);
  const auto program = cfg::parse(sources, file, {{"WITH_X", ""}, {"N", "1"}}, reader, diagnostics);
  for (const auto& diagnostic : diagnostics.all())
    if (cfg::render(diagnostic, sources).empty()) std::abort();
  return 0;
}
