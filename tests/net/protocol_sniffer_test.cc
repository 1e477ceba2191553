#include "src/net/protocol_sniffer.h"

#include <gtest/gtest.h>

namespace sipwsd::net {
namespace {

TEST(ProtocolSniffer, TellsByTheFirstLine) {
  const struct {
    std::string_view bytes;
    Spoken spoken;
  } table[] = {
      {"", Spoken::unknown_yet},
      {"G", Spoken::unknown_yet},
      {"GET / HTTP/1.1\r", Spoken::unknown_yet},
      {"GET / HTTP/1.1\r\n", Spoken::http},
      {"OPTIONS sip:a@b SIP/2.0\r\n", Spoken::sip},
      {"OPTIONS / HTTP/1.1\r\n", Spoken::http},
      {"OPTIONS sip:a@b SIP/2.0", Spoken::unknown_yet},
      {"OPTIONS sip:a@b SIP/2.0\n", Spoken::sip},
      {"OPTIONS sip:a@b SIP/7.0\r\n", Spoken::sip},
      {"OPTIONS sip:a@b sip/2.0  \r\n", Spoken::sip},
      {"OPTIONS sip:a@b\tSIP/2.0\r\n", Spoken::sip},
      {"OPTIONS sip:a@b HTTP/1.1 SIP\r\n", Spoken::http},
      {"SIP/2.0 200 OK\r\n", Spoken::sip},
      {"SIP/2.0", Spoken::unknown_yet},
      {"\r\n\r\n", Spoken::sip},
      {"\n", Spoken::sip},
      {"GET /SIP/2.0 HTTP/1.1\r\n", Spoken::http},
      {"garbage\r\n", Spoken::http},
  };
  for (const auto& row : table) EXPECT_EQ(sniff(row.bytes), row.spoken) << row.bytes;
  EXPECT_EQ(sniff(std::string(4096, 'x')), Spoken::http);
}

}  // namespace
}  // namespace sipwsd::net
