#include "builder/context/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <ctime>

#include "builder/context/parts.h"
#include "builder/context/url_text.h"
#include "common/base/sha256.h"
#include "common/http/transport.h"

namespace imagebuild::context {

namespace {

constexpr int kMaxRedirects = 10;
constexpr std::string_view kSha256 = "sha256:";

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

ErrorKind kind_of(int status) {
  if (status == 404 || status == 410) return ErrorKind::NotFound;
  if (status == 401 || status == 403) return ErrorKind::Denied;
  return registry::is_retryable_status(status) ? ErrorKind::Transient : ErrorKind::InvalidInput;
}

std::optional<std::int64_t> last_modified(const http::Headers& headers) {
  const auto text = headers.find("Last-Modified");
  std::tm date{};
  if (!text || ::strptime(text->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr)
    return std::nullopt;
  return ::timegm(&date);
}

/// The last component of the URL's path, decoded; "" where it is no name.
Result<std::string> name_from(std::string_view url) {
  const auto parsed = TRY(http::parse_url(url));
  std::string path = percent_decoded(
      std::string_view(parsed.path_and_query).substr(0, parsed.path_and_query.find('?')));
  while (path.ends_with('/')) path.pop_back();
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name == "." || name == "..") return std::string();
  if (name.size() > 255 || name.find('\0') != std::string::npos)
    return fail(ErrorKind::InvalidInput, "the URL's path does not end in a file name");
  return name;
}

class Fetch {
 public:
  Fetch(http::Transport& transport, const DownloadSource& source, std::stop_token stop)
      : transport_(transport), source_(source), stop_(std::move(stop)) {}

  Result<Download> run() {
    const SplitUrl split = split_credentials(source_.url);
    Download download{TRY(TemporaryDirectory::make(source_.temporary_directory)),
                      TRY(name_from(split.url)), std::nullopt};
    registry::Retry retry(source_.retry, stop_);
    for (;;) {
      auto done = attempt(split, download);
      if (done) return download;
      if (done.error().kind != ErrorKind::Transient || !retry.again(retry_after_))
        return std::move(done).error();
    }
  }

 private:
  Result<void> attempt(const SplitUrl& split, Download& download) {
    retry_after_.reset();
    file_ = TRY(open_file(download.directory.path() + "/" + download.file_name(),
                          O_WRONLY | O_CREAT | O_TRUNC, 0600));
    hash_ = Sha256();
    written_ = 0;
    const std::string origin = TRY(http::parse_url(split.url)).origin();
    std::string url = split.url.substr(0, split.url.find('#'));
    for (int hops = 0;; ++hops) {
      const auto at = TRY(http::parse_url(url));
      http::Request request = make_request(url);
      if (split.credentials && at.origin() == origin)
        request.headers.set("Authorization", git::basic_authorization(*split.credentials));
      auto response = TRY(transport_.send(request, stop_));
      if (!is_redirect(response.status)) return judge(response, download);
      if (hops == kMaxRedirects) return fail(ErrorKind::InvalidInput, "more than 10 redirects");
      url = TRY(next_url(url, response));
    }
  }

  http::Request make_request(const std::string& url) {
    http::Request request{.url = url};
    request.sink = [this](const http::Response&, std::string_view bytes) -> Result<void> {
      written_ += bytes.size();
      if (written_ > source_.max_bytes)
        return fail(ErrorKind::InvalidInput,
                    "larger than " + std::to_string(source_.max_bytes) + " bytes");
      hash_.update(bytes);
      return write_all(file_.get(), bytes);
    };
    return request;
  }

  static Result<std::string> next_url(const std::string& from, const http::Response& response) {
    const auto location = response.headers.find("Location");
    if (!location) return fail(ErrorKind::InvalidInput, "a redirect without Location");
    auto next = http::resolve_url(from, *location);
    // Not the transport's words: they show the whole URL.
    if (!next) return fail(ErrorKind::InvalidInput, "redirected to what is no URL");
    if (from.starts_with("https:") && !next->starts_with("https:"))
      return fail(ErrorKind::InvalidInput,
                  "redirected from https to " + shown_url(*next) + ", which is not encrypted");
    return next->substr(0, next->find('#'));
  }

  Result<void> judge(const http::Response& response, Download& download) {
    if (!response.ok()) {
      retry_after_ = registry::parse_retry_after(response.headers, SystemClock().now());
      return fail(kind_of(response.status), "status " + std::to_string(response.status));
    }
    if (const auto length = response.headers.find("Content-Length");
        length && *length != std::to_string(written_) && !response.headers.find("Content-Encoding"))
      return fail(ErrorKind::Transient,
                  "ended after " + std::to_string(written_) + " of " + *length + " bytes");
    if (!source_.checksum.empty()) {
      const std::string actual = std::string(kSha256) + hash_.finish_hex();
      if (actual != source_.checksum)
        return fail(ErrorKind::InvalidInput,
                    "the checksum is " + actual + ", not " + source_.checksum);
    }
    download.last_modified = last_modified(response.headers);
    return {};
  }

  http::Transport& transport_;
  const DownloadSource& source_;
  const std::stop_token stop_;
  UniqueFd file_;
  Sha256 hash_;
  std::uint64_t written_ = 0;
  std::optional<Duration> retry_after_;
};

}  // namespace

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& parent) {
  TemporaryDirectory made(TRY(make_temporary_directory(parent)));
  made.fd_ = TRY(open_file(made.path_, O_RDONLY | O_DIRECTORY));
  return made;
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) remove_directory(path_);
}

Result<void> check_checksum(std::string_view checksum) {
  const bool right =
      checksum.starts_with(kSha256) && checksum.size() == kSha256.size() + 64 &&
      checksum.find_first_not_of("0123456789abcdef", kSha256.size()) == std::string_view::npos;
  if (right) return {};
  return fail(ErrorKind::InvalidInput, "checksum \"" + std::string(checksum) +
                                           "\": expected sha256: and 64 lower-case hex characters");
}

Result<Download> download(http::Transport& transport, const DownloadSource& source,
                          std::stop_token stop) {
  const std::string what = "download " + shown_url(source.url);
  // Before anything that would show the URL as it is.
  if (!http::parse_url(split_credentials(source.url).url))
    return fail(ErrorKind::InvalidInput, what + ": not an http(s) URL");
  if (!source.checksum.empty()) TRY_CONTEXT(check_checksum(source.checksum), what);
  return Fetch(transport, source, std::move(stop)).run().context(what);
}

}  // namespace imagebuild::context
