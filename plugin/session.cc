#include "plugin/session.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plugin/yaml_writer.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kNarrowest = 80;
constexpr std::size_t kWidest = 200;
constexpr std::size_t kNamesInError = 5;

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!is_set(name)) continue;
    const char* value = std::getenv(name);
    return std::strstr(value, "UTF-8") != nullptr || std::strstr(value, "utf8") != nullptr;
  }
  return false;
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kNarrowest;
  return std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
}

std::string known_names(const kube::ListPage& page) {
  std::string names;
  for (std::size_t i = 0; i < std::min(page.items.size(), kNamesInError); ++i)
    names += (i == 0 ? "" : ", ") + string_at(page.items[i], {"metadata", "name"});
  return names + (page.items.size() > kNamesInError ? ", …" : "");
}

Error no_such_object(Session& session, const std::string& name, const kube::ApiError& error) {
  auto page = session.client->list(kube::kImageBuilds, session.name_space, {.limit = 50});
  if (!page.ok() && page.error().not_found())
    return fail(ErrorKind::NotFound,
                "this cluster has no ImageBuild resource: install the operator first, or choose "
                "another cluster with --context");
  if (!page.ok()) return error;
  const std::string there =
      page->items.empty() ? "there is none in it" : "there are " + known_names(*page);
  return fail(ErrorKind::NotFound, "no ImageBuild " + name + " in namespace " + session.name_space +
                                       ": " + there + "; another namespace is chosen with -n");
}

}  // namespace

Console Console::of_process() {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::strcmp(kind, "dumb") == 0;
  return {.out =
              [](std::string_view text) {
                std::fwrite(text.data(), 1, text.size(), stdout);
                std::fflush(stdout);
              },
          .note = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); },
          .style = {.width = terminal ? terminal_width() : kNarrowest,
                    .colour = terminal && !dumb && !is_set("NO_COLOR"),
                    .unicode = utf8_locale()},
          .progress = ::isatty(STDERR_FILENO) == 1 && !dumb};
}

Result<Session> Session::connect(const ConnectionFlags& flags, Console console) {
  auto config = TRY(kube::load_config(flags.kubeconfig, flags.context));
  Session session{.client = {},
                  .config = config,
                  .name_space = flags.name_space.empty() ? config.name_space : flags.name_space,
                  .console = std::move(console)};
  session.client = kube::Client::make(std::move(config), {.user_agent = "kubectl-imagebuild"});
  return session;
}

Result<Json> fetch_object(Session& session, const std::string& name) {
  auto object = session.client->get(kube::kImageBuilds, {session.name_space, name});
  if (!object.ok() && object.error().not_found())
    return no_such_object(session, name, object.error());
  return object;
}

Result<View> fetch_view(Session& session, const std::string& name) {
  return view_from_json(TRY(fetch_object(session, name)));
}

Result<std::vector<View>> fetch_views(Session& session, bool all_namespaces) {
  std::vector<View> views;
  kube::ListOptions options{.limit = 500};
  do {
    auto page =
        session.client->list(kube::kImageBuilds, all_namespaces ? "" : session.name_space, options);
    if (!page.ok() && page.error().not_found())
      return fail(ErrorKind::NotFound,
                  "this cluster has no ImageBuild resource: install the operator first, or choose "
                  "another cluster with --context");
    if (!page.ok()) return Error(page.error());
    for (const Json& item : page->items) views.push_back(view_from_json(item));
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return views;
}

void present(const Session& session, Format format, const std::function<std::string()>& text,
             const std::function<Json()>& json) {
  switch (format) {
    case Format::Table:
      return session.console.out(text());
    case Format::Json:
      return session.console.out(dump_json(json(), 2) + "\n");
    case Format::Yaml:
      return session.console.out(to_yaml(json()));
  }
}

}  // namespace imagebuild::plugin
