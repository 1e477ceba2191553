#pragma once
// Messages the tests of this folder share: those of RFC 4475 and RFC 5118 with the verdict the RFC asks for, and what
// browsers' libraries send. Line ends are written as \n here and are CR LF in the message.

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::sip::test {

enum class Verdict { accepted, refused, dropped };

struct Sample {
  std::string section;
  std::string text;
  Verdict verdict = Verdict::accepted;
  int status = 0;  // of a refusal
};

// \n -> CR LF
std::string wire(std::string_view text);
std::string repeat(std::string_view text, int count);

const std::vector<Sample>& rfc4475();
const std::vector<Sample>& rfc5118();
const std::vector<Sample>& browsers();
// All of them.
std::vector<Sample> all_samples();
const Sample& sample(std::string_view section);

}  // namespace sipwsd::sip::test
