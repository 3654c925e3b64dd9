#include "common/registry/session.h"

namespace imagebuild::registry {
namespace {

constexpr int kMaxRedirects = 10;

bool follows(std::string_view method, int status) {
  if (status == 307 || status == 308) return true;
  return (method == "GET" || method == "HEAD") && (status == 301 || status == 302 || status == 303);
}

}  // namespace

Result<std::string> Answer::location() const {
  auto header = response.headers.find("Location");
  if (!header) return fail(ErrorKind::Internal, "the registry's answer has no Location");
  return http::resolve_url(url, *header);
}

Result<Answer> Session::send(const Endpoint& endpoint, const Access& access, const Call& call) {
  auto authorization = TRY(authenticator_.authorization(endpoint, access));
  auto answer = TRY(follow(endpoint, call, authorization));
  bool own = answer.url.starts_with(endpoint.base + "/");
  if (answer.response.status != 401 || !own) return answer;
  if (!authenticator_.learn(endpoint, access, answer.response, authorization)) return answer;
  authorization = TRY(authenticator_.authorization(endpoint, access));
  if (!authorization) return answer;
  return follow(endpoint, call, authorization);
}

Result<Answer> Session::follow(const Endpoint& endpoint, const Call& call,
                               const std::optional<std::string>& authorization) {
  http::Request request = call.request;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    auto here = TRY(http::parse_url(request.url));
    request.headers.remove("Authorization");
    if (authorization && here.origin() == endpoint.base)
      request.headers.add("Authorization", *authorization);
    if (call.make_source) request.source = call.make_source();
    auto response = TRY(carrier_.send(request, endpoint.is_mirror));
    Answer answer{.response = std::move(response), .url = request.url};
    if (!follows(request.method, answer.response.status)) return answer;
    request.url = TRY(answer.location());
    auto next = TRY(http::parse_url(request.url));
    TRY(carrier_.endpoints().check_move(here, next));
  }
  return fail(ErrorKind::Internal, "redirected more than 10 times");
}

}  // namespace imagebuild::registry
