// links: http base
// Any bytes as the header lines a trusted proxy passes on (Forwarded, X-Forwarded-For, X-Forwarded-Proto in turn, one a
// line). Whatever they say, a client cannot choose its address: what the proxy adds wins, or the request is refused.

#include "src/http/forwarded.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sipwsd;

bool is_trusted(const Endpoint& endpoint) {
  return endpoint.family == AddressFamily::ipv4 ? endpoint.address[0] == 10 : endpoint.address[0] == 0xfd;
}

void require_client(const Result<http::ForwardedClient>& client, std::string_view address) {
  if (!client && !client.is(Errc::malformed)) std::abort();
  if (client && (!client->address || client->address->address_text() != address)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  constexpr std::array<std::string_view, 3> names{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"};
  http::HeaderList headers;
  std::string_view rest = in;
  for (std::size_t line = 0; line < 64 && !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    headers.add({names[line % names.size()], rest.substr(0, end)});
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  const auto alone = http::forwarded_client(headers, is_trusted);
  if (!alone && !alone.is(Errc::malformed)) std::abort();

  headers.add({"Forwarded", "for=192.0.2.7;proto=http"});
  headers.add({"X-Forwarded-For", "192.0.2.7, 10.0.0.1"});
  require_client(http::forwarded_client(headers, is_trusted), "192.0.2.7");

  http::HeaderList standard;
  const auto appended = std::string(in) + ", for=\"[2001:db8::7]:99\", for=10.0.0.2";
  standard.add({"Forwarded", appended});
  require_client(http::forwarded_client(standard, is_trusted), "2001:db8::7");

  http::HeaderList customary;
  const auto customary_appended = std::string(in) + ", 2001:db8::7, fd00::1";
  customary.add({"X-Forwarded-For", customary_appended});
  const auto client = http::forwarded_client(customary, is_trusted);
  if (!client) std::abort();
  require_client(client, "2001:db8::7");
  return 0;
}
