// Manifests, indexes and image configs as a registry may send them: what parses is written back to
// the same value, so that its digest is stable.
#include "common/oci/image_config.h"
#include "common/oci/manifest.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

namespace {

template <typename Document>
void round_trip(std::string_view text) {
  auto document = Document::parse(text);
  if (!document) return;
  std::string written = document->serialise();
  auto again = Document::parse(written);
  promise(again.ok(), "what was parsed is written so that it parses");
  promise(again->serialise() == written, "writing it twice gives the same bytes");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  round_trip<oci::Manifest>(text);
  round_trip<oci::Index>(text);
  round_trip<oci::ImageConfig>(text);
  return 0;
}
