#include "builder/store/blob_store.h"

#include <cstdlib>
#include <filesystem>

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

struct TempStore {
  TempStore() {
    char name[] = "/tmp/imagebuild-store-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
    store.emplace(*BlobStore::open(path + "/blobs"));
  }
  ~TempStore() { std::filesystem::remove_all(path); }
  std::size_t partial_files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path + "/blobs/partial"), {}));
  }
  std::string path;
  std::optional<BlobStore> store;
};

Result<std::string> contents(BlobReader reader) {
  std::string bytes;
  char buffer[1000];
  for (;;) {
    std::size_t n = TRY(reader.read(buffer));
    if (n == 0) return bytes;
    bytes.append(buffer, n);
  }
}

}  // namespace

TEST_CASE("a committed blob is found by its digest") {
  TempStore temp;
  auto file = temp.store->create();
  REQUIRE(file.ok());
  REQUIRE(file->write("hello ").ok());
  REQUIRE(file->write("world").ok());
  CHECK(file->size() == 11);
  auto digest = file->commit();
  REQUIRE(digest.ok());
  CHECK(*digest == oci::Digest::of("hello world"));
  CHECK(temp.store->contains(*digest));
  CHECK(*temp.store->size(*digest) == 11);
  CHECK(*contents(*temp.store->read(*digest)) == "hello world");
  CHECK(temp.partial_files() == 0);
}

TEST_CASE("a blob that is dropped leaves nothing") {
  TempStore temp;
  {
    auto file = temp.store->create();
    REQUIRE(file->write("half").ok());
    BlobFile moved = std::move(*file);
    CHECK(temp.partial_files() == 1);
  }
  CHECK(temp.partial_files() == 0);
  CHECK_FALSE(temp.store->contains(oci::Digest::of("half")));
}

TEST_CASE("content that is not what was promised is refused and removed") {
  TempStore temp;
  auto file = temp.store->create();
  REQUIRE(file->write("a lie").ok());
  auto digest = file->commit(oci::Digest::of("the truth"));
  REQUIRE_FALSE(digest.ok());
  CHECK(digest.error().kind == ErrorKind::Denied);
  CHECK(temp.partial_files() == 0);
  CHECK_FALSE(temp.store->contains(oci::Digest::of("a lie")));
  CHECK(file->commit().error().kind == ErrorKind::Internal);
}

TEST_CASE("a blob that changed on disk is noticed while it is read") {
  TempStore temp;
  auto digest = temp.store->put("original");
  REQUIRE(digest.ok());
  REQUIRE(write_file_atomically(temp.store->path_of(*digest), "tampered").ok());
  auto read = contents(*temp.store->read(*digest));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::Denied);
}

TEST_CASE("what is not there is NotFound, and removing it is no error") {
  TempStore temp;
  auto digest = oci::Digest::of("absent");
  CHECK(temp.store->read(digest).error().kind == ErrorKind::NotFound);
  CHECK(temp.store->size(digest).error().kind == ErrorKind::NotFound);
  CHECK(temp.store->remove(digest).ok());
}

TEST_CASE("the same blob twice is one file") {
  TempStore temp;
  CHECK(*temp.store->put("same") == *temp.store->put("same"));
  CHECK(*contents(*temp.store->read(oci::Digest::of("same"))) == "same");
}

TEST_CASE("a store whose parent does not exist names it") {
  auto store = BlobStore::open("/nonexistent/imagebuild/blobs");
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().message.find("/nonexistent/imagebuild/blobs") != std::string::npos);
}
