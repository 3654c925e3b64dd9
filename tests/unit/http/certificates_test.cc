#include "common/http/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

/// A self-signed certificate, made anew.
std::string certificate() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), &X509_free);
  X509_set_pubkey(made.get(), key.get());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  REQUIRE(PEM_write_bio_X509(text.get(), made.get()) == 1);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string damaged(std::string pem) {
  pem[pem.find('\n') + 10] = '!';
  return pem;
}

}  // namespace

TEST_CASE("certificates to trust are checked when they are read") {
  const std::string good = certificate();
  struct Row {
    const char* name;
    std::string pem;
    std::string message;  // "": good
  };
  for (const Row& row :
       {Row{"one", good, ""},
        Row{"two with a comment", "# ours\n" + good + "\n# theirs\n" + good, ""},
        Row{"nothing", "", "holds no PEM certificate"},
        Row{"another file", "FROM scratch\n", "holds no PEM certificate"},
        Row{"damaged", damaged(good), "certificate 1 is damaged"},
        Row{"the second damaged", good + damaged(good), "certificate 2 is damaged"},
        Row{"cut", good.substr(0, good.size() / 2), "certificate 1 is damaged"}}) {
    CAPTURE(row.name);
    auto checked = http::check_certificates(row.pem);
    CHECK(checked.ok() == row.message.empty());
    if (!checked.ok()) CHECK(checked.error().message == row.message);
  }
}
