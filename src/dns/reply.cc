#include "src/dns/reply.h"

#include "sipwsd/bytes.h"

#include "src/base/network.h"
#include "src/dns/host_name.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sipwsd::dns {
namespace {

constexpr std::size_t most_records = 64;
constexpr int most_aliases = 8;
constexpr int most_jumps = 32;  // within one name: a packet could be made of little else
constexpr std::uint16_t class_in = 1;
constexpr unsigned rcode_no_error = 0, rcode_name_error = 3;

// A name of the packet. Bytes that no host name has (a dot inside a label above all) would change their meaning as text.
struct Name {
  std::string text;
  bool is_plain = true;
};

// Reads onwards through the packet; once something was missing everything reads as zero and has_failed() is true.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> packet, std::size_t at, std::size_t end) noexcept
      : packet_(packet), at_(at), end_(end) {}

  std::uint8_t byte() noexcept { return has(1) ? packet_[at_++] : std::uint8_t{0}; }
  std::uint16_t word() noexcept {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  std::uint32_t double_word() noexcept {
    const std::uint32_t high = word();
    return high << 16 | word();
  }
  // RFC 1035 4.1.4. Each pointer leads further back than the last one, so the way has an end.
  Name name();
  // RFC 1035 3.3: a length and so many bytes.
  std::string character_string() {
    const std::size_t length = byte();
    if (!has(length)) return {};
    std::string text(reinterpret_cast<const char*>(packet_.data() + at_), length);
    at_ += length;
    return text;
  }
  std::span<const std::uint8_t> bytes(std::size_t length) noexcept {
    if (!has(length)) return {};
    at_ += length;
    return packet_.subspan(at_ - length, length);
  }

  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }
  [[nodiscard]] bool is_at_end() const noexcept { return !failed_ && at_ == end_; }

 private:
  bool has(std::size_t length) noexcept {
    if (failed_ || end_ - at_ < length) failed_ = true;
    return !failed_;
  }

  std::span<const std::uint8_t> packet_;
  std::size_t at_;
  std::size_t end_;
  bool failed_ = false;
};

Name Reader::name() {
  Name name;
  std::size_t at = at_, end = end_, lowest = at_, length = 1;
  int jumps = 0;
  const auto broken = [&] {
    failed_ = true;
    return Name{{}, false};
  };
  while (!failed_) {
    if (at >= end) return broken();
    const std::uint8_t size = packet_[at++];
    if (size == 0) {
      if (jumps == 0) at_ = at;
      return name;
    }
    if ((size & 0xc0) == 0xc0) {
      if (at >= end) return broken();
      const std::size_t to = static_cast<std::size_t>(size & 0x3f) << 8 | packet_[at++];
      if (jumps == 0) at_ = at;
      if (to >= lowest || ++jumps > most_jumps) return broken();
      at = lowest = to;
      end = packet_.size();
      continue;
    }
    if ((size & 0xc0) != 0 || end - at < size || (length += size + 1u) > 255) return broken();
    if (!name.text.empty()) name.text += '.';
    for (std::size_t i = 0; i < size; ++i) {
      const char c = ascii_lower(static_cast<char>(packet_[at + i]));
      if (!is_name_character(c)) name.is_plain = false;
      name.text += c;
    }
    at += size;
  }
  return broken();
}

struct ResourceRecord {
  Name owner;
  std::uint16_t type = 0, klass = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0, size = 0;  // where its data is
};

ResourceRecord read_record(Reader& reader) {
  ResourceRecord record;
  record.owner = reader.name();
  record.type = reader.word();
  record.klass = reader.word();
  record.ttl = reader.double_word();
  if ((record.ttl & 0x8000'0000) != 0) record.ttl = 0;  // RFC 2181 8
  record.size = reader.word();
  record.data = reader.at();
  (void)reader.bytes(record.size);
  return record;
}

class Reply {
 public:
  Reply(std::span<const std::uint8_t> packet, const Question& question) : packet_(packet), question_(question) {}
  Result<Records> read();

 private:
  bool is_to_the_question(Reader& reader, unsigned questions) const;
  bool is(const ResourceRecord& record, RecordType type, std::string_view owner) const noexcept {
    return record.klass == class_in && record.type == static_cast<std::uint16_t>(type) && record.owner.is_plain &&
           record.owner.text == owner;
  }
  void follow_aliases();
  void take(const ResourceRecord& record);
  void take_address(std::span<const std::uint8_t> data);
  void take_srv(Reader data);
  void take_naptr(Reader data);
  void believe_for(std::uint32_t ttl) noexcept { records_.ttl = std::min(records_.ttl.value_or(ttl), ttl); }
  // RFC 2308 5: the lesser of the SOA's own time and its last field.
  void take_soa(const ResourceRecord& record);
  Reader data_of(const ResourceRecord& record) const noexcept {
    return {packet_, record.data, record.data + record.size};
  }

  std::span<const std::uint8_t> packet_;
  const Question& question_;
  std::vector<ResourceRecord> answers_;
  std::string owner_;  // the end of the chain
  Records records_;
};

bool Reply::is_to_the_question(Reader& reader, unsigned questions) const {
  if (questions != 1) return false;
  const Name name = reader.name();
  const std::uint16_t type = reader.word(), klass = reader.word();
  return !reader.has_failed() && name.text == question_.name && name.is_plain && klass == class_in &&
         type == static_cast<std::uint16_t>(question_.type);
}

// RFC 1034 3.6.2. The order of the records means nothing.
void Reply::follow_aliases() {
  owner_ = question_.name;
  for (int i = 0; i < most_aliases; ++i) {
    const auto alias = std::find_if(answers_.begin(), answers_.end(),
                                    [&](const auto& record) { return is(record, RecordType::cname, owner_); });
    if (alias == answers_.end()) return;
    Reader data = data_of(*alias);
    Name target = data.name();
    if (!data.is_at_end() || !target.is_plain) return;
    believe_for(alias->ttl);
    owner_ = std::move(target.text);
  }
}

void Reply::take_address(std::span<const std::uint8_t> data) {
  Endpoint address;
  if (data.size() != (question_.type == RecordType::a ? 4u : 16u)) return;
  address.family = data.size() == 4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
  std::copy(data.begin(), data.end(), address.address.begin());
  address = base::without_mapping(address);
  if (is_unicast(address)) records_.addresses.push_back(address);
}

void Reply::take_srv(Reader data) {
  Srv srv;
  srv.priority = data.word();
  srv.weight = data.word();
  srv.port = data.word();
  Name target = data.name();
  if (!data.is_at_end() || !target.is_plain || (srv.port == 0 && !target.text.empty())) return;
  srv.target = std::move(target.text);
  records_.srv.push_back(std::move(srv));
}

void Reply::take_naptr(Reader data) {
  Naptr naptr;
  naptr.order = data.word();
  naptr.preference = data.word();
  naptr.flags = data.character_string();
  naptr.services = data.character_string();
  const std::string expression = data.character_string();
  Name replacement = data.name();
  if (!data.is_at_end() || !replacement.is_plain || !expression.empty()) return;
  naptr.replacement = std::move(replacement.text);
  records_.naptr.push_back(std::move(naptr));
}

void Reply::take(const ResourceRecord& record) {
  const std::size_t before = records_.addresses.size() + records_.srv.size() + records_.naptr.size();
  if (before >= most_records) return;
  switch (question_.type) {
    case RecordType::a:
    case RecordType::aaaa: take_address(packet_.subspan(record.data, record.size)); break;
    case RecordType::srv: take_srv(data_of(record)); break;
    case RecordType::naptr: take_naptr(data_of(record)); break;
    case RecordType::cname:
    case RecordType::soa: break;  // nobody asks for these
  }
  if (records_.addresses.size() + records_.srv.size() + records_.naptr.size() == before) return;
  believe_for(record.ttl);
  records_.outcome = Records::Outcome::found;
}

void Reply::take_soa(const ResourceRecord& record) {
  Reader data = data_of(record);
  (void)data.name();
  (void)data.name();
  for (int i = 0; i < 4; ++i) (void)data.double_word();  // serial, refresh, retry, expire
  const std::uint32_t minimum = data.double_word();
  if (data.is_at_end()) believe_for(std::min(record.ttl, minimum));
}

Result<Records> Reply::read() {
  Reader reader(packet_, 0, packet_.size());
  (void)reader.word();  // the id: matched by who asked
  const unsigned flags = reader.word();
  const unsigned questions = reader.word(), answers = reader.word(), authorities = reader.word();
  (void)reader.word();
  const bool is_response = (flags & 0x8000) != 0 && (flags & 0x7800) == 0;
  if (!is_response || !is_to_the_question(reader, questions)) return Errc::malformed;

  const unsigned rcode = flags & 0xf;
  if (rcode != rcode_no_error && rcode != rcode_name_error) return records_;  // failed
  records_.outcome = Records::Outcome::none;
  for (unsigned i = 0; i < answers; ++i) {
    ResourceRecord record = read_record(reader);
    if (reader.has_failed()) return Errc::malformed;
    if (answers_.size() < most_records + most_aliases) answers_.push_back(std::move(record));
  }
  follow_aliases();
  if (rcode == rcode_no_error)
    for (const ResourceRecord& record : answers_)
      if (is(record, question_.type, owner_)) take(record);
  if (records_.outcome == Records::Outcome::found) return std::move(records_);

  for (unsigned i = 0; i < authorities; ++i) {
    const ResourceRecord record = read_record(reader);
    if (reader.has_failed()) return Errc::malformed;
    if (record.klass == class_in && record.type == static_cast<std::uint16_t>(RecordType::soa)) {
      take_soa(record);
      return std::move(records_);
    }
  }
  records_.ttl.reset();  // an alias's own time says nothing about what isn't there
  return std::move(records_);
}

}  // namespace

Result<Records> parse_reply(std::span<const std::uint8_t> packet, const Question& question) {
  return Reply(packet, question).read();
}

}  // namespace sipwsd::dns
