// Git URLs as contexts and ADD take them: "https://host/repo.git#ref:dir", or the same as a query,
// "https://host/repo.git?branch=main&subdir=dir".
#include <map>

#include "builder/context/context.h"
#include "builder/context/download.h"
#include "builder/context/url_text.h"

namespace imagebuild::context {

namespace {

using Query = std::map<std::string, std::string>;

Error invalid(std::string message) { return fail(ErrorKind::InvalidInput, std::move(message)); }

Result<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const std::string name = percent_decoded(pair.substr(0, equals));
    const std::string value =
        equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
    if (!query.try_emplace(name, value).second)
      return invalid("query \"" + name + "\" has several values");
  }
  return query;
}

Result<bool> flag_of(const std::string& name, const std::string& value) {
  if (value.empty() || value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  return invalid("query \"" + name + "\": expected true or false, found \"" + value + "\"");
}

Result<void> set(std::string& field, const std::string& name, const std::string& value) {
  if (value.empty()) return invalid("query \"" + name + "\" has no value");
  if (!field.empty() && field != value)
    return invalid("query \"" + name + "\" says \"" + value + "\", the fragment \"" + field + "\"");
  field = value;
  return {};
}

Result<void> apply(const std::string& name, const std::string& value, GitSource& source) {
  if (name == "ref") return set(source.ref, name, value);
  if (name == "branch") return set(source.branch, name, value);
  if (name == "tag") return set(source.tag, name, value);
  if (name == "subdir") return set(source.sub_path, name, value);
  if (name == "commit" || name == "checksum") return set(source.checksum, name, value);
  if (name == "keep-git-dir") {
    source.keep_git_directory = TRY(flag_of(name, value));
    return {};
  }
  if (name == "submodules") {
    source.submodules = TRY(flag_of(name, value));
    return {};
  }
  // The commit is fetched by its name anyway where it is known in full.
  if (name == "fetch-by-commit") return TRY(flag_of(name, value)), Result<void>();
  if (name != "mtime")
    return invalid("unknown query \"" + name +
                   "\"; known are ref, branch, tag, commit, checksum, subdir, keep-git-dir, "
                   "submodules, mtime and fetch-by-commit");
  if (value != "checkout" && value != "commit")
    return invalid("query \"mtime\": expected checkout or commit, found \"" + value + "\"");
  source.commit_mtime = value == "commit";
  return {};
}

}  // namespace

Result<std::optional<GitSource>> parse_git_url(std::string_view text) {
  const auto path_end = std::min(text.find_first_of("?#"), text.size());
  if (!is_http_url(text) || !text.substr(0, path_end).ends_with(".git"))
    return std::optional<GitSource>();
  auto split = split_credentials(text.substr(0, path_end));
  GitSource source{.url = std::move(split.url), .credentials = std::move(split.credentials)};
  const auto hash = std::min(text.find('#'), text.size());
  if (hash < text.size()) {
    const std::string_view fragment = text.substr(hash + 1);
    const std::size_t colon = fragment.find(':');
    source.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) source.sub_path = fragment.substr(colon + 1);
  }
  const std::string what = "git " + source.url;
  if (path_end < hash) {
    for (const auto& [name, value] :
         TRY_CONTEXT(parse_query(text.substr(path_end + 1, hash - path_end - 1)), what))
      TRY_CONTEXT(apply(name, value, source), what);
  }
  if (!source.branch.empty() && !source.tag.empty())
    return invalid(what + ": branch and tag exclude each other");
  if (!source.ref.empty() && (!source.branch.empty() || !source.tag.empty()))
    return invalid(what + ": the fragment names \"" + source.ref + "\", the query a branch or tag");
  while (source.sub_path.starts_with('/')) source.sub_path.erase(0, 1);
  while (source.sub_path.ends_with('/')) source.sub_path.pop_back();
  return std::optional(std::move(source));
}

}  // namespace imagebuild::context
