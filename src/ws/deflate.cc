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

// zlib.h, inflate(): bit 7 of data_type is set right behind a block, bit 6 when its BFINAL is; bits 0-2 then count the
// bits of the last byte that have not been used.
bool is_behind_a_block(const z_stream& z) { return (z.data_type & 0x80) != 0; }
bool was_last_block(const z_stream& z) { return (z.data_type & 0x40) != 0; }
unsigned unused_bits(const z_stream& z) { return static_cast<unsigned>(z.data_type) & 7; }

// RFC 1951 3.2.3: three bits, BFINAL and the type; 2 are codes of the block's own. `unused` of them are in the last byte.
bool next_has_own_codes(const z_stream& z, unsigned unused) {
  unsigned bits = unused == 0 ? 0u : static_cast<unsigned>(z.next_in[-1]) >> (8 - unused);
  if (z.avail_in != 0) bits |= static_cast<unsigned>(z.next_in[0]) << unused;
  return (bits >> 1 & 3) == 2;
}

// Blocks cost time where they hold nothing: a quarter of a megabyte of empty ones with codes of their own, 11 bytes each,
// takes 60 ms. So there is a budget, in empty blocks without codes, which no compressor comes near: zlib's most wasteful
// setting (memLevel 1) begins one for each 128 symbols.
constexpr std::size_t cost_of_codes = 32;
constexpr std::size_t budget_for(std::size_t payload_size) { return 2048 + payload_size / 4; }

// The hash table is cleared for each message that starts anew: a small window gets a small one.
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
  std::size_t budget = budget_for(payload.size());

  const auto unfold = [&](ByteView part) -> Result<void> {
    z.next_in = input(part);
    z.avail_in = static_cast<uInt>(part.size());
    for (;;) {
      const std::size_t capacity = std::min(std::max(first_room, out.size() * 2), limit + 1);
      auto room = out.room(capacity);
      room = room.first(std::min(room.size(), limit + 1 - out.size()));
      if (room.empty()) return Errc::full;
      set_output(z, room);
      const int code = ::inflate(&z, Z_BLOCK);
      out.wrote(room.size() - z.avail_out);
      if (out.size() > limit) return Errc::too_large;
      if (code == Z_MEM_ERROR) return Errc::full;
      if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) return Errc::out_of_range;
      // 7.2.3.4: a block with BFINAL is not the end, the next begins with the next byte. The window stays, which
      // inflateReset would empty.
      if (code == Z_STREAM_END && inflateResetKeep(&z) != Z_OK) return Errc::out_of_range;
      if (code == Z_STREAM_END || is_behind_a_block(z)) {
        if (code != Z_STREAM_END && was_last_block(z)) continue;  // over the rest of its last byte
        const unsigned unused = code == Z_STREAM_END ? 0 : unused_bits(z);
        between_blocks = unused == 0;
        const std::size_t cost = next_has_own_codes(z, unused) ? cost_of_codes : 1;
        if (cost > budget) return Errc::refused;
        budget -= cost;
      } else {
        between_blocks = false;
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
