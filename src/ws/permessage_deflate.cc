#include "src/ws/permessage_deflate.h"

#include <algorithm>

namespace sipwsd::ws {
namespace {

// A buffer that one large message has blown up does not stay so.
constexpr std::size_t kept_capacity = 64 * 1024;

void trim(HeldBytes& buffer) {
  if (buffer.capacity() > kept_capacity) buffer.release();
}

}  // namespace

std::size_t SharedDeflate::memory_held() const noexcept {
  std::size_t held = inflater_.memory_held() + inflated_.capacity() + deflated_.capacity();
  for (const auto& one : deflaters_)
    if (one) held += one->memory_held();
  return held;
}

Deflater& SharedDeflate::deflater(int window_bits) {
  auto& one = deflaters_[static_cast<std::size_t>(window_bits - least_bits)];
  if (!one) one = std::make_unique<Deflater>(window_bits, tuning_.level);
  return *one;
}

PerMessageDeflate::PerMessageDeflate(const DeflateAgreement& agreement, SharedDeflate& shared, Role role) noexcept
    : shared_(shared) {
  const bool server = role == Role::server;
  const auto bits = [](std::optional<std::uint8_t> agreed) {
    return std::clamp<std::uint8_t>(agreed.value_or(SharedDeflate::most_bits), SharedDeflate::least_bits,
                                    SharedDeflate::most_bits);
  };
  inflate_bits_ = bits(server ? agreement.client_max_window_bits : agreement.server_max_window_bits);
  deflate_bits_ = bits(server ? agreement.server_max_window_bits : agreement.client_max_window_bits);
  keeps_inflate_context_ = !(server ? agreement.client_no_context_takeover : agreement.server_no_context_takeover);
  keeps_deflate_context_ = !(server ? agreement.server_no_context_takeover : agreement.client_no_context_takeover);
}

Result<ByteView> PerMessageDeflate::inflated(ByteView payload, std::size_t max_message_size) {
  if (inflated_in_this_read_ > most_in_one_read(max_message_size)) return Errc::refused;
  if (keeps_inflate_context_ && !own_inflater_) own_inflater_ = std::make_unique<Inflater>(inflate_bits_);
  auto& inflater = keeps_inflate_context_ ? *own_inflater_ : shared_.inflater_;
  if (!keeps_inflate_context_) inflater.forget();
  trim(shared_.inflated_);
  if (auto done = inflater.inflate(payload, max_message_size, shared_.inflated_); !done) return done.error();
  inflated_in_this_read_ += static_cast<std::uint32_t>(shared_.inflated_.size());
  return shared_.inflated_.view();
}

PerMessageDeflate::Outgoing PerMessageDeflate::outgoing(ByteView message) {
  if (message.size() < std::max<std::size_t>(shared_.tuning_.min_size, 1)) return {message};
  if (keeps_deflate_context_ && !own_deflater_)
    own_deflater_ = std::make_unique<Deflater>(deflate_bits_, shared_.tuning_.level);
  auto& deflater = keeps_deflate_context_ ? *own_deflater_ : shared_.deflater(deflate_bits_);
  if (!keeps_deflate_context_) deflater.forget();
  trim(shared_.deflated_);
  if (!deflater.deflate(message, shared_.deflated_)) return {message};
  const auto deflated = shared_.deflated_.view();
  // What has gone into a window that is kept must reach the peer's, so there it is too late to change our mind.
  if (!keeps_deflate_context_ && deflated.size() >= message.size()) return {message};
  return {deflated, true};
}

std::size_t PerMessageDeflate::memory_held() const noexcept {
  return (own_inflater_ ? sizeof(Inflater) + own_inflater_->memory_held() : 0) +
         (own_deflater_ ? sizeof(Deflater) + own_deflater_->memory_held() : 0);
}

}  // namespace sipwsd::ws
