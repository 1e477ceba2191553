#pragma once
// Where mi puts what only the supervisor can do, and finds its answer: one question at a time, numbered. Reload and drain
// are the supervisor's, because it alone has the command line, the rights to read keys, and the listening sockets.
//
// Writers: of a question mi, of its answer the supervisor; each publishes with its number, written last.
// Locks:   none. mi asks nothing new before it has the answer or has given up; the supervisor answers in order.
// After a death: a new mi goes on with the next number; an answer to the old one is nobody's.

#include "shm/process_slot.h"
#include "shm/shm_safe.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::shm {

enum class OperatorWish : std::uint32_t {
  nothing = 0,
  reload,      // the whole configuration
  reload_tls,  // certificates, keys, CRLs, OCSP responses: what their files hold now
  drain,       // argument: seconds of patience; 0: as configured
  undrain,
};

class OperatorDesk {
 public:
  // Longer answers are cut.
  static constexpr std::size_t max_text = 6 * 1024;
  struct Question {
    std::uint32_t number = 0;
    OperatorWish wish = OperatorWish::nothing;
    std::uint32_t argument = 0;
    ProcessSlot asker = ProcessSlot::none;  // whom to wake when it is answered
  };
  struct Answer {
    std::uint16_t code = 0;  // 200, or why not
    std::string text;        // lines; the first is the reason
  };

  // --- mi
  std::uint32_t ask(OperatorWish wish, std::uint32_t argument, ProcessSlot self) noexcept {
    const std::uint32_t number = load(asked_) + 1;
    store(asker_, shm::number(self));
    store(wish_, static_cast<std::uint32_t>(wish));
    store(argument_, argument);
    store(asked_, number);
    return number;
  }
  std::optional<Answer> answer_to(std::uint32_t number) const {
    if (load(answered_) != number) return std::nullopt;
    const std::size_t size = load(size_);
    return Answer{static_cast<std::uint16_t>(load(code_)), std::string(text_.data(), size <= max_text ? size : max_text)};
  }

  // --- the supervisor
  // The question that is on the table; what it says comes from another process and may be anything.
  Question question() const noexcept {
    return {load(asked_), static_cast<OperatorWish>(load(wish_)), load(argument_),
            static_cast<ProcessSlot>(static_cast<std::uint16_t>(load(asker_)))};
  }
  void answer(std::uint32_t number, std::uint16_t code, std::string_view text) noexcept {
    text = text.substr(0, max_text);
    text.copy(text_.data(), text.size());
    store(size_, static_cast<std::uint32_t>(text.size()));
    store(code_, code);
    store(answered_, number);
  }

 private:
  static std::uint32_t load(const std::uint32_t& word) noexcept {
    return std::atomic_ref(const_cast<std::uint32_t&>(word)).load(std::memory_order_acquire);
  }
  static void store(std::uint32_t& word, std::uint32_t value) noexcept {
    std::atomic_ref(word).store(value, std::memory_order_release);
  }
  std::uint32_t asked_, wish_, argument_, asker_;
  std::uint32_t answered_, code_, size_;
  std::array<char, max_text> text_;
};
static_assert(ShmSafe<OperatorDesk>);

}  // namespace sipwsd::shm
