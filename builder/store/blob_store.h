// Blobs on disk, by digest. A blob appears whole or not at all: bytes go to a temporary file
// which commit() renames. Reading verifies: the last read fails if the content is not the digest.
// Several threads and processes may share one folder; the same blob written twice is one file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/sha256.h"
#include "common/base/unique_fd.h"
#include "common/oci/digest.h"

namespace imagebuild {

/// A blob being written. Destroyed without commit(), it leaves nothing behind. Move-only.
class BlobFile {
 public:
  BlobFile(BlobFile&& other) noexcept;
  BlobFile& operator=(BlobFile&& other) noexcept;
  ~BlobFile();

  Result<void> write(std::string_view bytes);
  /// Bytes written so far; they can be read at path() by a follower (an upload in parallel).
  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

  /// Names the blob by what was written and returns its digest.
  Result<oci::Digest> commit();
  /// The same for bytes that someone promised: Denied when they are not `expected`; nothing stays.
  Result<oci::Digest> commit(const oci::Digest& expected);

 private:
  friend class BlobStore;
  BlobFile(std::string folder, std::string path, UniqueFd fd);
  Result<oci::Digest> name_it(const oci::Digest* expected);
  void discard();

  std::string folder_;
  std::string path_;  // empty: committed or moved from
  UniqueFd fd_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
};

/// Reads a blob and checks it against its digest at the end of file. Move-only.
class BlobReader {
 public:
  /// 0 at the end; Denied when the whole content did not have the digest.
  Result<std::size_t> read(std::span<char> buffer);
  std::uint64_t size() const { return size_; }

 private:
  friend class BlobStore;
  BlobReader(oci::Digest digest, UniqueFd fd, std::uint64_t size);

  oci::Digest digest_;
  UniqueFd fd_;
  std::optional<Sha256> hash_;
  std::uint64_t size_ = 0;
};

class BlobStore {
 public:
  /// Uses `folder`, made if missing (its parent must exist).
  static Result<BlobStore> open(std::string folder);

  /// Starts a blob.
  Result<BlobFile> create();
  /// Stores bytes that are already in memory (manifests, configs).
  Result<oci::Digest> put(std::string_view bytes);

  bool contains(const oci::Digest& digest) const;
  /// NotFound when it is not there.
  Result<std::uint64_t> size(const oci::Digest& digest) const;
  /// Where the blob lies or would lie.
  std::string path_of(const oci::Digest& digest) const;
  Result<BlobReader> read(const oci::Digest& digest) const;
  /// Removes it; not being there is no error.
  Result<void> remove(const oci::Digest& digest);

 private:
  explicit BlobStore(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace imagebuild
