#include "operator/telemetry/metrics.h"

#include "operator/telemetry/endpoints.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::telemetry;

namespace {

bool has(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}

Sources sources_of(std::vector<ObjectSample>& objects) {
  return {.objects =
              [&objects](const auto& visit) {
                for (const auto& object : objects) visit(object);
              },
          .running =
              [] {
                return std::vector<NamespaceCount>{{"shop", 2}};
              },
          .queued =
              [] {
                return std::vector<NamespaceCount>{{"shop", 0}};
              }};
}

ObjectSample sample(std::string name) {
  ObjectSample object{
      .name_space = "shop", .name = std::move(name), .image = "registry.acme.io/web"};
  object.platforms = {{.platform = "linux/amd64",
                       .size_bytes = 191260262,
                       .uncompressed_bytes = 500,
                       .base_bytes = 60,
                       .own_bytes = 40,
                       .largest_layer_bytes = 55,
                       .layers = 3}};
  object.baseline = {.size_bytes = 90, .own_bytes = 30, .base_bytes = 60};
  object.last_success = 1790000000;
  object.ready = true;
  object.up_to_date = true;
  return object;
}

}  // namespace

TEST_CASE("an object's gauges carry its identity and vanish with it") {
  Metrics metrics("0.1.0", "");
  std::vector<ObjectSample> objects = {sample("web")};
  metrics.set_sources(sources_of(objects));
  std::string text = metrics.scrape();
  CHECK(has(
      text,
      R"(imagebuild_image_size_bytes{namespace="shop",imagebuild="web",platform="linux/amd64"} 191260262)"));
  CHECK(has(
      text,
      R"(imagebuild_image_origin_size_bytes{namespace="shop",imagebuild="web",platform="linux/amd64",origin="base"} 60)"));
  CHECK(has(
      text,
      R"(imagebuild_image_origin_size_bytes{namespace="shop",imagebuild="web",platform="linux/amd64",origin="own"} 40)"));
  CHECK(has(
      text,
      R"(imagebuild_image_layers{namespace="shop",imagebuild="web",platform="linux/amd64"} 3)"));
  CHECK(has(
      text,
      R"(imagebuild_image_baseline_size_bytes{namespace="shop",imagebuild="web",platform="linux/amd64"} 90)"));
  CHECK(has(text, R"(imagebuild_ready{namespace="shop",imagebuild="web"} 1)"));
  CHECK(
      has(text,
          R"(imagebuild_info{namespace="shop",imagebuild="web",image="registry.acme.io/web"} 1)"));
  CHECK(has(text, R"(imagebuild_builds_running{namespace="shop"} 2)"));
  CHECK(text.find("sha256") == std::string::npos);
  objects.clear();
  CHECK(metrics.scrape().find("imagebuild=\"web\"") == std::string::npos);
}

TEST_CASE("an object without an image has no sizes, and is not ready") {
  Metrics metrics("0.1.0", "");
  std::vector<ObjectSample> objects = {{.name_space = "shop", .name = "new", .image = "r/w"}};
  metrics.set_sources(sources_of(objects));
  std::string text = metrics.scrape();
  CHECK(has(text, R"(imagebuild_ready{namespace="shop",imagebuild="new"} 0)"));
  CHECK(text.find("imagebuild_image_size_bytes{") == std::string::npos);
  CHECK(text.find("imagebuild_last_success_timestamp_seconds{") == std::string::npos);
}

TEST_CASE("counters of a namespace are there at 0 before anything happened") {
  Metrics metrics("0.1.0", "");
  std::vector<ObjectSample> objects = {sample("web")};
  metrics.set_sources(sources_of(objects));
  metrics.scrape();
  std::string text = metrics.scrape();
  CHECK(
      has(text, R"(imagebuild_builds_total{namespace="shop",result="Success",trigger="Spec"} 0)"));
  CHECK(has(
      text,
      R"(imagebuild_build_failures_total{class="Terminal",namespace="shop",reason="BuildFailed"} 0)"));
  CHECK(has(text, R"(imagebuild_push_bytes_total 0)"));
  CHECK(
      has(text, R"(controller_runtime_reconcile_total{controller="imagebuild",result="error"} 0)"));
  CHECK(has(text, R"(leader_election_master_status{name="imagebuild-operator"} 0)"));
  CHECK(has(text, R"(imagebuild_build_info{revision="",version="0.1.0"} 1)"));
}

TEST_CASE("a finished build is counted once, with labels of closed sets only") {
  Metrics metrics("0.1.0", "");
  BuildOutcome outcome{.name_space = "shop", .result = "Failure", .trigger = "Spec"};
  outcome.failure =
      api::Failure{.failure_class = api::FailureClass::Terminal, .reason = "x\",evil=\"1"};
  outcome.measured = true;
  outcome.total_seconds = 3;
  outcome.pushed_bytes = 10;
  metrics.build_finished(outcome);
  metrics.build_waited(2);
  metrics.reconciled("success", 0.01);
  metrics.queue_added(3);
  metrics.api_response("PATCH", 409);
  metrics.api_response("PATCH", 0);
  std::string text = metrics.scrape();
  CHECK(
      has(text, R"(imagebuild_builds_total{namespace="shop",result="Failure",trigger="Spec"} 1)"));
  CHECK(has(
      text,
      R"(imagebuild_build_failures_total{class="Terminal",namespace="shop",reason="BuilderCrashed"} 1)"));
  CHECK(has(text, R"(imagebuild_build_duration_seconds_count{phase="total"} 1)"));
  CHECK(has(text, R"(imagebuild_push_bytes_total 10)"));
  CHECK(has(text, R"(imagebuild_build_queue_wait_seconds_count 1)"));
  CHECK(has(text,
            R"(controller_runtime_reconcile_total{controller="imagebuild",result="success"} 1)"));
  CHECK(has(text, R"(workqueue_depth{controller="imagebuild",name="imagebuild"} 3)"));
  CHECK(has(text, R"(rest_client_requests_total{code="409",method="PATCH"} 1)"));
  CHECK(has(text, R"(rest_client_requests_total{code="<error>",method="PATCH"} 1)"));
}

TEST_CASE("endpoints: metrics in plain and gzip, probes say what is wrong") {
  Metrics metrics("0.1.0", "");
  std::string problem = "the caches are not filled yet";
  auto handler = make_endpoints(
      metrics, {.healthy = [] { return std::string(); }, .ready = [&] { return problem; }});
  auto get = [&](std::string path, http::Headers headers = {}) {
    return handler(
        {.method = "GET", .path = std::move(path), .query = "", .headers = std::move(headers)});
  };
  CHECK(get("/metrics").body.find("# TYPE workqueue_adds_total counter") != std::string::npos);
  http::Response zipped = get("/metrics", {{"Accept-Encoding", "deflate, gzip;q=1.0"}});
  CHECK(zipped.headers.find("Content-Encoding") == "gzip");
  CHECK(zipped.body.substr(0, 2) == "\x1f\x8b");
  CHECK(get("/healthz").status == 200);
  CHECK(get("/readyz").status == 503);
  CHECK(get("/readyz").body == "the caches are not filled yet\n");
  problem.clear();
  CHECK(get("/readyz").status == 200);
  CHECK(get("/").status == 404);
  CHECK_FALSE(accepts_gzip("gzip;q=0"));
  CHECK_FALSE(accepts_gzip("identity"));
}
