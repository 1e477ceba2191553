#pragma once
// The request side of the FIFO transport (reference/fifo.md 2): bytes in, requests out.
//
//   ":" command ":" [reply name] LF *(argument LF) LF
//
// After a bad first line everything up to the next empty line is dropped, so that one client's mistake can't become
// another one's command. An empty line between requests is nothing.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "src/mi/request.h"

namespace sipwsd::mi {

struct FifoRequest {
  std::string reply_name;          // empty: nobody wants the answer
  Request request;
  bool arguments_are_bad = false;  // answer 400 parse error
};
struct FifoRefusal {
  std::string why;  // for the log; nobody can be answered
};

class FifoReader {
 public:
  static constexpr std::size_t max_line = 1023;        // with its LF
  static constexpr std::size_t max_arguments = 8192;   // bytes of all of them
  static constexpr std::size_t max_reply_path = 127;

  // `reply_dir_size`: how much of max_reply_path the directory takes.
  explicit FifoReader(std::size_t reply_dir_size) : reply_dir_size_(reply_dir_size) {}

  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole request or refusal in what was fed; nullopt: more bytes are needed.
  std::optional<std::variant<FifoRequest, FifoRefusal>> next();

 private:
  enum class State { first_line, arguments, quoted, dropping };
  std::optional<std::string> take_line();
  std::string first_line(std::string_view line);  // the error, empty when it is good
  void argument_line(std::string_view whole);
  void quoted_line(std::string_view line);

  std::size_t reply_dir_size_;
  std::string buffer_;
  State state_ = State::first_line;
  FifoRequest current_;
  std::size_t argument_bytes_ = 0;
  bool line_too_long_ = false;
  std::string quoted_name_, quoted_value_;
};

}  // namespace sipwsd::mi
