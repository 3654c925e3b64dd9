// Context: the files a build may COPY from, and the Dockerfile that says what to build. It
// owns the root directory (and deletes it when it made it), the ignore rules and where the
// content came from. Paths are opened below the root only: a symlink that leads out ends
// inside it (openat2, RESOLVE_IN_ROOT).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "builder/context/git_checkout.h"
#include "builder/context/source_info.h"
#include "common/archive/byte_stream.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/patterns/ignore_rules.h"

namespace imagebuild::registry {
class Client;
}

namespace imagebuild::context {

/// The Dockerfile's text and the name it is shown by.
struct DockerfileSource {
  std::string name;
  std::string text;
};

class Context {
 public:
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();  ///< removes a root that was made for it

  int root() const { return root_.get(); }
  const std::string& path() const { return path_; }
  const IgnoreRules& ignore() const { return ignore_; }
  const SourceInfo& source() const { return source_; }
  const DockerfileSource& dockerfile() const { return dockerfile_; }

  /// Opens below the root; symlinks resolve inside it. `flags` as open(2), O_CLOEXEC added.
  Result<UniqueFd> open(std::string_view relative_path, int flags) const;

  /// What a factory has put together; make() finds the Dockerfile and the ignore file in it.
  struct Parts {
    UniqueFd root;
    std::string path;
    std::string temporary;   ///< removed with the context
    std::string shown_as;    ///< in messages: a path or a URL
    std::string dockerfile;  ///< as in the sources below
    SourceInfo source;
    bool files_only = false;  ///< a named context: it has no Dockerfile
  };
  static Result<Context> make(Parts parts);

 private:
  Context() = default;
  UniqueFd root_;
  std::string path_;
  std::string temporary_;  // removed with the context; "" for a directory of the user's
  IgnoreRules ignore_;
  SourceInfo source_;
  DockerfileSource dockerfile_;
};

struct DirectorySource {
  std::string path;
  /// Empty: "Dockerfile" in `path`. Relative: below `path`. Absolute: that file, which may lie
  /// outside the context.
  std::string dockerfile;
  bool files_only = false;  ///< without a Dockerfile
};
/// A directory on this machine. Commit and time are read from a git work tree when it is one.
Result<Context> open_directory(const DirectorySource& source);

struct InlineSource {
  std::map<std::string, std::string> files;  ///< relative path → content
  std::string sub_path;                      ///< "" or a directory among them
  std::string dockerfile;                    ///< empty: "Dockerfile"
  std::string temporary_directory;           ///< where to write them; empty: $TMPDIR or /tmp
};
Result<Context> write_inline(const InlineSource& source);

/// A context that was pushed to a registry as an OCI artifact (api::kContextArtifactType).
struct OciSource {
  std::string ref;       ///< repository@sha256:…
  std::string sub_path;  ///< "" or a directory in it
  std::string dockerfile;
  std::string temporary_directory;
  std::function<ByteSource(ByteSource compressed)> decompress;  ///< of the layer, whatever it is
};
/// Downloads, verifies and unpacks it. NotFound: the artifact or the sub-directory. Denied,
/// Transient: the registry. InvalidInput: another kind of artifact, too large, an entry that would
/// lie outside or is given twice, hard links and devices.
Result<Context> pull_oci(registry::Client& client, const OciSource& source);

using GitCredentials = git::Credentials;

/// Fetches one commit, without history where the server allows it. NotFound: repository, ref,
/// commit or sub-directory. Denied: credentials. Transient: the network.
Result<Context> clone_git(const GitSource& source, std::stop_token stop = {});

}  // namespace imagebuild::context
