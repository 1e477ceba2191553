#include "src/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <new>

namespace sipwsd::ws {
namespace {

// RFC 7692 7.2.1, 7.2.2.
constexpr std::array tail{std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};
constexpr std::size_t first_room = 4096;

// What a stream has asked for; `opaque` is its sum. zlib gives back everything at the end and nothing before.
voidpf take(voidpf opaque, uInt items, uInt size) {
  const std::size_t bytes = std::size_t{items} * size;
  *static_cast<std::size_t*>(opaque) += bytes;
  return std::malloc(bytes);
}
void give_back(voidpf, voidpf memory) { std::free(memory); }

// zlib's input pointer is not const, its input is.
Bytef* input(ByteView bytes) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data())); }

void set_output(z_stream& z, MutableBytes room) {
  z.next_out = reinterpret_cast<Bytef*>(room.data());
  z.avail_out = static_cast<uInt>(room.size());
}

// zlib.h, inflate(): bit 7 of data_type is set right behind a block, bits 0-5 count the bits of the last byte that have
// not been used.
bool is_between_blocks(const z_stream& z) { return (z.data_type & 0x80) != 0 && (z.data_type & 0x3f) == 0; }

// Most of the hash table's cost is clearing it for each message, so a small window gets a small one.
int memory_level(int window_bits) { return std::clamp(window_bits - 7, 1, 8); }

struct CountedStream {
  z_stream z{};
  std::size_t memory = 0;
  CountedStream() {
    z.zalloc = take;
    z.zfree = give_back;
    z.opaque = &memory;
  }
};

}  // namespace

// --- Inflater -------------------------------------------------------------------------------------------------------

struct Inflater::Stream : CountedStream {};

void Inflater::End::operator()(Stream* stream) const noexcept {
  static_cast<void>(inflateEnd(&stream->z));
  delete stream;
}

bool Inflater::begin() noexcept {
  if (stream_) return true;
  std::unique_ptr<Stream> fresh{new (std::nothrow) Stream};
  if (!fresh || inflateInit2(&fresh->z, -window_bits_) != Z_OK) return false;
  stream_.reset(fresh.release());
  return true;
}

void Inflater::forget() noexcept {
  if (stream_) static_cast<void>(inflateReset(&stream_->z));
}

std::size_t Inflater::memory_held() const noexcept { return stream_ ? sizeof(Stream) + stream_->memory : 0; }

Result<void> Inflater::inflate(ByteView payload, std::size_t limit, HeldBytes& out) {
  out.clear();
  // RFC 7692 7.2.3.6 has one byte for an empty message; senders that strip one too many send none.
  if (payload.empty()) return {};
  if (!begin()) return Errc::full;
  auto& z = stream_->z;
  limit = std::min<std::size_t>(limit, std::numeric_limits<std::uint32_t>::max() - 1);
  bool between_blocks = false;

  const auto unfold = [&](ByteView part) -> Result<void> {
    z.next_in = input(part);
    z.avail_in = static_cast<uInt>(part.size());
    for (;;) {
      const std::size_t capacity = std::min(std::max(first_room, out.size() * 2), limit + 1);
      auto room = out.room(capacity);
      room = room.first(std::min(room.size(), limit + 1 - out.size()));
      if (room.empty()) return Errc::full;
      set_output(z, room);
      const int code = ::inflate(&z, Z_SYNC_FLUSH);
      out.wrote(room.size() - z.avail_out);
      if (out.size() > limit) return Errc::too_large;
      between_blocks = is_between_blocks(z);
      if (code == Z_STREAM_END) {
        // 7.2.3.4: a block with BFINAL is not the end, the next begins with the next byte. The window stays, which
        // inflateReset would empty.
        if (inflateResetKeep(&z) != Z_OK) return Errc::out_of_range;
        between_blocks = true;
      } else if (code == Z_MEM_ERROR) {
        return Errc::full;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return Errc::out_of_range;
      }
      if (z.avail_in == 0 && (between_blocks || z.avail_out != 0)) return {};
    }
  };

  if (auto done = unfold(payload); !done) return done;
  // Some senders leave the tail on, or end with BFINAL and nothing behind it: then there is nothing to complete.
  if (between_blocks) return {};
  const std::size_t before = out.size();
  if (auto done = unfold(tail); !done) return done;
  // The tail is the rest of an empty block; where it was taken for something else, the payload had been cut.
  if (!between_blocks || out.size() != before) return Errc::out_of_range;
  return {};
}

// --- Deflater -------------------------------------------------------------------------------------------------------

struct Deflater::Stream : CountedStream {};

void Deflater::End::operator()(Stream* stream) const noexcept {
  static_cast<void>(deflateEnd(&stream->z));
  delete stream;
}

bool Deflater::begin() noexcept {
  if (stream_) return true;
  std::unique_ptr<Stream> fresh{new (std::nothrow) Stream};
  if (!fresh) return false;
  if (deflateInit2(&fresh->z, level_, Z_DEFLATED, -window_bits_, memory_level(window_bits_), Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return false;
  stream_.reset(fresh.release());
  return true;
}

void Deflater::forget() noexcept {
  if (stream_) static_cast<void>(deflateReset(&stream_->z));
}

std::size_t Deflater::memory_held() const noexcept { return stream_ ? sizeof(Stream) + stream_->memory : 0; }

bool Deflater::deflate(ByteView message, HeldBytes& out) {
  out.clear();
  if (!begin()) return false;
  auto& z = stream_->z;
  z.next_in = input(message);
  z.avail_in = static_cast<uInt>(message.size());
  // The bound is for a whole stream; a flush adds the empty block. Full to the last byte means that more may come.
  std::size_t capacity = deflateBound(&z, static_cast<uLong>(message.size())) + 16;
  do {
    const auto room = out.room(capacity);
    if (room.empty()) {
      forget();
      return false;
    }
    set_output(z, room);
    static_cast<void>(::deflate(&z, Z_SYNC_FLUSH));
    out.wrote(room.size() - z.avail_out);
    capacity = out.size() * 2;
  } while (z.avail_out == 0);
  out.drop_last(tail.size());
  return true;
}

}  // namespace sipwsd::ws
