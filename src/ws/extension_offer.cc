#include "src/ws/extension_offer.h"

#include "src/base/text.h"
#include "src/http/characters.h"

#include <algorithm>
#include <utility>

namespace sipwsd::ws {
namespace {

constexpr std::string_view permessage_deflate = "permessage-deflate";
constexpr std::uint8_t least_bits = 8, most_bits = 15;  // RFC 7692 7.1.2.1
constexpr std::uint8_t least_deflate_bits = 9;          // what zlib's raw deflate has

// Reads one header value from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : left_(text) {}

  bool at_end() noexcept {
    skip_blanks();
    return left_.empty();
  }
  bool take(char c) noexcept {
    skip_blanks();
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  // Empty when there is none.
  std::string_view token() noexcept {
    skip_blanks();
    const auto end = std::find_if_not(left_.begin(), left_.end(), http::is_token_character);
    const auto found = left_.substr(0, static_cast<std::size_t>(end - left_.begin()));
    left_.remove_prefix(found.size());
    return found;
  }
  // RFC 9110 5.6.4, behind the opening quote; nullopt when it does not close.
  std::optional<std::string> rest_of_quoted() {
    std::string text;
    while (!left_.empty()) {
      char c = left_.front();
      left_.remove_prefix(1);
      if (c == '"') return text;
      if (c == '\\') {
        if (left_.empty()) break;
        c = left_.front();
        left_.remove_prefix(1);
      }
      text += c;
    }
    return std::nullopt;
  }

 private:
  void skip_blanks() noexcept {
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\t')) left_.remove_prefix(1);
  }
  std::string_view left_;
};

Error malformed() { return {Errc::malformed, "Sec-WebSocket-Extensions breaks its grammar"}; }

// RFC 6455 9.1: a quoted value must be a token once the quotes are off.
Result<std::string> parse_value(Reader& reader) {
  if (!reader.take('"')) {
    const auto value = reader.token();
    return value.empty() ? Result<std::string>{malformed()} : std::string{value};
  }
  auto value = reader.rest_of_quoted();
  if (!value || !http::is_token(*value)) return malformed();
  return *std::move(value);
}

Result<ExtensionOffer> parse_offer(Reader& reader) {
  ExtensionOffer offer{.token = reader.token(), .parameters = {}};
  if (offer.token.empty()) return malformed();
  while (reader.take(';')) {
    auto& parameter = offer.parameters.emplace_back();
    parameter.name = reader.token();
    if (parameter.name.empty()) return malformed();
    if (!reader.take('=')) continue;
    auto value = parse_value(reader);
    if (!value) return value.error();
    parameter.value = *std::move(value);
  }
  return offer;
}

Result<void> parse_line(std::string_view line, std::vector<ExtensionOffer>& offers) {
  Reader reader{line};
  while (!reader.at_end()) {
    if (reader.take(',')) continue;  // RFC 9110 5.6.1.2: empty elements are passed over
    auto offer = parse_offer(reader);
    if (!offer) return offer.error();
    offers.push_back(*std::move(offer));
    if (!reader.at_end() && !reader.take(',')) return malformed();
  }
  return {};
}

// RFC 7692 7.1.2: 8 to 15, no leading zeros.
std::optional<std::uint8_t> window_bits(const std::string& value) {
  const auto bits = base::parse_decimal<std::uint8_t>(value);
  if (!bits || value.front() == '0' || *bits < least_bits || *bits > most_bits) return std::nullopt;
  return bits;
}

// The parameters of one offer, each as RFC 7692 7.1 wants it.
struct Asked {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits;
  bool client_max_window_bits = false;
  std::uint8_t client_bits = most_bits;  // without a value: it just lets us choose (7.1.2.2)
};

bool sets(bool& flag, const ExtensionParameter& parameter) {
  return !std::exchange(flag, true) && !parameter.value;
}

bool understood(const ExtensionParameter& parameter, Asked& asked) {
  if (parameter.name == "server_no_context_takeover") return sets(asked.server_no_context_takeover, parameter);
  if (parameter.name == "client_no_context_takeover") return sets(asked.client_no_context_takeover, parameter);
  if (parameter.name == "server_max_window_bits") {
    if (asked.server_max_window_bits || !parameter.value) return false;
    asked.server_max_window_bits = window_bits(*parameter.value);
    return asked.server_max_window_bits.has_value();
  }
  if (parameter.name == "client_max_window_bits") {
    if (std::exchange(asked.client_max_window_bits, true)) return false;
    if (!parameter.value) return true;
    const auto bits = window_bits(*parameter.value);
    asked.client_bits = bits.value_or(most_bits);
    return bits.has_value();
  }
  return false;
}

std::optional<DeflateAgreement> agree_on(const ExtensionOffer& offer, const DeflatePolicy& policy) {
  if (offer.token != permessage_deflate) return std::nullopt;
  Asked asked;
  for (const auto& parameter : offer.parameters)
    if (!understood(parameter, asked)) return std::nullopt;

  DeflateAgreement agreement;
  const auto server_bits = std::min(asked.server_max_window_bits.value_or(most_bits), policy.window_bits);
  if (server_bits < least_deflate_bits) return std::nullopt;
  if (asked.server_max_window_bits || server_bits < most_bits) agreement.server_max_window_bits = server_bits;
  const auto client_bits = std::min(asked.client_bits, policy.window_bits);
  if (asked.client_max_window_bits && client_bits < most_bits) agreement.client_max_window_bits = client_bits;

  agreement.server_no_context_takeover = asked.server_no_context_takeover || !policy.context_takeover;
  const bool unbounded = !asked.client_max_window_bits && policy.window_bits < most_bits;
  agreement.client_no_context_takeover = asked.client_no_context_takeover || !policy.context_takeover || unbounded;
  return agreement;
}

}  // namespace

Result<std::vector<ExtensionOffer>> parse_extension_offers(const http::HeaderList& headers) {
  std::vector<ExtensionOffer> offers;
  for (const auto& header : headers) {
    if (!equals_nocase(header.name, "Sec-WebSocket-Extensions")) continue;
    if (auto parsed = parse_line(header.value, offers); !parsed) return parsed.error();
  }
  return offers;
}

std::optional<DeflateAgreement> agree_on_deflate(std::span<const ExtensionOffer> offers, const DeflatePolicy& policy) {
  if (!policy.enabled) return std::nullopt;
  for (const auto& offer : offers)
    if (auto agreement = agree_on(offer, policy)) return agreement;
  return std::nullopt;
}

std::string extension_answer(const DeflateAgreement& agreement) {
  std::string answer{permessage_deflate};
  if (agreement.server_no_context_takeover) answer += "; server_no_context_takeover";
  if (agreement.client_no_context_takeover) answer += "; client_no_context_takeover";
  if (const auto bits = agreement.server_max_window_bits) answer += "; server_max_window_bits=" + std::to_string(*bits);
  if (const auto bits = agreement.client_max_window_bits) answer += "; client_max_window_bits=" + std::to_string(*bits);
  return answer;
}

}  // namespace sipwsd::ws
