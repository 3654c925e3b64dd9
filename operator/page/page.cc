#include "operator/page/page.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "operator/page/assets.h"
#include "operator/page/projection.h"
#include "operator/telemetry/endpoints.h"

namespace imagebuild::page {
namespace {

constexpr std::string_view kApi = "/api/v1/imagebuilds";
constexpr Duration kListAge = std::chrono::seconds(1);
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";

// Trusted types: a script of ours that would turn text into markup is stopped by the browser.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

http::Response make_response(int status, const char* type, std::string body) {
  http::Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers = {{"Content-Type", type},
                      {"Content-Security-Policy", kPolicy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Cache-Control", "no-store"},
                      {"Vary", "Accept-Encoding"}};
  return response;
}

const char* content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

class Page {
 public:
  Page(Sources sources, AllowedHosts hosts, const Clock& clock)
      : sources_(std::move(sources)), hosts_(std::move(hosts)), clock_(clock) {}

  http::Response answer(const http::ServerRequest& request) {
    http::Response response = route(request);
    const std::string accepted = request.headers.find("Accept-Encoding").value_or("");
    if (response.body.size() > 1024 && telemetry::accepts_gzip(accepted)) {
      response.body = telemetry::gzip(response.body);
      response.headers.add("Content-Encoding", "gzip");
    }
    return response;
  }

 private:
  http::Response route(const http::ServerRequest& request) {
    if (!hosts_.allow(request.headers.find("Host").value_or("")))
      return make_response(421, kText, "not served by this name: see --page-host\n");
    std::string_view path = request.path;
    if (path.starts_with(kApi)) return api(path.substr(kApi.size()));
    const std::string_view name = path.size() < 2 ? "index.html" : path.substr(1);
    for (const Asset& asset : assets())
      if (asset.name == name)
        return make_response(200, content_type_of(name), std::string(asset.body));
    return make_response(404, kText, "not found: try /\n");
  }

  /// `rest`: what follows /api/v1/imagebuilds.
  http::Response api(std::string_view rest) {
    if (!sources_.synced()) return problem(503, "the caches are not filled yet");
    if (rest.empty()) return make_response(200, kJson, list());
    const std::size_t slash = rest.find('/', 1);
    if (rest.front() != '/' || slash == std::string_view::npos)
      return problem(404, "expected /api/v1/imagebuilds/NAMESPACE/NAME");
    const auto object =
        sources_.find(std::string(rest.substr(1, slash - 1)), std::string(rest.substr(slash + 1)));
    if (!object) return problem(404, "no such ImageBuild");
    return make_response(200, kJson, dump_json(describe(*object)));
  }

  static http::Response problem(int status, const char* message) {
    return make_response(status, kJson, dump_json({{"error", message}}));
  }

  std::string list() {
    std::lock_guard lock(list_mutex_);
    const TimePoint now = clock_.now();
    // A clock that was set back counts as old, too.
    if (!list_.empty() && now >= list_made_ && now - list_made_ < kListAge) return list_;
    list_ = make_list();
    list_made_ = now;
    return list_;
  }

  std::string make_list() const {
    struct Row {
      std::uint64_t size;
      std::string key;
      Json summary;
    };
    std::vector<Row> rows;
    sources_.each([&](const api::ImageBuild& object) {
      const std::uint64_t size = object.status.image ? object.status.image->size_bytes : 0;
      rows.push_back({size, object.key(), summarize(object)});
    });
    // The key makes the order one: what did not change is the same text, which is not drawn again.
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.size != b.size ? a.size > b.size : a.key < b.key;
    });
    Json items = Json::array();
    for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i)
      items.push_back(std::move(rows[i].summary));
    return dump_json({{"total", rows.size()}, {"items", std::move(items)}});
  }

  const Sources sources_;
  const AllowedHosts hosts_;
  const Clock& clock_;

  std::mutex list_mutex_;  // guards the two below; held while the list is made
  std::string list_;
  TimePoint list_made_{};
};

}  // namespace

http::Server::Handler make_page(Sources sources, AllowedHosts hosts, const Clock& clock) {
  // Shared: a handler is copyable, and its copies are one page.
  auto page = std::make_shared<Page>(std::move(sources), std::move(hosts), clock);
  return [page](const http::ServerRequest& request) { return page->answer(request); };
}

}  // namespace imagebuild::page
