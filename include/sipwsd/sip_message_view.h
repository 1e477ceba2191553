#pragma once
// A parsed SIP message as a routing stage sees it: read only, valid during the call it was given to.
// Header names match whatever form the sender used: long, compact, any case, folded (RFC 3261 7.3).

#include <cstddef>
#include <string_view>

namespace sipwsd {

class SipMessageView {
 public:
  virtual ~SipMessageView() = default;

  virtual bool is_request() const noexcept = 0;
  virtual std::string_view method() const noexcept = 0;       // a response's comes from its CSeq
  virtual std::string_view request_uri() const noexcept = 0;  // empty in a response
  virtual int status_code() const noexcept = 0;               // 0 in a request
  virtual std::string_view reason() const noexcept = 0;

  // The value of the index-th header line of that name, trimmed; a null view (data() == nullptr) when there is none.
  virtual std::string_view header(std::string_view name, std::size_t index = 0) const noexcept = 0;
  virtual std::string_view body() const noexcept = 0;
  virtual std::string_view bytes() const noexcept = 0;  // the whole message as it arrived
};

}  // namespace sipwsd
