#pragma once
// DEFLATE (RFC 1951) one message at a time, over zlib's raw streams, as RFC 7692 7.2 frames it: every message ends with
// an empty block without compression whose last four bytes, 00 00 ff ff, stay off the wire.
//
// A stream remembers a window of what it has seen, until `forget`. zlib's memory is taken with the first message and
// is, for windows of 9 to 15 bits (zlib 1.2.13):
//
//   bits         9      10      11      12      13      14      15
//   Inflater   7.5 K   8.0 K   9.0 K    11 K    15 K    23 K    39 K
//   Deflater   9.8 K    14 K    22 K    38 K    71 K   136 K   262 K

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/ws/held_bytes.h"

#include <cstddef>
#include <memory>

namespace sipwsd::ws {

class Inflater {
 public:
  explicit Inflater(int window_bits) noexcept : window_bits_(window_bits) {}

  // One whole message's payload into `out`, whose memory is reused. The limit is looked at while inflating: `out` never
  // grows past limit + 1 bytes, whatever the payload unfolds to. Errc::too_large; out_of_range for what is not DEFLATE
  // or does not end with a block; refused for more blocks than there is use for; full when there is no memory. After a failure the stream is of use only after
  // `forget`.
  [[nodiscard]] Result<void> inflate(ByteView payload, std::size_t limit, HeldBytes& out);
  // The next message starts with an empty window.
  void forget() noexcept;
  std::size_t memory_held() const noexcept;

 private:
  struct Stream;
  struct End {
    void operator()(Stream* stream) const noexcept;
  };
  bool begin() noexcept;

  std::unique_ptr<Stream, End> stream_;
  int window_bits_;
};

class Deflater {
 public:
  // `level` as zlib's: 1 quick to 9 small.
  Deflater(int window_bits, int level) noexcept : window_bits_(window_bits), level_(level) {}

  // A message, which must not be empty, into `out`, whose memory is reused. False when there is no memory; the stream
  // has then forgotten everything.
  [[nodiscard]] bool deflate(ByteView message, HeldBytes& out);
  void forget() noexcept;
  std::size_t memory_held() const noexcept;

 private:
  struct Stream;
  struct End {
    void operator()(Stream* stream) const noexcept;
  };
  bool begin() noexcept;

  std::unique_ptr<Stream, End> stream_;
  int window_bits_;
  int level_;
};

}  // namespace sipwsd::ws
