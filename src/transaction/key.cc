#include "src/transaction/key.h"

#include <cstring>

#include "sipwsd/bytes.h"
#include "src/sip/cseq.h"
#include "src/sip/from_to.h"

namespace sipwsd::transaction {

HashInput& HashInput::add(std::string_view piece) noexcept {
  if (size_ + piece.size() + 4 > bytes_.size()) {
    fold(piece);
    return *this;
  }
  const auto length = static_cast<std::uint32_t>(piece.size());
  std::memcpy(bytes_.data() + size_, &length, 4);
  if (!piece.empty()) std::memcpy(bytes_.data() + size_ + 4, piece.data(), piece.size());
  size_ += 4 + piece.size();
  return *this;
}

HashInput& HashInput::add(std::uint32_t value) noexcept {
  return add(std::string_view{reinterpret_cast<const char*>(&value), sizeof value});
}

void HashInput::fold(std::string_view piece) noexcept {
  const std::uint64_t hashes[] = {hash(), base::siphash(key_, piece)};
  size_ = 0;
  add(std::string_view{reinterpret_cast<const char*>(hashes), sizeof hashes});
}

base::SipHashKey derive(const base::SipHashKey& secret, std::string_view purpose) noexcept {
  return {HashInput{secret}.add(purpose).add(std::uint32_t{0}).hash(),
          HashInput{secret}.add(purpose).add(std::uint32_t{1}).hash()};
}

std::uint64_t transaction_hash(const base::SipHashKey& key, const sip::MessageView& request, const sip::Via& via,
                               ConnectionId scope) noexcept {
  HashInput input{key};
  input.add(number(scope));
  const std::string_view branch = via.branch();
  if (branch.size() > sip::branch_cookie.size() && starts_with_nocase(branch, sip::branch_cookie))
    input.add(branch).add(via.host).add(std::uint32_t{via.port.value_or(0)});
  else {
    const auto cseq = sip::cseq(request);
    input.add(request.request_uri()).add(sip::from_tag(request)).add(request.value(sip::HeaderId::call_id));
    input.add(cseq ? cseq->number : 0).add(via.text);
  }
  if (request.method() == sip::Method::other) input.add(request.method_text());
  return input.hash();
}

std::uint64_t merge_hash(const base::SipHashKey& key, const sip::MessageView& request) noexcept {
  return HashInput{key}
      .add(sip::from_tag(request))
      .add(request.value(sip::HeaderId::call_id))
      .add(request.value(sip::HeaderId::cseq))
      .hash();
}

std::uint32_t loop_hash(const base::SipHashKey& key, const sip::MessageView& request) noexcept {
  HashInput input{key};
  input.add(request.request_uri());
  for (const sip::Header& route : request.all(sip::HeaderId::route)) input.add(route.value);
  return static_cast<std::uint32_t>(input.hash());
}

}  // namespace sipwsd::transaction
