// links: ws http base
// Any lines of Sec-WebSocket-Extensions under any policy (the first byte chooses). What is answered is itself in the
// grammar, within the policy, within one of the offers, and agrees to itself.

#include "src/base/text.h"
#include "src/ws/extension_offer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

const ws::ExtensionParameter* find(const ws::ExtensionOffer& offer, std::string_view name) {
  const auto found = std::find_if(offer.parameters.begin(), offer.parameters.end(),
                                  [&](const ws::ExtensionParameter& one) { return one.name == name; });
  return found == offer.parameters.end() ? nullptr : &*found;
}

bool within(std::optional<std::uint8_t> bits, const ws::ExtensionParameter* asked) {
  if (!asked || !asked->value) return true;
  const auto most = base::parse_decimal<std::uint8_t>(*asked->value);
  return most && bits.value_or(15) <= *most;
}

// RFC 7692 7.1: could this offer have had this answer?
bool comes_from(const ws::ExtensionOffer& offer, const ws::DeflateAgreement& agreement) {
  const auto* server_bits = find(offer, "server_max_window_bits");
  const auto* client_bits = find(offer, "client_max_window_bits");
  if (offer.token != "permessage-deflate") return false;
  if (find(offer, "server_no_context_takeover") && !agreement.server_no_context_takeover) return false;
  if (find(offer, "client_no_context_takeover") && !agreement.client_no_context_takeover) return false;
  if (server_bits && (!agreement.server_max_window_bits || !server_bits->value)) return false;
  if (!client_bits && agreement.client_max_window_bits) return false;
  return offer.parameters.size() <= 4 && within(agreement.server_max_window_bits, server_bits) &&
         within(agreement.client_max_window_bits, client_bits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const ws::DeflatePolicy policy{.enabled = true,
                                 .window_bits = static_cast<std::uint8_t>(9 + (data[0] >> 1) % 7),
                                 .context_takeover = (data[0] & 1) != 0};
  std::string_view in{reinterpret_cast<const char*>(data) + 1, size - 1};
  http::HeaderList headers;
  while (!in.empty()) {
    const auto line = in.substr(0, in.find('\n'));
    headers.add({"sec-websocket-extensions", line});
    in.remove_prefix(std::min(in.size(), line.size() + 1));
  }
  const auto offers = ws::parse_extension_offers(headers);
  if (!offers) return 0;
  require(!ws::agree_on_deflate(*offers, ws::DeflatePolicy{}));
  const auto agreement = ws::agree_on_deflate(*offers, policy);
  if (!agreement) return 0;
  require(agreement->server_max_window_bits.value_or(15) >= 9);
  require(agreement->server_max_window_bits.value_or(15) <= policy.window_bits);
  require(agreement->client_no_context_takeover ||
          agreement->client_max_window_bits.value_or(15) <= policy.window_bits);
  require(policy.context_takeover || (agreement->server_no_context_takeover && agreement->client_no_context_takeover));
  require(std::any_of(offers->begin(), offers->end(),
                      [&](const ws::ExtensionOffer& offer) { return comes_from(offer, *agreement); }));

  const auto answer = ws::extension_answer(*agreement);
  http::HeaderList again;
  again.add({"Sec-WebSocket-Extensions", answer});
  const auto read_back = ws::parse_extension_offers(again);
  require(read_back && read_back->size() == 1);
  require(ws::agree_on_deflate(*read_back, policy) == agreement);
  return 0;
}
