#include "common/http/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>

namespace imagebuild::http {

Result<void> check_certificates(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  if (!bytes) return fail(ErrorKind::Internal, "no memory to read certificates");
  int count = 0;
  for (;; ++count) {
    X509* certificate = PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr);
    if (certificate == nullptr) break;
    X509_free(certificate);
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (count == 0 && at_end) return fail(ErrorKind::InvalidInput, "holds no PEM certificate");
  if (!at_end)
    return fail(ErrorKind::InvalidInput,
                "certificate " + std::to_string(count + 1) + " is damaged");
  return {};
}

}  // namespace imagebuild::http
