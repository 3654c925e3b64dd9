// SHA-256, incremental, on OpenSSL. The one hash of this project: digests, keys, identities.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace imagebuild {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// Adds the length and the bytes, so that ("ab","c") and ("a","bc") differ.
  void update_part(std::string_view bytes);
  /// 64 lower-case hex characters. The object is spent afterwards.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace imagebuild
