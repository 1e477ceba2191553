#pragma once
// permessage-deflate on one connection (RFC 7692 6, 7.2): which streams its messages go through, and whether one is
// worth compressing.
//
// Without context takeover a message needs no memory of the one before: its streams and buffers are the worker's, used
// by one connection after the other, and a connection holds this object only: sizeof(PerMessageDeflate), 32 bytes.
// With it each direction keeps a stream of its own once it has been used; deflate.h has the figures.

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/ws/deflate.h"
#include "src/ws/extension_offer.h"
#include "src/ws/opcode.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sipwsd::ws {

// How we compress.
struct DeflateTuning {
  int level;             // 1 quick .. 9 small
  std::size_t min_size;  // shorter messages are sent as they are
};

// What the connections of one worker share. Outlives them.
class SharedDeflate {
 public:
  explicit SharedDeflate(const DeflateTuning& tuning) noexcept : tuning_(tuning) {}
  SharedDeflate(const SharedDeflate&) = delete;
  SharedDeflate& operator=(const SharedDeflate&) = delete;

  std::size_t memory_held() const noexcept;

 private:
  friend class PerMessageDeflate;
  static constexpr int least_bits = 9, most_bits = 15;
  Deflater& deflater(int window_bits);

  DeflateTuning tuning_;
  Inflater inflater_{most_bits};  // reads what any smaller window has written
  std::array<std::unique_ptr<Deflater>, most_bits - least_bits + 1> deflaters_;
  HeldBytes inflated_, deflated_;
};

class PerMessageDeflate {
 public:
  // A handful of the largest messages, at 60 times the size of a full read.
  static constexpr std::size_t most_in_one_read(std::size_t max_message_size) noexcept {
    return std::max<std::size_t>(4 * 1024 * 1024, 2 * max_message_size);
  }

  // `role` is ours. The daemon is a server; tests and the load generator are clients.
  PerMessageDeflate(const DeflateAgreement& agreement, SharedDeflate& shared, Role role = Role::server) noexcept;

  // What a message came as, RSV1 set, all fragments joined, becomes what it is. A view that is good until the next
  // message of any connection of this worker. Errc::too_large, out_of_range, refused, full: see close_code_of.
  //
  // 64 KiB of small bombs unfold to 60 MiB, and who reads them has one turn of the event loop for all: a connection is
  // refused when one read has unfolded to more than `most_in_one_read` already.
  Result<ByteView> inflated(ByteView payload, std::size_t max_message_size);
  void read_is_over() noexcept { inflated_in_this_read_ = 0; }

  // What to put into a frame for `message`, and whether its RSV1 is to be set: the message itself where compressing
  // it does not pay or there is no memory. Good until the next call for any connection of this worker.
  struct Outgoing {
    ByteView payload;
    bool compressed = false;
  };
  Outgoing outgoing(ByteView message);

  // zlib's memory that is this connection's own.
  std::size_t memory_held() const noexcept;

 private:
  SharedDeflate& shared_;
  std::unique_ptr<Inflater> own_inflater_;  // with the peer's context takeover, from its first message on
  std::unique_ptr<Deflater> own_deflater_;  // with ours
  std::uint8_t inflate_bits_, deflate_bits_;
  bool keeps_inflate_context_, keeps_deflate_context_;
  std::uint32_t inflated_in_this_read_ = 0;
};
// 65536 idle connections.
static_assert(sizeof(PerMessageDeflate) <= 32);

}  // namespace sipwsd::ws
