// kubectl-imagebuild: as `kubectl imagebuild` or by itself. It reads the same kubeconfig as kubectl
// and registries with the user's own credentials.

#include <cstdio>

#include "common/http/transport.h"
#include "plugin/cli.h"
#include "plugin/complete.h"

namespace {

using namespace imagebuild;
using namespace imagebuild::plugin;

/// kubectl and our own scripts call this: candidates, one a line, then cobra's directive ":4" (no
/// file names) where there are any, ":0" otherwise.
int print_candidates(Cli& cli, const std::vector<std::string>& words) {
  auto names = [](const NameQuery& query) {
    std::vector<std::string> result;
    auto session = Session::connect({query.kubeconfig, query.context, query.name_space},
                                    Console::of_process());
    if (!session) return result;
    auto page = session->client->list(kube::kImageBuilds, session->name_space, {.limit = 500},
                                      {.timeout = Duration(3000), .retries = 0});
    if (page.ok())
      for (const Json& item : page->items) result.push_back(string_at(item, {"metadata", "name"}));
    return result;
  };
  const auto found = complete(cli.app(), words, names);
  for (const std::string& word : found) std::printf("%s\n", word.c_str());
  std::printf(":%d\n", found.empty() ? 0 : 4);
  return kDone;
}

int run(int argc, char** argv) {
  Cli cli;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "__complete")
    return print_candidates(cli, {words.begin() + 1, words.end()});
  try {
    cli.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.app().exit(error) == 0 ? kDone : kUsage;
  }
  if (!cli.completion_shell().empty()) {
    std::fputs(completion_script(cli.completion_shell()).c_str(), stdout);
    return kDone;
  }
  if (!cli.command()) {
    std::fprintf(stderr, "%s", cli.app().help().c_str());
    return kUsage;
  }
  auto session = Session::connect(cli.connection(), Console::of_process());
  Result<int> status = session ? cli.command()(*session) : Result<int>(session.error());
  if (status) return *status;
  std::fprintf(stderr, "error: %s\n", printable(status.error().message).c_str());
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  http::initialize_transport_threads(4);
  return run(argc, argv);
}
