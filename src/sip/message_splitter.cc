#include "src/sip/message_splitter.h"

namespace sipwsd::sip {

std::optional<Piece> Splitter::next() {
  constexpr std::string_view ping = "\r\n\r\n";
  constexpr std::string_view pong = "\r\n";
  const auto take = [this](Piece::Kind kind, std::size_t size) {
    const Piece piece{kind, rest_.substr(0, size), nullptr};
    rest_.remove_prefix(size);
    return piece;
  };
  if (rest_.empty()) return std::nullopt;
  if (rest_.starts_with(ping)) {
    std::size_t size = ping.size();
    while (rest_.substr(size).starts_with(ping)) size += ping.size();
    return take(Piece::Kind::ping, size);
  }
  if (rest_ == pong) return take(Piece::Kind::pong, pong.size());

  parsed_.emplace(rest_, limits_);
  const Piece::Kind kind = *parsed_            ? Piece::Kind::message
                           : parsed_->is_sip() ? Piece::Kind::malformed
                                               : Piece::Kind::garbage;
  if (kind == Piece::Kind::garbage && had_message_) {
    rest_ = {};
    return std::nullopt;
  }
  had_message_ = kind != Piece::Kind::garbage;
  Piece piece = take(kind, parsed_->length());
  if (kind != Piece::Kind::garbage) piece.parsed = &*parsed_;
  return piece;
}

}  // namespace sipwsd::sip
