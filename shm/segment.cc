#include "shm/segment.h"

#include "src/base/assert.h"

#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <fmt/format.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <new>

namespace sipwsd::shm {
namespace {

namespace ipc = boost::interprocess;

constexpr std::array<char, 8> magic{'S', 'I', 'P', 'W', 'S', 'D', '\n', '\0'};
constexpr std::uint32_t version = 1;
// For the allocator's own book-keeping and the named root; it is asked for one block only.
constexpr std::size_t allocator_room = 16 * 1024;

struct Root {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint64_t layout_hash;
};

}  // namespace

struct Segment::State {
  ipc::mapped_region region;
  ipc::managed_external_buffer manager;
  const Root* root = nullptr;
  std::byte* begin = nullptr;
  std::byte* next = nullptr;
  std::byte* end = nullptr;
  bool sealed = false;
};

Result<Segment> Segment::create(std::size_t bytes, std::uint64_t layout_hash) {
  try {
    auto state = std::make_unique<State>();
    state->region = ipc::anonymous_shared_memory(bytes + allocator_room);
    // Bindings, nonces and ticket keys of everybody: not in a core, also where the operator asked for one (S52).
    madvise(state->region.get_address(), state->region.get_size(), MADV_DONTDUMP);
    state->manager =
        ipc::managed_external_buffer(ipc::create_only, state->region.get_address(), state->region.get_size());
    state->root = state->manager.construct<Root>("sipwsd")(Root{magic, version, layout_hash});
    // One block for all structures: its inside is untouched zero pages, except where the allocator kept the links of the
    // free block that this was before.
    state->begin = static_cast<std::byte*>(state->manager.allocate_aligned(bytes, 64));
    std::memset(state->begin, 0, std::min<std::size_t>(bytes, 128));
    state->next = state->begin;
    state->end = state->begin + bytes;
    return Segment{std::move(state)};
  } catch (const ipc::interprocess_exception& refused) {
    return Error{Errc::system, fmt::format("{} MiB of shared memory can't be had: {}", bytes / (1024 * 1024) + 1,
                                           refused.what())};
  } catch (const std::bad_alloc&) {
    return Error{Errc::system, fmt::format("{} MiB of shared memory can't be had", bytes / (1024 * 1024) + 1)};
  }
}

Segment::Segment(std::unique_ptr<State> state) : state_(std::move(state)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

std::byte* Segment::carve(std::size_t bytes) {
  SIPWSD_ASSERT(!state_->sealed, "everything is carved before the first fork");
  const std::size_t whole_lines = (bytes + 63) / 64 * 64;
  if (whole_lines > static_cast<std::size_t>(state_->end - state_->next)) throw std::bad_alloc{};
  std::byte* place = state_->next;
  state_->next += whole_lines;
  return place;
}

void Segment::seal() noexcept { state_->sealed = true; }
bool Segment::is_sealed() const noexcept { return state_->sealed; }
std::size_t Segment::bytes() const noexcept { return state_->region.get_size(); }
std::size_t Segment::carved_bytes() const noexcept { return static_cast<std::size_t>(state_->next - state_->begin); }
const std::byte* Segment::address() const noexcept {
  return static_cast<const std::byte*>(state_->region.get_address());
}
bool Segment::is_intact(std::uint64_t layout_hash) const noexcept {
  return state_->root->magic == magic && state_->root->version == version && state_->root->layout_hash == layout_hash;
}

}  // namespace sipwsd::shm
