// The operator's page over ImageBuilds that come on standard input, for tests in a browser. Each
// line is an ImageBuild in JSON, which is added or replaced, or "delete NAMESPACE/NAME"; each is
// answered with "ok". The first line of output is the port. Ends with standard input.
#include <iostream>
#include <map>
#include <mutex>

#include "common/base/json.h"
#include "operator/page/page.h"

using namespace imagebuild;

namespace {

class Builds {
 public:
  Result<void> read(const std::string& line) {
    constexpr std::string_view kDelete = "delete ";
    std::lock_guard lock(mutex_);
    if (line.starts_with(kDelete)) {
      builds_.erase(line.substr(kDelete.size()));
      return {};
    }
    auto build =
        std::make_shared<const api::ImageBuild>(api::imagebuild_from_json(TRY(parse_json(line))));
    builds_[build->key()] = std::move(build);
    return {};
  }

  page::Sources sources() {
    return {.synced = [] { return true; },
            .each =
                [this](const auto& visit) {
                  std::lock_guard lock(mutex_);
                  for (const auto& [key, build] : builds_) visit(*build);
                },
            .find = [this](const std::string& name_space,
                           const std::string& name) -> std::shared_ptr<const api::ImageBuild> {
              std::lock_guard lock(mutex_);
              auto found = builds_.find(name_space + "/" + name);
              return found == builds_.end() ? nullptr : found->second;
            }};
  }

 private:
  std::mutex mutex_;  // guards the one below
  std::map<std::string, std::shared_ptr<const api::ImageBuild>> builds_;
};

}  // namespace

int main() {
  http::initialize_transport_threads(4);
  const SystemClock clock;
  Builds builds;
  const std::string address = "127.0.0.1:0";
  auto server = http::Server::listen(
      address, page::make_page(builds.sources(), page::AllowedHosts(address, {}), clock));
  if (!server) {
    std::cerr << server.error().message << '\n';
    return 1;
  }
  std::cout << (*server)->port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    auto read = builds.read(line);
    std::cout << (read ? "ok" : read.error().message) << std::endl;
  }
  return 0;
}
