#pragma once
// The other end of a connection with permessage-deflate, over zlib itself: a second reading of RFC 7692 7.2, that has
// nothing of the code under test.

#include <zlib.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace sipwsd::ws {

class ZlibPeer {
 public:
  explicit ZlibPeer(int deflate_bits = 15, int inflate_bits = 15, int level = 6, int memory_level = 8) {
    if (deflateInit2(&out_, level, Z_DEFLATED, -deflate_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK ||
        inflateInit2(&in_, -inflate_bits) != Z_OK)
      throw std::runtime_error("zlib");
  }
  ~ZlibPeer() {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }
  ZlibPeer(const ZlibPeer&) = delete;
  ZlibPeer& operator=(const ZlibPeer&) = delete;

  // A message's payload without its last four bytes. `flush` as zlib's, for blocks that are made otherwise.
  std::string deflated(const std::string& message) {
    auto bytes = flushed(message, Z_SYNC_FLUSH);
    EXPECT_TRUE(bytes.ends_with(std::string("\0\0\xff\xff", 4)));
    return bytes.substr(0, bytes.size() - 4);
  }
  std::string flushed(const std::string& message, int flush) {
    std::string bytes(deflateBound(&out_, message.size()) + 64, '\0');
    out_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
    out_.avail_in = static_cast<uInt>(message.size());
    out_.next_out = reinterpret_cast<Bytef*>(bytes.data());
    out_.avail_out = static_cast<uInt>(bytes.size());
    deflate(&out_, flush);
    bytes.resize(bytes.size() - out_.avail_out);
    return bytes;
  }

  // What a payload unfolds to. One byte of output at a time, so that a distance longer than the window is an error and
  // is not found in the output instead.
  std::string inflated(const std::string& payload) {
    const std::string whole = payload + std::string("\0\0\xff\xff", 4);
    std::string bytes;
    in_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(whole.data()));
    in_.avail_in = static_cast<uInt>(whole.size());
    for (;;) {
      Bytef one;
      in_.next_out = &one;
      in_.avail_out = 1;
      const int code = inflate(&in_, Z_SYNC_FLUSH);
      if (code != Z_OK && code != Z_BUF_ERROR) return "zlib: " + std::to_string(code);
      if (in_.avail_out == 1) return bytes;
      bytes += static_cast<char>(one);
    }
  }

  void forget_out() { deflateReset(&out_); }
  void forget_in() { inflateReset(&in_); }

 private:
  z_stream out_{}, in_{};
};

}  // namespace sipwsd::ws
