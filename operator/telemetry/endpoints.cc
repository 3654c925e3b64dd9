#include "operator/telemetry/endpoints.h"

#include <zlib.h>

#include <algorithm>

namespace imagebuild::telemetry {
namespace {

http::Response text_response(int status, std::string body) {
  http::Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  return response;
}

http::Response probe(const std::function<std::string()>& check) {
  const std::string problem = check ? check() : "";
  return problem.empty() ? text_response(200, "ok\n") : text_response(503, problem + "\n");
}

http::Response metrics_response(const Metrics& metrics, const http::ServerRequest& request) {
  http::Response response{.status = 200, .headers = {}, .body = metrics.scrape()};
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  if (!accepts_gzip(request.headers.find("Accept-Encoding").value_or(""))) return response;
  response.body = gzip(response.body);
  response.headers.add("Content-Encoding", "gzip");
  return response;
}

}  // namespace

http::Server::Handler make_endpoints(const Metrics& metrics, Probes probes) {
  return
      [&metrics, probes = std::move(probes)](const http::ServerRequest& request) -> http::Response {
        if (request.path == "/metrics") return metrics_response(metrics, request);
        if (request.path == "/healthz") return probe(probes.healthy);
        if (request.path == "/readyz") return probe(probes.ready);
        return text_response(404, "not found: try /metrics, /healthz or /readyz\n");
      };
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string item(accept_encoding.substr(0, end));
    item.erase(std::remove(item.begin(), item.end(), ' '), item.end());
    if (item == "gzip" ||
        (item.starts_with("gzip;q=") && item.find_first_of("123456789") != std::string::npos))
      return true;
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
  }
  return false;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  // Level 1: a scrape is read once. 15 + 16: a gzip frame.
  if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string result(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace imagebuild::telemetry
