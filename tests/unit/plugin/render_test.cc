// What people see, column by column: golden files, written anew with IMAGEBUILD_ACCEPT=1.
#include "plugin/render.h"

#include <cstdlib>

#include "common/base/unique_fd.h"
#include "plugin/next_steps.h"
#include "plugin/yaml_writer.h"
#include "tests/unit/plugin/objects.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
using namespace imagebuild::plugin::testing;

namespace {

void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(IMAGEBUILD_SOURCE_DIR) + "/tests/unit/plugin/golden/" + name;
  if (std::getenv("IMAGEBUILD_ACCEPT") != nullptr) REQUIRE(write_file_atomically(path, text).ok());
  auto expected = read_file(path);
  REQUIRE(expected.ok());
  CHECK(text == *expected);
}

std::size_t widest(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    width = std::max(width, columns(text.substr(start, end - start)));
    start = end + 1;
  }
  return width;
}

std::vector<View> all() {
  Json retried = failed();
  retried["metadata"]["namespace"] = "a-namespace-with-a-long-name";
  retried["metadata"]["name"] = "an-image-whose-name-is-longer-than-the-column";
  retried["status"]["conditions"][0]["reason"] = "ProgressingWithRetry";
  return {view_from_json(grown()), view_from_json(failed()), view_from_json(fresh()),
          view_from_json(retried)};
}

}  // namespace

TEST_CASE("sizes, list and why are the golden pages, and fit into 80 columns") {
  const View web = view_from_json(grown()), api = view_from_json(failed());
  const std::pair<const char*, std::string> pages[] = {
      {"sizes.txt", render_sizes(web, {})},
      {"sizes-plain.txt", render_sizes(web, {.unicode = false})},
      {"sizes-none.txt", render_sizes(api, {})},
      {"list.txt", render_list(all(), {}, {})},
      {"list-all.txt", render_list(all(), {.with_namespace = true, .sort = "size"}, {})},
      {"why-grown.txt", render_why(web, {})},
      {"why-failed.txt", render_why(api, {})},
      {"why-fresh.txt", render_why(view_from_json(fresh()), {})},
  };
  for (const auto& [name, text] : pages) {
    INFO(name);
    check_golden(name, text);
    CHECK(widest(text) <= 80);
    CHECK(text.find('\033') == std::string::npos);
  }
}

TEST_CASE("JSON and YAML say the same, with numbers in bytes") {
  const View web = view_from_json(grown());
  const Json sizes = sizes_to_json(web);
  CHECK(sizes["layers"].size() == 4);
  CHECK(sizes["layers"][2]["instruction"] ==
        "RUN pip install -r requirements.txt && python3 -m compileall /app");
  CHECK(sizes["overBaselineBytes"] == 234146824 - 190840832);
  CHECK(sizes["budget"]["within"] == "False");
  for (const Json& value :
       {sizes, why_to_json(web), why_to_json(view_from_json(failed())), list_to_json(all(), {})}) {
    auto back = parse_yaml(to_yaml(value));
    REQUIRE(back.ok());
    CHECK(*back == value);
  }
}

TEST_CASE("every string comes back from YAML as that string") {
  for (const char* text :
       {"",         "no",    "Yes", "1.5",  "0x10",       "a: b", "- a",    "#x",
        "null",     "~",     " a ", "a\nb", "\"quoted\"", "it's", "ümlaut", "2026-11-24",
        "/usr/bin", "a_b-c", "&a",  "*a",   "!x",         "{",    "[",      "%",
        "@x",       "`x",    "\t",  "<<",   "="}) {
    INFO(text);
    const Json value = {{"key", text}, {"list", {text, {{"deep", {text}}}}}};
    auto back = parse_yaml(to_yaml(value));
    REQUIRE(back.ok());
    CHECK(*back == value);
  }
  const Json empties = {
      {"a", Json::array()}, {"b", Json::object()}, {"c", nullptr}, {"d", {{1, 2}}}};
  CHECK(*parse_yaml(to_yaml(empties)) == empties);
}

TEST_CASE("every reason of a failure and of a condition says what to do next") {
  for (std::string_view reason : api::failure_reasons()) {
    INFO(reason);
    CHECK_FALSE(what_to_do(reason, "web").empty());
  }
  for (const char* reason : {"Succeeded", "InputsBuilt", "Building", "Progressing", "Pending",
                             "Queued", "ProgressingWithRetry", "Suspended", "SizeBudgetExceeded"}) {
    INFO(reason);
    CHECK_FALSE(what_to_do(reason, "web").empty());
  }
  CHECK(what_to_do("BuildFailed", "web -n shop").find("logs web -n shop") != std::string::npos);
  CHECK(what_to_do("NoSuchReason", "web").empty());
}

TEST_CASE("a status without any of the optional fields is shown without them") {
  Json object = grown();
  for (const char* field : {"wastedBytes", "deltaBytes", "delta", "advice", "platforms", "tags"})
    object["status"]["image"].erase(field);
  object["status"].erase("baseline");
  object["spec"].erase("budget");
  const std::string text = render_sizes(view_from_json(object), {});
  for (const char* word : {"waste", "delta", "baseline", "budget", "Largest"})
    CHECK(text.find(word) == std::string::npos);
  CHECK(text.find("does not list the") != std::string::npos);
}

TEST_CASE("damaged status fields are left out and never a crash") {
  for (const char* status :
       {"7", "[]", "{image: 5}", "{image: {platforms: [1, {layers: [2, {sizeBytes: -5}]}]}}",
        "{image: {sizeBytes: big, delta: 7}, baseline: 1, history: {}, build: []}",
        "{conditions: [1, {type: 3}], image: {platforms: {}}, baseline: {sizeBytes: 0}}"}) {
    INFO(status);
    Json object = fresh();
    object["status"] = yaml(status);
    const View view = view_from_json(object);
    CHECK_FALSE(render_sizes(view, {}).empty());
    CHECK_FALSE(render_why(view, {}).empty());
    CHECK_FALSE(view.over_baseline().has_value());
  }
}

TEST_CASE("127 layers are 127 lines") {
  Json object = grown();
  Json& layers = object["status"]["image"]["platforms"][0]["layers"];
  const Json one = layers[1];
  layers = Json::array();
  for (int i = 0; i < 127; ++i) layers.push_back(one);
  const std::string text = render_sizes(view_from_json(object), {});
  CHECK(text.find("\n127 ") != std::string::npos);
  CHECK(widest(text) <= 80);
}

TEST_CASE("instructions are shown as the Dockerfile has them") {
  CHECK(instruction("/bin/sh -c #(nop)  CMD [\"sh\"]") == "CMD [\"sh\"]");
  CHECK(instruction("/bin/sh -c apk add curl") == "RUN apk add curl");
  CHECK(instruction("RUN /bin/sh -c apk add\\\n curl # buildkit") == "RUN apk add\\ curl");
  CHECK(instruction("COPY . /app # buildkit") == "COPY . /app");
  CHECK(instruction("RUN [\"/bin/true\"]") == "RUN [\"/bin/true\"]");
}
