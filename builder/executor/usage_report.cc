#include "builder/executor/usage_report.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/base/byte_size.h"

namespace imagebuild::executor {
namespace {

constexpr std::uint64_t kWorthSaying = 1u << 20;
constexpr std::size_t kLargestFiles = 10;
constexpr std::size_t kMostAdvice = 10;

/// A place whose content an image seldom needs. Rows of one `what` are told as one.
struct WatchedPlace {
  const char* pattern;
  const char* what;
  const char* remedy;
};

constexpr const char* kBuildTools = "build tools (compilers, headers)";
constexpr const char* kOtherStage = "build in an earlier stage and COPY --from it what is needed";

constexpr std::array kWatched{
    WatchedPlace{"var/lib/apt/lists", "apt's package lists",
                 "end the same RUN with rm -rf /var/lib/apt/lists/*"},
    WatchedPlace{"var/cache/apt", "apt's downloads", "end the same RUN with apt-get clean"},
    WatchedPlace{"var/cache/apk", "apk's cache", "use apk add --no-cache"},
    WatchedPlace{"var/cache/dnf", "dnf's cache", "end the same RUN with dnf clean all"},
    WatchedPlace{"var/cache/yum", "yum's cache", "end the same RUN with yum clean all"},
    WatchedPlace{"root/.npm", "npm's cache", "end the same RUN with npm cache clean --force"},
    WatchedPlace{"home/*/.npm", "npm's cache", "end the same RUN with npm cache clean --force"},
    WatchedPlace{"root/.cache/pip", "pip's cache", "use pip install --no-cache-dir"},
    WatchedPlace{"home/*/.cache/pip", "pip's cache", "use pip install --no-cache-dir"},
    WatchedPlace{"usr/local/share/.cache/yarn", "yarn's cache",
                 "end the same RUN with yarn cache clean"},
    WatchedPlace{"root/.cache/go-build", "Go's build cache", kOtherStage},
    WatchedPlace{"root/go/pkg/mod", "Go's modules", kOtherStage},
    WatchedPlace{"root/.m2/repository", "Maven's downloads", kOtherStage},
    WatchedPlace{"root/.cargo/registry", "cargo's downloads", kOtherStage},
    WatchedPlace{"usr/local/cargo/registry", "cargo's downloads", kOtherStage},
    WatchedPlace{"tmp", "files in /tmp", "remove them in the same RUN"},
    WatchedPlace{"var/tmp", "files in /var/tmp", "remove them in the same RUN"},
    WatchedPlace{"usr/lib/gcc", kBuildTools, kOtherStage},
    WatchedPlace{"usr/libexec/gcc", kBuildTools, kOtherStage},
    WatchedPlace{"usr/include", kBuildTools, kOtherStage},
    WatchedPlace{"usr/lib/llvm-*", kBuildTools, kOtherStage},
    WatchedPlace{"usr/local/go", kBuildTools, kOtherStage},
    WatchedPlace{"usr/local/rustup", kBuildTools, kOtherStage},
    WatchedPlace{"root/.rustup", kBuildTools, kOtherStage},
};

/// Positions of the stage's layers among the image's; empty layers have none.
std::vector<std::optional<std::size_t>> places_in_image(const StageState& target) {
  std::vector<std::optional<std::size_t>> places;
  std::size_t next = 0;
  for (const auto& layer : target.layers) {
    const auto& finished = layer.finished.get();
    const bool there = finished && !finished->empty;
    places.push_back(there ? std::optional(next++) : std::nullopt);
  }
  return places;
}

/// The tree worker handles hostile files: what it answers is checked before it indexes anything.
Result<void> check_indices(const ImageUsage& usage, std::size_t layers) {
  auto below = [](const auto& map, std::size_t limit) {
    return map.empty() || map.rbegin()->first < limit;
  };
  bool good = usage.layers.size() == layers && usage.largest.size() <= kLargestFiles;
  for (const LayerUsage& layer : usage.layers)
    good = good && below(layer.hidden_by, layers) && below(layer.watched, kWatched.size());
  for (const LargeFile& file : usage.largest) good = good && file.layer < layers;
  if (!good) return fail(ErrorKind::InvalidInput, "the tree worker's measurement makes no sense");
  return {};
}

class Adviser {
 public:
  Adviser(const ImageUsage& usage, const StageState& target) : usage_(usage), target_(target) {}

  std::vector<api::ImageAdvice> advise() {
    for (std::size_t i = 0; i < usage_.layers.size(); ++i) {
      if (is_own(i)) look_at_places(i);
      for (const auto& [by, bytes] : usage_.layers[i].hidden_by) look_at_hidden(i, by, bytes);
    }
    return std::move(list_);
  }

 private:
  bool is_own(std::size_t layer) const { return target_.layers[layer].base == nullptr; }
  int line(std::size_t layer) const { return target_.layers[layer].line; }

  void look_at_places(std::size_t layer) {
    std::map<std::string, std::pair<std::uint64_t, const char*>> by_what;
    for (const auto& [index, bytes] : usage_.layers[layer].watched) {
      auto& [sum, remedy] = by_what[kWatched[index].what];
      sum += bytes;
      remedy = kWatched[index].remedy;
    }
    for (const auto& [what, found] : by_what)
      say(line(layer), found.first,
          format_bytes(found.first) + " of " + what + " stay in this layer; " + found.second);
  }

  void look_at_hidden(std::size_t layer, std::size_t by, std::uint64_t bytes) {
    if (!is_own(by)) return;  // the base's own affair
    const std::string size = format_bytes(bytes);
    if (!is_own(layer))
      return say(line(by), bytes,
                 size +
                     " of the base are replaced or removed here and stay in the image; "
                     "start from a base without them, or COPY with the right owner and mode");
    const bool copied = target_.layers[layer].created_by.starts_with("COPY ");
    say(line(layer), bytes,
        size + " written here are replaced or removed in line " + std::to_string(line(by)) +
            " and stay in the image; " +
            (copied ? "use COPY --chown and --chmod, or leave them out of the context"
                    : "do both in one RUN"));
  }

  void say(int line, std::uint64_t bytes, std::string message) {
    if (bytes >= kWorthSaying) list_.push_back({line, bytes, std::move(message)});
  }

  const ImageUsage& usage_;
  const StageState& target_;
  std::vector<api::ImageAdvice> list_;
};

}  // namespace

Result<ImageUsage> measure_usage(const StageState& target, TreeWorker& worker,
                                 const std::stop_token& stop) {
  UsageOptions options{.watched = {}, .largest = kLargestFiles};
  for (const WatchedPlace& place : kWatched) options.watched.emplace_back(place.pattern);
  const LowerList layers = target.lowers();
  LowerList uppers;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (target.layers[i].from_run) uppers.push_back(layers[i]);
  auto usage = TRY(worker.measure(layers, uppers, options, stop));
  TRY(check_indices(usage, layers.size()));
  return usage;
}

void add_usage(const ImageUsage& usage, const StageState& target,
               contract::PlatformReport& report) {
  const auto places = places_in_image(target);
  report.waste_is_known = true;
  report.wasted_bytes = 0;
  for (std::size_t i = 0; i < usage.layers.size(); ++i) {
    if (!places[i]) continue;
    report.layers[*places[i]].wasted_bytes = usage.layers[i].hidden;
    report.wasted_bytes += usage.layers[i].hidden;
  }
  report.largest_paths.clear();
  for (const LargeFile& file : usage.largest)
    if (places[file.layer])
      report.largest_paths.push_back(
          {"/" + file.path, file.bytes, static_cast<int>(*places[file.layer])});
  add_advice(Adviser(usage, target).advise(), report);
}

void add_advice(std::vector<api::ImageAdvice> more, contract::PlatformReport& report) {
  auto& list = report.advice;
  std::move(more.begin(), more.end(), std::back_inserter(list));
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.saves_bytes > b.saves_bytes; });
  if (list.size() > kMostAdvice) list.resize(kMostAdvice);
}

}  // namespace imagebuild::executor
