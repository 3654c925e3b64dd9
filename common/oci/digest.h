// Names of bytes. A Digest names a blob as it is stored and transferred (compressed), a DiffId
// names a layer's uncompressed tar; they are different types so that one cannot be passed for the
// other. SHA-256 only: other algorithms of the OCI image specification are refused by parse().
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::oci {

/// "sha256:" and 64 lower-case hex characters. A default-constructed
/// one is empty and names nothing.
class Sha256Name {
 public:
  bool empty() const { return hex_.empty(); }
  /// "sha256:<64 hex>"; "" when empty.
  std::string to_string() const { return empty() ? std::string() : "sha256:" + hex_; }
  const std::string& hex() const { return hex_; }
  /// The first 12 hex characters, for people.
  std::string hex12() const { return hex_.substr(0, 12); }

  friend auto operator<=>(const Sha256Name&, const Sha256Name&) = default;

 protected:
  Sha256Name() = default;
  explicit Sha256Name(std::string hex) : hex_(std::move(hex)) {}
  static Result<std::string> parse_hex(std::string_view text, std::string_view what);
  static std::string hash(std::string_view bytes);

 private:
  std::string hex_;
};

class Digest final : public Sha256Name {
 public:
  Digest() = default;
  /// InvalidInput: not "sha256:<64 lower-case hex>", or another algorithm.
  static Result<Digest> parse(std::string_view text);
  /// From 64 hex characters, e.g. of Sha256::finish_hex().
  static Result<Digest> from_hex(std::string_view hex);
  static Digest of(std::string_view bytes);

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  using Sha256Name::Sha256Name;
};

class DiffId final : public Sha256Name {
 public:
  DiffId() = default;
  static Result<DiffId> parse(std::string_view text);
  static Result<DiffId> from_hex(std::string_view hex);
  static DiffId of(std::string_view bytes);

  friend auto operator<=>(const DiffId&, const DiffId&) = default;

 private:
  using Sha256Name::Sha256Name;
};

}  // namespace imagebuild::oci
