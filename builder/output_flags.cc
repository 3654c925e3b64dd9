#include "builder/output_flags.h"

#include <charconv>

namespace imagebuild {
namespace {

using executor::ArchiveOutput;
using executor::Output;

constexpr const char* kKinds =
    "expected registry, oci:DIR, oci-archive:FILE, docker-archive:FILE or none";

Result<std::vector<oci::Reference>> parse_tags(const std::vector<std::string>& tags) {
  std::vector<oci::Reference> references;
  for (const auto& tag : tags)
    references.push_back(TRY_CONTEXT(oci::Reference::parse(tag), "--tag"));
  for (const auto& reference : references)
    if (reference.name() != references.front().name())
      return fail(ErrorKind::InvalidInput,
                  "--tag: all tags of one build must name one repository, " + reference.name() +
                      " is not " + references.front().name());
  return references;
}

Result<int> parse_level(std::string_view text, int most, const std::string& whole) {
  int level = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
  if (error == std::errc() && end == text.data() + text.size() && level >= 1 && level <= most)
    return level;
  return fail(ErrorKind::InvalidInput,
              "--compression " + whole + ": the level is 1 to " + std::to_string(most));
}

}  // namespace

Result<Output> parse_output(const std::vector<std::string>& tags, const std::string& output) {
  auto references = TRY(parse_tags(tags));
  const std::string kind = !output.empty() ? output : references.empty() ? "none" : "registry";
  if (kind == "none") return Output(executor::NoOutput{});
  if (kind == "registry") {
    if (references.empty()) return fail(ErrorKind::InvalidInput, "--output registry needs --tag");
    return Output(executor::RegistryOutput{std::move(references)});
  }
  const auto colon = kind.find(':');
  const std::string path = colon == std::string::npos ? "" : kind.substr(colon + 1);
  const std::string name = kind.substr(0, colon);
  if (!path.empty() && name == "oci") {
    std::string tag = references.empty() ? "latest" : references.front().tag_or_latest();
    return Output(executor::LayoutOutput{.directory = path, .tag = tag});
  }
  if (!path.empty() && name == "oci-archive")
    return Output(ArchiveOutput{ArchiveOutput::Format::Oci, path, std::move(references)});
  if (!path.empty() && name == "docker-archive")
    return Output(ArchiveOutput{ArchiveOutput::Format::Docker, path, std::move(references)});
  if (name == "rootfs")
    return fail(ErrorKind::InvalidInput,
                "--output rootfs: is not supported yet; " + std::string(kKinds));
  return fail(ErrorKind::InvalidInput, "--output " + kind + ": " + kKinds);
}

Result<BlobWriterOptions> parse_compression(const std::string& text) {
  BlobWriterOptions options;
  if (text.empty()) return options;
  const auto colon = text.find(':');
  const std::string format = text.substr(0, colon);
  const bool has_level = colon != std::string::npos;
  const std::string level = has_level ? text.substr(colon + 1) : "";
  if (format == "none" && !has_level) {
    options.compression = Compression::None;
  } else if (format == "gzip") {
    if (has_level) options.gzip.level = TRY(parse_level(level, 12, text));
  } else if (format == "zstd") {
    options.compression = Compression::Zstd;
    if (has_level) options.zstd.level = TRY(parse_level(level, 19, text));
  } else {
    return fail(
        ErrorKind::InvalidInput,
        "--compression " + text + ": expected gzip, zstd, each with an optional :LEVEL, or none");
  }
  return options;
}

}  // namespace imagebuild
