#pragma once
// Opening handshakes as text, right and wrong, and the heads the daemon answers with: to the last byte, because what is
// sent too much is as wrong as what is missing.

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::test::conformance {

class Request {
 public:
  Request();  // one that is accepted by every profile but `guarded`

  Request& first_line(std::string line);
  // Instead of the line of this name: any text, none, or several lines with CRLF between them.
  Request& change(std::string_view name, std::string lines);
  Request& leave_out(std::string_view name);
  Request& add(std::string line);
  // Until the whole head has so many bytes.
  Request& pad_to(std::size_t size);
  [[nodiscard]] std::size_t size() const { return text().size(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> lines_;
};

namespace head {
std::string accepted(std::string_view sub_protocol = "sip", std::string_view accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                     std::string_view allow_origin = {}, std::string_view extension = {});
extern const std::string bad_request;             // 400: this is no HTTP we read
extern const std::string bad_request_with_offer;  // 400: HTTP, but no handshake of ours; says what would be one
extern const std::string forbidden;               // 403
extern const std::string not_found;               // 404
extern const std::string not_allowed;             // 405
extern const std::string upgrade_required;        // 426
extern const std::string too_large;               // 431
extern const std::string unsupported;             // 505
}  // namespace head

}  // namespace sipwsd::test::conformance
