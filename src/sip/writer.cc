#include "src/sip/writer.h"

#include <algorithm>

namespace sipwsd::sip {
namespace {

// Gives the pieces of the edited message to `piece`, in order. An edit that begins within what an earlier one removed
// goes with it, and what it removes beyond that goes too.
template <typename Sink>
void for_each_piece(const MessageView& message, const Edits& edits, Sink&& piece) {
  const std::string_view bytes = message.bytes();
  std::size_t at = 0;
  for (const Edits::Edit& edit : edits.sorted()) {
    if (edit.offset >= at) {
      piece(bytes.substr(at, edit.offset - at));
      piece(edits.text(edit));
      at = edit.offset;
    }
    at = std::max<std::size_t>(at, edit.offset + edit.removed);
  }
  piece(bytes.substr(at));
}

}  // namespace

std::size_t write(const MessageView& message, const Edits& edits, OutputBuffer& out) {
  const std::size_t before = out.size();
  for_each_piece(message, edits, [&out](std::string_view piece) { out.append(piece); });
  return out.size() - before;
}

std::size_t written_size(const MessageView& message, const Edits& edits) noexcept {
  std::size_t size = 0;
  for_each_piece(message, edits, [&size](std::string_view piece) { size += piece.size(); });
  return size;
}

}  // namespace sipwsd::sip
