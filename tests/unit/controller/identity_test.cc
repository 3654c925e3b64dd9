#include "operator/controller/identity.h"

#include "operator/controller/indexes.h"
#include "operator/controller/reconciler.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/builders.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

namespace {

api::Spec spec_of(const Json& change = Json::object()) {
  Json object = inline_object();
  object["spec"].merge_patch(change);
  return *api::imagebuild_from_json(object).spec;
}

}  // namespace

TEST_CASE("the key holds what changes the image, hash8 also the tags and the object's UID") {
  const Identity base = make_identity(spec_of(), "", "", "u");
  CHECK(make_identity(spec_of({{"retries", 7}, {"pod", {{"labels", {{"a", "b"}}}}}}), "", "", "u")
            .hash8 == base.hash8);
  CHECK(make_identity(spec_of({{"target", "x"}}), "", "", "u").key != base.key);
  CHECK(make_identity(spec_of(), "commit", "", "u").key != base.key);
  CHECK(make_identity(spec_of(), "", "token", "u").key != base.key);
  CHECK(make_identity(spec_of({{"tags", {"v1"}}}), "", "", "u").key == base.key);
  CHECK(make_identity(spec_of({{"tags", {"v1"}}}), "", "", "u").hash8 != base.hash8);
  CHECK(make_identity(spec_of(), "", "", "other").key == base.key);
  CHECK(make_identity(spec_of(), "", "", "other").hash8 != base.hash8);
  CHECK(base.hash8.size() == 8);
}

TEST_CASE("pod names fit into 63 bytes and are valid") {
  CHECK(pod_name("web", "12345678", 1) == "web-12345678-1");
  CHECK(pod_name("a.b.c", "12345678", 12) == "a-b-c-12345678-12");
  CHECK(pod_name(std::string(43, 'x') + ".yyy", "12345678", 1) ==
        std::string(43, 'x') + "-12345678-1");
  CHECK(pod_name(std::string(253, 'x'), "12345678", 99999).size() <= 63);
}

TEST_CASE("the source's identity is the commit, or the ref's name where nobody can look") {
  CHECK(source_identity(spec_of(), "").empty());
  auto git = [](Json ref) {
    return spec_of(
        {{"source",
          {{"inline", nullptr}, {"git", {{"url", "https://h/x"}, {"ref", std::move(ref)}}}}}});
  };
  CHECK(source_identity(git(nullptr), "") == "HEAD");
  CHECK(source_identity(git({{"branch", "main"}}), "") == "branch:main");
  CHECK(source_identity(git({{"tag", "v1"}}), "") == "tag:v1");
  CHECK(source_identity(git({{"branch", "main"}}), "abc") == "abc");
  CHECK(source_identity(git({{"commit", std::string(40, 'a')}}), "") == std::string(40, 'a'));
}

TEST_CASE("the oldest object owns a tag") {
  TagIndex index;
  auto object = [](const char* name, const char* created, const char* image) {
    Json json = inline_object(name);
    json["metadata"]["creationTimestamp"] = created;
    json["spec"]["image"] = image;
    return std::make_shared<const api::ImageBuild>(api::imagebuild_from_json(json));
  };
  auto old = object("old", "2026-01-01T00:00:00Z", "docker.io/library/web");
  auto young = object("young", "2026-02-01T00:00:00Z", "web:latest");
  auto other = object("other", "2026-02-01T00:00:00Z", "web:v2");
  for (const auto& each : {young, old, other}) index.change(nullptr, each);
  CHECK(index.older_owner(*young) == "shop/old");
  CHECK(index.older_owner(*old).empty());
  CHECK(index.older_owner(*other).empty());
  index.change(old, nullptr);
  CHECK(index.older_owner(*young).empty());
}

TEST_CASE("a merge patch turns one value into the other, and nothing into nothing") {
  Json before = {{"a", 1}, {"b", {{"c", 1}, {"d", 2}}}, {"gone", true}};
  Json after = {{"a", 1}, {"b", {{"c", 5}, {"d", 2}}}, {"new", {1, 2}}};
  Json patch = merge_patch_between(before, after);
  CHECK(patch == Json({{"b", {{"c", 5}}}, {"gone", nullptr}, {"new", {1, 2}}}));
  Json patched = before;
  patched.merge_patch(patch);
  CHECK(patched == after);
  CHECK(merge_patch_between(after, after).is_null());
}
