#include "src/bus/letter_codec.h"

#include <cstring>
#include <type_traits>

namespace sipwsd::bus {
namespace {

// The kinds must be told apart by their number alone.
template <std::size_t... I>
constexpr bool kinds_differ(std::index_sequence<I...>) {
  constexpr LetterKind kinds[] = {std::variant_alternative_t<I, Letter>::kind...};
  for (std::size_t a = 0; a < sizeof...(I); ++a)
    for (std::size_t b = a + 1; b < sizeof...(I); ++b)
      if (kinds[a] == kinds[b]) return false;
  return true;
}
constexpr auto all_kinds = std::make_index_sequence<std::variant_size_v<Letter>>{};
static_assert(kinds_differ(all_kinds));

constexpr std::size_t head_bytes = 2;  // kind, version

template <typename T>
constexpr bool is_text = std::is_same_v<std::remove_cvref_t<T>, std::string_view>;

template <typename Kind, typename Visit>
void for_each_field(Kind& letter, Visit visit) {
  std::apply([&](auto... field) { (visit(letter.*field), ...); }, std::remove_cvref_t<Kind>::fields);
}

class Writer {
 public:
  explicit Writer(std::byte* at) noexcept : at_(at) {}
  template <typename T>
  void operator()(const T& field) noexcept {
    if constexpr (is_text<T>) {
      (*this)(static_cast<std::uint32_t>(field.size()));
      put(field.data(), field.size());
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      put(&field, sizeof field);
    }
  }

 private:
  void put(const void* from, std::size_t size) noexcept {
    if (size == 0) return;
    std::memcpy(at_, from, size);
    at_ += size;
  }
  std::byte* at_;
};

class Reader {
 public:
  explicit Reader(ByteView left) noexcept : left_(left) {}
  template <typename T>
  void operator()(T& field) noexcept {
    if constexpr (is_text<T>) {
      std::uint32_t size = 0;
      (*this)(size);
      field = as_text(cut(size));
    } else {
      const ByteView bytes = cut(sizeof field);
      if (bytes.size() == sizeof field) std::memcpy(&field, bytes.data(), sizeof field);
    }
  }
  bool is_whole() const noexcept { return !fell_short_ && left_.empty(); }

 private:
  ByteView cut(std::size_t size) noexcept {
    if (size > left_.size()) {
      fell_short_ = true;
      left_ = {};
      return {};
    }
    const ByteView piece = left_.first(size);
    left_ = left_.subspan(size);
    return piece;
  }
  ByteView left_;
  bool fell_short_ = false;
};

template <std::size_t... I>
Result<Letter> decode_as(LetterKind kind, ByteView fields, std::index_sequence<I...>) {
  Result<Letter> result = Errc::unsupported;
  const auto try_kind = [&]<typename Kind>(std::type_identity<Kind>) {
    if (Kind::kind != kind) return false;
    Kind letter;
    Reader reader{fields};
    for_each_field(letter, [&](auto& field) { reader(field); });
    result = reader.is_whole() ? Result<Letter>{Letter{letter}} : Result<Letter>{Errc::malformed};
    return true;
  };
  static_cast<void>((try_kind(std::type_identity<std::variant_alternative_t<I, Letter>>{}) || ...));
  return result;
}

}  // namespace

std::size_t encoded_size(const Letter& letter) noexcept {
  std::size_t size = head_bytes;
  std::visit(
      [&](const auto& kind) {
        for_each_field(kind, [&](const auto& field) {
          if constexpr (is_text<decltype(field)>)
            size += sizeof(std::uint32_t) + field.size();
          else
            size += sizeof field;
        });
      },
      letter);
  return size;
}

void encode(const Letter& letter, MutableBytes out) noexcept {
  Writer write{out.data()};
  std::visit(
      [&](const auto& kind) {
        write(std::remove_cvref_t<decltype(kind)>::kind);
        write(letters_version);
        for_each_field(kind, [&](const auto& field) { write(field); });
      },
      letter);
}

Result<Letter> decode(ByteView bytes) noexcept {
  if (bytes.size() < head_bytes) return Errc::malformed;
  if (bytes[1] != std::byte{letters_version}) return Errc::unsupported;
  return decode_as(static_cast<LetterKind>(bytes[0]), bytes.subspan(head_bytes), all_kinds);
}

}  // namespace sipwsd::bus
