// links: ws http base
// Messages of any bytes, each behind its length, through permessage-deflate: as something to inflate, where zlib must
// agree with a slow reading of RFC 1951, or as something to deflate, which that reading must turn back. The first byte
// chooses which, takeover, limit and window. The shared streams live on, as in a worker: no run may see the one before.

#include "src/ws/permessage_deflate.h"
#include "tests/fuzz/reference_inflate.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sipwsd;
using fuzz::ReferenceInflate;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::string_view> messages_of(std::string_view in) {
  std::vector<std::string_view> messages;
  while (in.size() >= 2) {
    const std::size_t size = static_cast<unsigned char>(in[0]) | (static_cast<unsigned char>(in[1]) & 0x0fu) << 8;
    messages.push_back(in.substr(2, size));
    in.remove_prefix(2 + messages.back().size());
  }
  return messages;
}

void inflate_all(const std::vector<std::string_view>& messages, bool takeover, std::size_t limit) {
  static ws::SharedDeflate shared{{.level = 1, .min_size = 1}};
  ws::PerMessageDeflate server{{.server_no_context_takeover = true, .client_no_context_takeover = !takeover}, shared};
  ReferenceInflate reference{32768};
  for (const auto message : messages) {
    const auto inflated = server.inflated(as_bytes(message), limit);
    require(shared.memory_held() <= (41 + 16) * 1024 + 1);
    if (!takeover) reference.forget();
    const auto expected = reference.inflate(message, limit);
    require(static_cast<bool>(inflated) == (expected.end == ReferenceInflate::End::message));
    if (!inflated) {
      require(inflated.is(Errc::too_large) == (expected.end == ReferenceInflate::End::too_large));
      require(inflated.is(Errc::refused) == (expected.end == ReferenceInflate::End::too_many_blocks));
      if (takeover) return;  // the connection has failed
      continue;
    }
    require(as_text(*inflated) == expected.message);
  }
}

void deflate_all(const std::vector<std::string_view>& messages, bool takeover, std::uint8_t bits) {
  static ws::SharedDeflate here{{.level = 6, .min_size = 1}}, there{{.level = 6, .min_size = 1}};
  const ws::DeflateAgreement agreement{.server_no_context_takeover = !takeover,
                                       .client_no_context_takeover = true,
                                       .server_max_window_bits = bits};
  ws::PerMessageDeflate server{agreement, here}, client{agreement, there, ws::Role::client};
  ReferenceInflate reference{std::size_t{1} << bits};
  for (const auto message : messages) {
    const auto outgoing = server.outgoing(as_bytes(message));
    if (!outgoing.compressed) {
      require(as_text(outgoing.payload) == message && (!takeover || message.empty()));
      continue;
    }
    if (!takeover) reference.forget();
    const auto back = reference.inflate(as_text(outgoing.payload), message.size());
    require(back.end == ReferenceInflate::End::message && back.message == message);
    const auto received = client.inflated(outgoing.payload, message.size());
    require(received && as_text(*received) == message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const bool takeover = (data[0] & 1) != 0;
  const std::size_t limit = std::size_t{1} << (data[0] >> 1 & 7) * 2;  // 1 byte to 16 KiB
  const auto messages = messages_of({reinterpret_cast<const char*>(data) + 1, size - 1});
  if ((data[0] & 0x80) == 0)
    inflate_all(messages, takeover, limit);
  else
    deflate_all(messages, takeover, static_cast<std::uint8_t>(9 + (data[0] >> 1) % 7));
  return 0;
}
