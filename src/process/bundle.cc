#include "src/process/bundle.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/siphash.h"

namespace sipwsd::process {
namespace {

// Against a torn write, not against an enemy: nobody else can write.
constexpr base::SipHashKey checksum_key{0x7369707773642d62ULL, 0x756e646c652d3031ULL};

std::size_t whole_pages(std::size_t bytes) {
  constexpr std::size_t page = 4096;
  return (bytes + page - 1) / page * page;
}

// All of it, or not: a signal may cut one call short.
bool read_at(int file, std::size_t offset, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t n = pread(file, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    offset += static_cast<std::size_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

struct Bundle::Head {
  std::uint32_t version;
  std::uint32_t unused;
  std::uint64_t size;
  std::uint64_t checksum;
};

Result<Bundle> Bundle::create(const char* name, std::size_t most) {
  Bundle bundle;
  bundle.half_ = whole_pages(sizeof(Head) + most);
  bundle.file_ = os::Fd{memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!bundle.file_.is_open()) return os::system_error("cannot make a memory file");
  const std::size_t size = 2 * bundle.half_;
  if (ftruncate(bundle.file_.raw(), static_cast<off_t>(size)) != 0) return os::system_error("cannot size a memory file");
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, bundle.file_.raw(), 0);
  if (memory == MAP_FAILED) return os::system_error("cannot map a memory file");
  bundle.memory_ = static_cast<std::byte*>(memory);
  if (madvise(memory, size, MADV_DONTFORK) != 0 || madvise(memory, size, MADV_DONTDUMP) != 0)
    return os::system_error("cannot keep a memory file to ourselves");
  // From here on only the mapping above writes, whoever holds the descriptor.
  if (fcntl(bundle.file_.raw(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return os::system_error("cannot seal a memory file");
  return bundle;
}

Bundle::Bundle(Bundle&& other) noexcept
    : file_(std::move(other.file_)), half_(other.half_), memory_(std::exchange(other.memory_, nullptr)) {}

Bundle& Bundle::operator=(Bundle&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(half_, other.half_);
  std::swap(memory_, other.memory_);
  return *this;
}

Bundle::~Bundle() {
  if (memory_ != nullptr) munmap(memory_, 2 * half_);
}

Result<void> Bundle::publish(std::uint32_t version, std::string_view bytes) {
  if (bytes.size() > half_ - sizeof(Head))
    return Error{Errc::too_large, "the configuration and what it names are larger than " + std::to_string(half_ >> 20) + " MiB"};
  const std::size_t place = place_of(version);
  // Without memory a write through the mapping would be SIGBUS.
  int error = 0;
  do error = posix_fallocate(file_.raw(), static_cast<off_t>(place), static_cast<off_t>(sizeof(Head) + bytes.size()));
  while (error == EINTR);
  if (error != 0)
    return Error{Errc::system, "no memory for " + std::to_string(bytes.size()) + " bytes of configuration"};
  std::byte* const at = memory_ + place;
  Head old{};
  std::memcpy(&old, at, sizeof old);
  const Head gone{};
  std::memcpy(at, &gone, sizeof gone);  // a reader in the middle of the old version finds another head
  if (old.size > bytes.size()) explicit_bzero(at + sizeof(Head) + bytes.size(), old.size - bytes.size());
  if (!bytes.empty()) std::memcpy(at + sizeof(Head), bytes.data(), bytes.size());
  const Head head{version, 0, bytes.size(), base::siphash(checksum_key, bytes)};
  std::memcpy(at, &head, sizeof head);
  return {};
}

Result<std::string> Bundle::read(std::uint32_t version) const {
  const std::size_t place = place_of(version);
  Head head{};
  if (!read_at(file_.raw(), place, reinterpret_cast<char*>(&head), sizeof head)) return Errc::gone;
  if (head.version != version || version == 0 || head.size > half_ - sizeof(Head)) return Errc::gone;
  std::string bytes(head.size, '\0');
  if (!read_at(file_.raw(), place + sizeof head, bytes.data(), bytes.size())) return Errc::gone;
  if (base::siphash(checksum_key, bytes) != head.checksum) return Errc::gone;
  return bytes;
}

}  // namespace sipwsd::process
