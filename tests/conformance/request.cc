#include "tests/conformance/request.h"

#include <algorithm>

#include "sipwsd/bytes.h"

namespace sipwsd::test::conformance {

Request::Request()
    : lines_{"GET / HTTP/1.1",
             "Host: 127.0.0.1",
             "Upgrade: websocket",
             "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Protocol: sip"} {}

Request& Request::first_line(std::string line) {
  lines_.front() = std::move(line);
  return *this;
}

Request& Request::change(std::string_view name, std::string lines) {
  const auto is_it = [&](const std::string& line) { return starts_with_nocase(line, std::string(name) + ":"); };
  *std::find_if(lines_.begin(), lines_.end(), is_it) = std::move(lines);
  return *this;
}

Request& Request::leave_out(std::string_view name) {
  std::erase_if(lines_, [&](const std::string& line) { return starts_with_nocase(line, std::string(name) + ":"); });
  return *this;
}

Request& Request::add(std::string line) {
  lines_.push_back(std::move(line));
  return *this;
}

Request& Request::pad_to(std::size_t size) {
  constexpr std::size_t most = 3000, around = 6;  // `X: ` and CRLF, and one byte at least
  for (std::size_t now = this->size(); now + around <= size; now = this->size()) {
    std::size_t fill = std::min(most, size - now - 5);
    if (const auto left = size - now - 5 - fill; left != 0 && left < around) fill -= around;
    add("X: " + std::string(fill, 'x'));
  }
  return *this;
}

std::string Request::text() const {
  std::string out;
  for (const auto& line : lines_) out += line + "\r\n";
  return out + "\r\n";
}

namespace head {
namespace {

const std::string tail = "Server: Product\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

}  // namespace

std::string accepted(std::string_view sub_protocol, std::string_view accept, std::string_view allow_origin, std::string_view extension) {
  std::string out = "HTTP/1.1 101 Switching Protocols\r\n";
  if (!allow_origin.empty()) out += "Access-Control-Allow-Origin: " + std::string(allow_origin) + "\r\n";
  if (!sub_protocol.empty()) out += "Sec-WebSocket-Protocol: " + std::string(sub_protocol) + "\r\n";
  out += "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " + std::string(accept) + "\r\n";
  if (!extension.empty()) out += "Sec-WebSocket-Extensions: " + std::string(extension) + "\r\n";
  return out + "Server: Product\r\n\r\n";
}

const std::string bad_request = "HTTP/1.1 400 Bad Request\r\n" + tail;
const std::string bad_request_with_offer =
    "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n" + tail;
const std::string forbidden = "HTTP/1.1 403 Forbidden\r\n" + tail;
const std::string not_found = "HTTP/1.1 404 Not Found\r\n" + tail;
const std::string not_allowed = "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n" + tail;
const std::string upgrade_required =
    "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + tail;
const std::string too_large = "HTTP/1.1 431 Request Header Fields Too Large\r\n" + tail;
const std::string unsupported = "HTTP/1.1 505 HTTP Version Not Supported\r\n" + tail;

}  // namespace head

}  // namespace sipwsd::test::conformance
