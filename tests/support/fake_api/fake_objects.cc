#include "tests/support/fake_api/fake_objects.h"

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"
#include "common/base/json.h"

namespace imagebuild::testing {
namespace {

FakeReply refuse(int code, std::string reason, std::string message) {
  return {FakeRefusal{code, std::move(reason), std::move(message)}, nullptr};
}

std::string now_text() { return format_rfc3339(SystemClock().now()); }

bool is_name(const std::string& name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 253 && plain(name.front()) && plain(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

// What the real server refuses with 422 and a controller easily gets wrong.
std::string find_invalid(const json& object) {
  if (!is_name(string_at(object, {"metadata", "name"})))
    return "metadata.name: not a DNS subdomain";
  if (const json* labels = find_path(object, {"metadata", "labels"}); labels && labels->is_object())
    for (const auto& [name, value] : labels->items())
      if (!value.is_string() || value.get_ref<const std::string&>().size() > 63)
        return "metadata.labels: " + name + ": not a string of at most 63 characters";
  if (const json* notes = find_path(object, {"metadata", "annotations"});
      notes && notes->is_object())
    for (const auto& [name, value] : notes->items())
      if (!value.is_string()) return "metadata.annotations: " + name + ": not a string";
  return "";
}

bool has_finalizers(const json& object) {
  const json* list = find_path(object, {"metadata", "finalizers"});
  return list && list->is_array() && !list->empty();
}

void restore(json& metadata, const json& before, const char* field) {
  auto it = before.find(field);
  if (it == before.end())
    metadata.erase(field);
  else
    metadata[field] = *it;
}

// Takes out of `target` what is in `last` and not in `next`.
void prune(json& target, const json& last, const json& next) {
  if (!target.is_object() || !last.is_object()) return;
  for (const auto& [name, value] : last.items()) {
    auto mine = target.find(name);
    if (mine == target.end()) continue;
    auto still = next.is_object() ? next.find(name) : next.end();
    if (!next.is_object() || still == next.end()) {
      if (value.is_object()) prune(*mine, value, json::object());
      if (!value.is_object() || mine->empty()) target.erase(name);
    } else {
      prune(*mine, value, *still);
    }
  }
}

bool selected(const FakeObjects::Event& event, const std::string& selector, std::string& type) {
  bool after = event.type != "DELETED" && matches_labels(event.object, selector);
  bool before = event.before.is_object() && matches_labels(event.before, selector);
  if (!after && !before) return false;
  type = !before ? "ADDED" : after ? "MODIFIED" : "DELETED";
  return true;
}

}  // namespace

bool matches_labels(const json& object, const std::string& selector) {
  std::size_t begin = 0;
  while (begin < selector.size()) {
    auto end = std::min(selector.find(',', begin), selector.size());
    std::string term = selector.substr(begin, end - begin);
    begin = end + 1;
    bool negated = term.starts_with('!');
    if (negated) term.erase(0, 1);
    auto equals = term.find('=');
    std::string name = term.substr(0, equals), value;
    if (equals != std::string::npos) {
      if (!name.empty() && name.back() == '!') {
        negated = true;
        name.pop_back();
      }
      value = term.substr(equals + 1);
      if (value.starts_with('=')) value.erase(0, 1);
    }
    const json* labels = find_path(object, {"metadata", "labels"});
    bool holds = labels && labels->contains(name) &&
                 (equals == std::string::npos || (*labels)[name] == value);
    if (holds == negated) return false;
  }
  return true;
}

FakeReply FakeObjects::get(const FakePath& path) const {
  std::lock_guard lock(mutex_);
  auto it = objects_.find(key_of(path));
  if (it == objects_.end())
    return refuse(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
  return {std::nullopt, it->second};
}

json FakeObjects::record_locked(const Key& key, const char* type, json object, const json& before) {
  ++version_;
  object["metadata"]["resourceVersion"] = std::to_string(version_);
  history_.push_back({version_, type, key.collection, key.name_space, object, before});
  if (std::string_view(type) == "DELETED")
    objects_.erase(key);
  else
    objects_[key] = object;
  changed_.notify_all();
  return object;
}

FakeReply FakeObjects::create(const FakePath& path, json object) {
  std::lock_guard lock(mutex_);
  auto reply = create_locked(path, std::move(object));
  if (!reply.refusal) collect_orphans_locked();
  return reply;
}

FakeReply FakeObjects::create_locked(const FakePath& path, json object) {
  auto& metadata = object["metadata"];
  if (!metadata.is_object()) return refuse(422, "Invalid", "metadata is missing");
  if (!string_at(metadata, {"resourceVersion"}).empty())
    return refuse(400, "BadRequest", "resourceVersion should not be set on objects to be created");
  std::string base = string_at(metadata, {"generateName"});
  if (string_at(metadata, {"name"}).empty() && !base.empty())
    metadata["name"] = base + std::to_string(10000 + ++uids_);
  if (auto problem = find_invalid(object); !problem.empty()) return refuse(422, "Invalid", problem);
  Key key{path.collection, path.name_space, metadata["name"]};
  if (objects_.contains(key))
    return refuse(409, "AlreadyExists", key.collection + " \"" + key.name + "\" already exists");
  if (!key.name_space.empty()) metadata["namespace"] = key.name_space;
  metadata["uid"] = "uid-" + std::to_string(++uids_);
  metadata["generation"] = 1;
  metadata["creationTimestamp"] = now_text();
  object.erase("status");
  if (key.collection == "v1/pods") object["status"] = {{"phase", "Pending"}};
  return {std::nullopt, record_locked(key, "ADDED", std::move(object), nullptr)};
}

FakeReply FakeObjects::write_locked(const Key& key, json after, bool status_only) {
  const json before = objects_.at(key);
  const auto& old_metadata = before["metadata"];
  for (const char* field : {"resourceVersion", "uid"}) {
    std::string given = string_at(after, {"metadata", field});
    if (!given.empty() && given != string_at(old_metadata, {field}))
      return refuse(409, "Conflict", "Operation cannot be fulfilled: the object has been modified");
  }
  if (status_only) {
    json status = after.contains("status") ? after["status"] : json();
    after = before;
    if (status.is_null())
      after.erase("status");
    else
      after["status"] = std::move(status);
  } else {
    restore(after, before, "status");
  }
  for (const char* field : {"uid", "name", "namespace", "creationTimestamp", "deletionTimestamp",
                            "resourceVersion", "generation"})
    restore(after["metadata"], old_metadata, field);
  if (auto problem = find_invalid(after); !problem.empty()) return refuse(422, "Invalid", problem);
  bool spec_changed = !status_only && after.value("spec", json()) != before.value("spec", json());
  if (spec_changed) after["metadata"]["generation"] = old_metadata.value("generation", 0) + 1;
  if (after == before) return {std::nullopt, before};  // the real server does not write this either
  bool last = after["metadata"].contains("deletionTimestamp") && has_finalizers(before) &&
              !has_finalizers(after);
  json stored = record_locked(key, "MODIFIED", std::move(after), before);
  if (last) erase_locked(key);
  return {std::nullopt, std::move(stored)};
}

FakeReply FakeObjects::replace(const FakePath& path, json object) {
  std::lock_guard lock(mutex_);
  Key key = key_of(path);
  if (!objects_.contains(key))
    return refuse(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
  return write_locked(key, std::move(object), path.subresource == "status");
}

FakeReply FakeObjects::patch(const FakePath& path, const json& body) {
  std::lock_guard lock(mutex_);
  auto it = objects_.find(key_of(path));
  if (it == objects_.end())
    return refuse(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
  json after = it->second;
  after.merge_patch(body);
  return write_locked(it->first, std::move(after), path.subresource == "status");
}

FakeReply FakeObjects::apply(const FakePath& path, const json& body, const std::string& manager) {
  if (manager.empty()) return refuse(400, "BadRequest", "fieldManager is required for apply patch");
  if (string_at(body, {"apiVersion"}).empty() || string_at(body, {"kind"}).empty())
    return refuse(400, "BadRequest", "apiVersion and kind are required for apply patch");
  std::lock_guard lock(mutex_);
  Key key = key_of(path);
  json& last = applied_[key.collection + "/" + key.name_space + "/" + key.name + "/" +
                        path.subresource + "/" + manager];
  FakeReply reply;
  auto it = objects_.find(key);
  if (it == objects_.end()) {
    if (!path.subresource.empty())
      return refuse(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
    json object = body;
    object["metadata"]["name"] = path.name;
    reply = create_locked(path, std::move(object));
  } else {
    json after = it->second;
    if (last.is_object()) prune(after, last, body);
    after.merge_patch(body);
    reply = write_locked(key, std::move(after), path.subresource == "status");
  }
  if (!reply.refusal) {
    last = body;
    last.erase("metadata");
  }
  return reply;
}

FakeReply FakeObjects::remove(const FakePath& path, const json& options) {
  std::lock_guard lock(mutex_);
  Key key = key_of(path);
  auto it = objects_.find(key);
  if (it == objects_.end())
    return refuse(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
  for (const char* field : {"uid", "resourceVersion"}) {
    std::string wanted = string_at(options, {"preconditions", field});
    if (!wanted.empty() && wanted != string_at(it->second, {"metadata", field}))
      return refuse(409, "Conflict",
                    std::string("Precondition failed: ") + field + " in precondition is another");
  }
  json object = it->second;
  begin_deletion_locked(key, options.is_object() && options.value("gracePeriodSeconds", -1) == 0);
  if (string_at(options, {"propagationPolicy"}) != "Orphan") collect_orphans_locked();
  return {std::nullopt, object};
}

void FakeObjects::begin_deletion_locked(const Key& key, bool now) {
  json object = objects_.at(key);
  bool stays = has_finalizers(object) || (hold_deletion_ && !now && key.collection == "v1/pods");
  if (!stays) return erase_locked(key);
  if (object["metadata"].contains("deletionTimestamp")) return;
  json before = object;
  object["metadata"]["deletionTimestamp"] = now_text();
  record_locked(key, "MODIFIED", std::move(object), before);
}

void FakeObjects::erase_locked(const Key& key) {
  json object = objects_.at(key);
  record_locked(key, "DELETED", object, object);
}

// Background garbage collection: an object goes when it has owners and none of them exists.
void FakeObjects::collect_orphans_locked() {
  std::vector<std::string> alive;
  for (const auto& [key, object] : objects_)
    alive.push_back(string_at(object, {"metadata", "uid"}));
  std::vector<Key> orphans;
  for (const auto& [key, object] : objects_) {
    const json* owners = find_path(object, {"metadata", "ownerReferences"});
    if (!owners || !owners->is_array() || owners->empty() ||
        object["metadata"].contains("deletionTimestamp"))
      continue;
    bool owned = std::any_of(owners->begin(), owners->end(), [&](const json& owner) {
      return std::find(alive.begin(), alive.end(), string_at(owner, {"uid"})) != alive.end();
    });
    if (!owned) orphans.push_back(key);
  }
  for (const auto& key : orphans) begin_deletion_locked(key, false);
  if (!orphans.empty()) collect_orphans_locked();
}

FakeReply FakeObjects::list(const FakePath& path, const std::string& label_selector, int limit,
                            const std::string& continue_token) {
  std::lock_guard lock(mutex_);
  std::uint64_t version = version_;
  Key after{path.collection, "", ""};
  if (!continue_token.empty()) {  // "version/namespace/name": where the last page ended
    auto first = continue_token.find('/'), second = continue_token.find('/', first + 1);
    version = std::strtoull(continue_token.c_str(), nullptr, 10);
    if (version < compacted_)
      return refuse(410, "Expired", "The provided continue parameter is too old");
    after = {path.collection, continue_token.substr(first + 1, second - first - 1),
             continue_token.substr(second + 1)};
  }
  json items = json::array();
  std::string token;
  for (auto it = objects_.upper_bound(after);
       it != objects_.end() && it->first.collection == path.collection; ++it) {
    if (!path.name_space.empty() && it->first.name_space != path.name_space) continue;
    if (!matches_labels(it->second, label_selector)) continue;
    if (limit > 0 && items.size() == static_cast<std::size_t>(limit)) {
      token = std::to_string(version) + "/" + after.name_space + "/" + after.name;
      break;
    }
    after = it->first;
    json item = it->second;
    item.erase("kind");  // as in real lists
    item.erase("apiVersion");
    items.push_back(std::move(item));
  }
  json metadata = {{"resourceVersion", std::to_string(version)}};
  if (!token.empty()) metadata["continue"] = token;
  return {std::nullopt, {{"metadata", metadata}, {"items", std::move(items)}}};
}

std::optional<FakeObjects::Subscription> FakeObjects::subscribe(const FakePath& path,
                                                                std::string label_selector,
                                                                const std::string& version) const {
  std::lock_guard lock(mutex_);
  std::uint64_t from = version.empty() ? version_ : std::strtoull(version.c_str(), nullptr, 10);
  if (from < compacted_) return std::nullopt;
  return Subscription{path, std::move(label_selector), from, cuts_, bookmarks_};
}

FakeObjects::Step FakeObjects::next(Subscription& at, std::string& type, json& object) {
  std::unique_lock lock(mutex_);
  auto look = [&]() -> Step {
    if (cuts_ != at.cuts) return Step::Cut;
    auto it = std::upper_bound(
        history_.begin(), history_.end(), at.version,
        [](std::uint64_t version, const Event& event) { return version < event.version; });
    for (; it != history_.end(); ++it) {
      at.version = it->version;
      bool here = it->collection == at.path.collection &&
                  (at.path.name_space.empty() || it->name_space == at.path.name_space);
      if (!here || !selected(*it, at.label_selector, type)) continue;
      object = it->object;
      return Step::Event;
    }
    if (bookmarks_ == at.bookmarks) return Step::Nothing;
    at.bookmarks = bookmarks_;
    object = {{"metadata", {{"resourceVersion", std::to_string(version_)}}}};
    return Step::Bookmark;
  };
  Step step = look();
  if (step != Step::Nothing) return step;
  changed_.wait_for(lock, std::chrono::milliseconds(20));
  return look();
}

void FakeObjects::compact() {
  std::lock_guard lock(mutex_);
  compacted_ = ++version_;  // whatever version anybody holds is too old now
}

void FakeObjects::cut_watches() {
  std::lock_guard lock(mutex_);
  ++cuts_;
  changed_.notify_all();
}

void FakeObjects::send_bookmarks() {
  std::lock_guard lock(mutex_);
  ++bookmarks_;
  changed_.notify_all();
}

json FakeObjects::put(const std::string& collection, json object) {
  std::lock_guard lock(mutex_);
  auto& metadata = object["metadata"];
  Key key{collection, string_at(metadata, {"namespace"}), string_at(metadata, {"name"})};
  auto it = objects_.find(key);
  json before = it == objects_.end() ? json() : it->second;
  if (!metadata.contains("uid"))
    metadata["uid"] =
        before.is_object() ? before["metadata"]["uid"] : json("uid-" + std::to_string(++uids_));
  if (!metadata.contains("creationTimestamp"))
    metadata["creationTimestamp"] =
        before.is_object() ? before["metadata"]["creationTimestamp"] : json(now_text());
  if (before.is_null()) {
    if (!metadata.contains("generation")) metadata["generation"] = 1;
  } else if (object.value("spec", json()) != before.value("spec", json())) {
    metadata["generation"] = before["metadata"].value("generation", 0) + 1;
  }
  return record_locked(key, before.is_null() ? "ADDED" : "MODIFIED", std::move(object), before);
}

std::vector<json> FakeObjects::all(const std::string& collection) const {
  std::lock_guard lock(mutex_);
  std::vector<json> result;
  for (const auto& [key, object] : objects_)
    if (key.collection == collection) result.push_back(object);
  return result;
}

void FakeObjects::set_hold_deletion(bool hold) {
  std::lock_guard lock(mutex_);
  hold_deletion_ = hold;
}

bool FakeObjects::erase(const FakePath& path) {
  std::lock_guard lock(mutex_);
  if (!objects_.contains(key_of(path))) return false;
  erase_locked(key_of(path));
  collect_orphans_locked();
  return true;
}

}  // namespace imagebuild::testing
