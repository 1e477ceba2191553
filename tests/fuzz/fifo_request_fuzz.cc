// links: mi base
// Any bytes as what clients write into the FIFO: read whole and read byte by byte, the same requests come out, and each
// is within its bounds.

#include "src/mi/fifo_request.h"

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using namespace sipwsd::mi;

void require(bool condition) {
  if (!condition) std::abort();
}

using Outcomes = std::vector<std::variant<FifoRequest, FifoRefusal>>;

void take(FifoReader& reader, Outcomes& all) {
  while (auto next = reader.next()) all.push_back(std::move(*next));
}

bool same(const FifoRequest& a, const FifoRequest& b) {
  if (a.reply_name != b.reply_name || a.request.command != b.request.command || a.arguments_are_bad != b.arguments_are_bad)
    return false;
  if (a.arguments_are_bad) return true;
  if (a.request.arguments.size() != b.request.arguments.size()) return false;
  for (std::size_t i = 0; i < a.request.arguments.size(); ++i)
    if (a.request.arguments[i].name != b.request.arguments[i].name || a.request.arguments[i].value != b.request.arguments[i].value)
      return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  constexpr std::size_t directory = 5;
  FifoReader whole(directory), dribbled(directory);
  Outcomes first, second;
  whole.feed(in);
  take(whole, first);
  for (const char& byte : in) {
    dribbled.feed({&byte, 1});
    take(dribbled, second);
  }
  require(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    require(first[i].index() == second[i].index());
    if (const auto* refusal = std::get_if<FifoRefusal>(&first[i])) {
      require(refusal->why == std::get<FifoRefusal>(second[i]).why);
      continue;
    }
    const auto& request = std::get<FifoRequest>(first[i]);
    require(same(request, std::get<FifoRequest>(second[i])));
    require(!request.request.command.empty() && request.request.command.find(':') == std::string::npos);
    require(request.reply_name.find_first_of("./\\") == std::string::npos);
    require(directory + request.reply_name.size() <= FifoReader::max_reply_path);
    std::size_t bytes = 0;
    for (const auto& argument : request.request.arguments) {
      require(!argument.name.empty() || !argument.value.empty());
      bytes += argument.name.size() + argument.value.size();
    }
    require(bytes <= FifoReader::max_arguments);
  }
  return 0;
}
