#include "src/sip/params.h"

#include "sipwsd/bytes.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

using lexer::skip;
using lexer::skip_lws;

// Also goes on over what is no parameter, to the next semicolon, so that readers of a sloppy message find what is
// there; whether it is sloppy is well_formed()'s question.
void Params::iterator::advance() noexcept {
  std::size_t at = skip_lws(rest_, 0);
  while (at < rest_.size() && rest_[at] != ';') ++at;
  if (at >= rest_.size()) {
    done_ = true;
    return;
  }
  done_ = false;
  const std::size_t begin = at;
  const std::size_t name_begin = skip_lws(rest_, at + 1);
  // A name is wider than a token in URIs ("[]/:&+$" too), and ends at the first '='.
  std::size_t end = name_begin;
  while (end < rest_.size() && rest_[end] != '=' && lexer::is(rest_[end], lexer::param_value)) ++end;
  current_ = {};
  current_.name = rest_.substr(name_begin, end - name_begin);
  const std::size_t equals = skip_lws(rest_, end);
  if (equals < rest_.size() && rest_[equals] == '=') {
    current_.has_value = true;
    const std::size_t value_begin = skip_lws(rest_, equals + 1);
    if (value_begin < rest_.size() && rest_[value_begin] == '"') {
      end = lexer::skip_quoted(rest_, value_begin);
      if (end == std::string_view::npos) end = rest_.size();
    } else {
      end = skip(rest_, value_begin, lexer::param_value);
    }
    current_.value = rest_.substr(value_begin, end - value_begin);
  }
  current_.text = rest_.substr(begin, end - begin);
  rest_.remove_prefix(end);
}

std::optional<Param> Params::get(std::string_view name) const noexcept {
  if (text_.empty()) return std::nullopt;
  for (const Param& param : *this)
    if (equals_nocase(param.name, name)) return param;
  return std::nullopt;
}

std::optional<std::string_view> Params::find(std::string_view name) const noexcept {
  const auto param = get(name);
  if (!param) return std::nullopt;
  return param->value;
}

bool Params::well_formed() const noexcept {
  std::string_view rest = text_;
  for (;;) {
    std::size_t at = skip_lws(rest, 0);
    if (at == rest.size()) return true;
    if (rest[at] != ';') return false;
    at = skip_lws(rest, at + 1);
    const std::size_t name_end = skip(rest, at, lexer::token);
    if (name_end == at) return false;
    at = skip_lws(rest, name_end);
    if (at < rest.size() && rest[at] == '=') {
      at = skip_lws(rest, at + 1);
      if (at == rest.size()) return false;
      const std::size_t value_end = rest[at] == '"' ? lexer::skip_quoted(rest, at) : skip(rest, at, lexer::param_value);
      if (value_end == std::string_view::npos || value_end == at) return false;
      at = value_end;
    }
    rest.remove_prefix(at);
  }
}

std::string_view strip_quotes(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string{text};
  const std::string_view inner = text.substr(1, text.size() - 2);
  std::string plain;
  plain.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && i + 1 < inner.size()) ++i;
    plain.push_back(inner[i]);
  }
  return plain;
}

std::string quote(std::string_view text) {
  std::string quoted{'"'};
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace sipwsd::sip
