#include "builder/store/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

namespace imagebuild {

namespace {

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return errno_error(path);
}

std::string blob_path(const std::string& folder, const oci::Digest& digest) {
  return folder + "/sha256/" + digest.hex();
}

}  // namespace

BlobFile::BlobFile(std::string folder, std::string path, UniqueFd fd)
    : folder_(std::move(folder)), path_(std::move(path)), fd_(std::move(fd)) {}

BlobFile::BlobFile(BlobFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      path_(std::exchange(other.path_, {})),
      fd_(std::move(other.fd_)),
      hash_(std::move(other.hash_)),
      size_(other.size_) {}

BlobFile& BlobFile::operator=(BlobFile&& other) noexcept {
  if (this == &other) return *this;
  discard();
  folder_ = std::move(other.folder_);
  path_ = std::exchange(other.path_, {});
  fd_ = std::move(other.fd_);
  hash_ = std::move(other.hash_);
  size_ = other.size_;
  return *this;
}

BlobFile::~BlobFile() { discard(); }

void BlobFile::discard() {
  if (path_.empty()) return;
  ::unlink(path_.c_str());
  path_.clear();
  fd_.reset();
}

Result<void> BlobFile::write(std::string_view bytes) {
  if (path_.empty()) return fail(ErrorKind::Internal, "blob: written to after its end");
  TRY_CONTEXT(write_all(fd_.get(), bytes), "blob " + path_);
  hash_.update(bytes);
  size_ += bytes.size();
  return {};
}

Result<oci::Digest> BlobFile::commit() { return name_it(nullptr); }
Result<oci::Digest> BlobFile::commit(const oci::Digest& expected) { return name_it(&expected); }

Result<oci::Digest> BlobFile::name_it(const oci::Digest* expected) {
  if (path_.empty()) return fail(ErrorKind::Internal, "blob: committed twice");
  auto digest = TRY(oci::Digest::from_hex(hash_.finish_hex()));
  if (expected != nullptr && digest != *expected) {
    discard();
    return fail(ErrorKind::Denied,
                "blob " + expected->to_string() + ": content has digest " + digest.to_string());
  }
  if (::rename(path_.c_str(), blob_path(folder_, digest).c_str()) != 0) {
    Error error = errno_error("blob " + digest.to_string() + ": rename");
    discard();
    return error;
  }
  path_.clear();
  fd_.reset();
  return digest;
}

BlobReader::BlobReader(oci::Digest digest, UniqueFd fd, std::uint64_t size)
    : digest_(std::move(digest)), fd_(std::move(fd)), hash_(Sha256()), size_(size) {}

Result<std::size_t> BlobReader::read(std::span<char> buffer) {
  if (!hash_ || buffer.empty()) return std::size_t{0};
  std::size_t n = TRY_CONTEXT(read_some(fd_.get(), buffer), "blob " + digest_.to_string());
  hash_->update({buffer.data(), n});
  if (n != 0) return n;
  std::string hex = hash_->finish_hex();
  hash_.reset();
  if (hex != digest_.hex())
    return fail(ErrorKind::Denied,
                "blob " + digest_.to_string() + ": content has digest sha256:" + hex);
  return std::size_t{0};
}

Result<BlobStore> BlobStore::open(std::string folder) {
  for (const char* part : {"", "/sha256", "/partial"})
    TRY_CONTEXT(make_directory(folder + part), "blob store");
  return BlobStore(std::move(folder));
}

Result<BlobFile> BlobStore::create() {
  static std::atomic<std::uint64_t> counter{0};
  std::string path =
      folder_ + "/partial/" + std::to_string(::getpid()) + "." + std::to_string(counter++);
  // A name left by a dead process of the same pid is nobody's.
  ::unlink(path.c_str());
  auto fd = TRY_CONTEXT(open_file(path, O_WRONLY | O_CREAT | O_EXCL), "blob");
  return BlobFile(folder_, std::move(path), std::move(fd));
}

Result<oci::Digest> BlobStore::put(std::string_view bytes) {
  auto file = TRY(create());
  TRY(file.write(bytes));
  return file.commit();
}

std::string BlobStore::path_of(const oci::Digest& digest) const {
  return blob_path(folder_, digest);
}

bool BlobStore::contains(const oci::Digest& digest) const {
  return ::access(path_of(digest).c_str(), F_OK) == 0;
}

Result<std::uint64_t> BlobStore::size(const oci::Digest& digest) const {
  struct stat info;
  if (::stat(path_of(digest).c_str(), &info) != 0) return errno_error("blob " + digest.to_string());
  return static_cast<std::uint64_t>(info.st_size);
}

Result<BlobReader> BlobStore::read(const oci::Digest& digest) const {
  int fd = ::open(path_of(digest).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error("blob " + digest.to_string());
  UniqueFd owned(fd);
  struct stat info;
  if (::fstat(fd, &info) != 0) return errno_error("blob " + digest.to_string());
  return BlobReader(digest, std::move(owned), static_cast<std::uint64_t>(info.st_size));
}

Result<void> BlobStore::remove(const oci::Digest& digest) {
  if (::unlink(path_of(digest).c_str()) == 0 || errno == ENOENT) return {};
  return errno_error("blob " + digest.to_string());
}

}  // namespace imagebuild
