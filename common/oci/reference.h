// Image references as people write them, "alpine:3.10", and what they mean,
// docker.io/library/alpine:3.10. Grammar and normalisation are those of
// https://github.com/distribution/reference.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/oci/digest.h"

namespace imagebuild::oci {

struct Reference {
  std::string registry;    ///< "docker.io", "localhost:5000"
  std::string repository;  ///< "library/alpine"
  std::string tag;         ///< "" when none was written
  std::optional<Digest> digest;

  /// InvalidInput says which part is wrong.
  static Result<Reference> parse(std::string_view text);

  /// "docker.io/library/alpine".
  std::string name() const { return registry + "/" + repository; }
  /// "docker.io/library/alpine:3.10@sha256:…": parse() of it gives the same value.
  std::string to_string() const;
  /// The short form: "alpine:3.10".
  std::string familiar() const;
  /// What stands in a manifest URL: the digest, else the tag, else "latest".
  std::string identifier() const;
  std::string tag_or_latest() const { return tag.empty() ? "latest" : tag; }

  /// The same repository at a tag or digest only.
  Reference with_tag(std::string_view new_tag) const {
    return {registry, repository, std::string(new_tag), std::nullopt};
  }
  Reference with_digest(const Digest& new_digest) const {
    return {registry, repository, "", new_digest};
  }

  friend bool operator==(const Reference&, const Reference&) = default;
};

/// Whether `text` is a tag: a word character, then up to 127 of word characters, '.' and '-'.
bool is_valid_tag(std::string_view text);

}  // namespace imagebuild::oci
