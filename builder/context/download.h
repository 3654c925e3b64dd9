// A file from an http(s) URL, for ADD and for contexts that are archives: fetched whole into a
// directory of its own, bounded, its checksum verified while it streams.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "builder/context/temporary.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/registry/retry.h"

namespace imagebuild::http {
class Transport;
}

namespace imagebuild::context {

struct DownloadSource {
  std::string url;       ///< may hold user:password@, which go to that scheme, host and port only
  std::string checksum;  ///< "sha256:…" or empty
  std::string temporary_directory;  ///< empty: $TMPDIR or /tmp
  std::uint64_t max_bytes = std::uint64_t{16} << 30;
  registry::RetryPolicy retry{.attempts = 4};
};

struct Download {
  TemporaryDirectory directory;  ///< holds the one file, mode 0600
  std::string name;              ///< of the file there; from the URL's path, "" where it has none
  std::optional<std::int64_t> last_modified;  ///< seconds since 1970

  /// The name in `directory`, also where the URL has none to offer.
  std::string file_name() const { return name.empty() ? "download" : name; }
};

/// How a build reaches what its Dockerfile names by URL.
struct Remote {
  http::Transport* transport = nullptr;  ///< the program's, which outlives the build
  std::string ca_file;                   ///< for git: PEM; empty: the system's
};

/// At most ten redirects, never from https to http. NotFound: 404, 410. Denied: 401, 403.
/// Transient, after several attempts: the network, 408, 429, 5xx. InvalidInput: every other status,
/// a wrong checksum, too large.
Result<Download> download(http::Transport& transport, const DownloadSource& source,
                          std::stop_token stop = {});

/// InvalidInput: anything but "sha256:" and 64 hex characters.
Result<void> check_checksum(std::string_view checksum);

bool is_http_url(std::string_view text);
/// The URL as messages may show it: without user, password, query and fragment.
std::string shown_url(std::string_view url);
/// A text with the user and password of every URL in it replaced by "***".
std::string without_credentials(std::string_view text);

}  // namespace imagebuild::context
