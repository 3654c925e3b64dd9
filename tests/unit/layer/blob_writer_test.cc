#include "builder/layer/blob_writer.h"

#include "tests/unit/layer/tree.h"

using namespace imagebuild;
using namespace imagebuild::testing;

TEST_CASE("a layer blob has the diffID of its tar and the digest of its bytes") {
  Tree tree;
  auto store = BlobStore::open(tree.at("blobs"));
  REQUIRE(store.ok());
  const Compression compression = GENERATE(Compression::Gzip, Compression::Zstd, Compression::None);
  const std::string tar(3'000'000, 'x');
  auto writer = BlobWriter::start(*store, {.compression = compression, .gzip = {.threads = 2}});
  REQUIRE(writer.ok());
  REQUIRE(writer->write(tar.substr(0, 1000)).ok());
  REQUIRE(writer->sink()(tar.substr(1000)).ok());
  auto blob = writer->finish();
  REQUIRE(blob.ok());
  CHECK(blob->diff_id == oci::DiffId::of(tar));
  CHECK(blob->uncompressed == tar.size());
  CHECK(blob->size == *store->size(blob->digest));
  const std::string stored = tree.content("blobs/sha256/" + blob->digest.hex());
  CHECK(blob->digest == oci::Digest::of(stored));
  if (compression == Compression::None)
    CHECK(stored == tar);
  else
    CHECK(stored.size() < tar.size() / 100);
}

TEST_CASE("a layer that is dropped leaves nothing in the store") {
  Tree tree;
  auto store = BlobStore::open(tree.at("blobs"));
  {
    auto writer = BlobWriter::start(*store);
    REQUIRE(writer->write(std::string(5 << 20, 'x')).ok());
  }
  CHECK(std::filesystem::is_empty(tree.at("blobs/partial")));
  CHECK(std::filesystem::is_empty(tree.at("blobs/sha256")));
}

TEST_CASE("what cannot be written is refused at the start") {
  Tree tree;
  auto store = BlobStore::open(tree.at("blobs"));
  CHECK(BlobWriter::start(*store, {.zstd = {.level = 20}}).error().kind == ErrorKind::InvalidInput);
  CHECK(BlobWriter::start(*store, {.gzip = {.level = 13}}).error().kind == ErrorKind::InvalidInput);
}
