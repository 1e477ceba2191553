#include "tests/bench/certificate.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace sipwsd::bench {

Certificate make_certificate(const std::string& folder, KeyKind kind) {
  const std::string name = folder + (kind == KeyKind::ecdsa_p256 ? "/ecdsa" : "/rsa");
  Certificate made{.certificate_file = name + ".pem", .key_file = name + ".key"};
  std::vector<std::string> words{"openssl", "req",     "-x509",    "-nodes",           "-days",   "30",
                                 "-subj",   "/CN=example.com", "-addext", "subjectAltName=DNS:example.com,IP:127.0.0.1",
                                 "-keyout", made.key_file, "-out",   made.certificate_file, "-newkey"};
  if (kind == KeyKind::ecdsa_p256)
    words.insert(words.end(), {"ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"});
  else
    words.insert(words.end(), {"rsa:2048"});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const auto pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw std::runtime_error("openssl made no certificate in " + folder);
  return made;
}

}  // namespace sipwsd::bench
