#include "builder/sandbox/tree_worker.h"

#include <sys/socket.h>

#include <atomic>

#include "builder/sandbox/messages.h"
#include "builder/sandbox/protocol.h"
#include "builder/sandbox/usage_messages.h"
#include "builder/sandbox/worker_process.h"

namespace imagebuild {

using sandbox::answer_from_json;
using sandbox::make_socket_pair;

struct TreeWorker::State {
  IdPlan plan;
  sandbox::WorkerFolder folder;  // before the process: removed after it has ended
  sandbox::WorkerProcess worker;
  std::atomic<std::uint32_t> next_layer{1};
  std::atomic<bool> stopped{false};

  Result<Json> call(const Json& request, UniqueFd descriptor, std::stop_token stop);
  Result<Json> call(const Json& request, std::vector<UniqueFd> descriptors, std::stop_token stop);
};

namespace {

std::uint64_t number_at(const Json& json, const char* field) {
  const auto value = find_int(json, field);
  return value && *value ? static_cast<std::uint64_t>(**value) : 0;
}

Json request_for(const char* operation) { return {{"op", operation}}; }

}  // namespace

Result<Json> TreeWorker::State::call(const Json& request, UniqueFd descriptor,
                                     std::stop_token stop) {
  std::vector<UniqueFd> descriptors;
  if (descriptor) descriptors.push_back(std::move(descriptor));
  return call(request, std::move(descriptors), stop);
}

Result<Json> TreeWorker::State::call(const Json& request, std::vector<UniqueFd> descriptors,
                                     std::stop_token stop) {
  const Error canceled = fail(ErrorKind::Canceled, "canceled");
  if (stop.stop_requested()) return canceled;
  auto channel = TRY(make_socket_pair());
  std::vector<int> passed{channel.theirs.get()};
  for (const UniqueFd& descriptor : descriptors) passed.push_back(descriptor.get());
  TRY_CONTEXT(sandbox::send_descriptors(worker.control.get(), passed), "tree worker");
  // Ours are closed now: only the worker's child holds the pipe,
  // so its reader sees the end of file.
  channel.theirs.reset();
  descriptors.clear();
  const int ours = channel.ours.get();
  // Hanging up is how a request is canceled: the worker kills its child.
  // It also ends our wait below.
  const std::stop_callback hang_up(stop, [ours] { ::shutdown(ours, SHUT_RDWR); });
  auto sent = sandbox::send_message(ours, request);
  auto answer = sandbox::receive_message(ours);
  if (answer && *answer) return answer_from_json(**answer);
  if (stop.stop_requested() || stopped) return canceled;
  if (!sent) return std::move(sent).error().context("tree worker");
  if (!answer) return std::move(answer).error().context("tree worker");
  return fail(ErrorKind::Internal, "tree worker: ended without an answer");
}

TreeWorker::TreeWorker(std::unique_ptr<State> state) : state_(std::move(state)) {}
TreeWorker::TreeWorker(TreeWorker&&) noexcept = default;

TreeWorker& TreeWorker::operator=(TreeWorker&& other) noexcept {
  if (this == &other) return *this;
  if (state_) static_cast<void>(stop().ok());
  state_ = std::move(other.state_);
  return *this;
}

TreeWorker::~TreeWorker() {
  if (state_) static_cast<void>(stop().ok());
}

Result<TreeWorker> TreeWorker::start(Options options) {
  const IdPlan plan = TRY_CONTEXT(choose_id_plan(gather_id_facts()), "overlay isolation");
  auto folder = TRY_CONTEXT(sandbox::WorkerFolder::make(options.store_dir), "tree worker");
  std::string caches;
  if (!options.cache_dir.empty())
    caches = TRY_CONTEXT(sandbox::make_caches_folder(options.cache_dir, plan), "cache directory");
  auto worker =
      TRY_CONTEXT(sandbox::start_worker(options.executable, folder, plan, caches), "tree worker");
  return TreeWorker(
      std::unique_ptr<State>(new State{plan, std::move(folder), std::move(worker), {1}, {false}}));
}

LayerId TreeWorker::new_layer() { return {state_->next_layer++}; }
const IdPlan& TreeWorker::id_plan() const { return state_->plan; }

Result<UnpackResult> TreeWorker::unpack(LayerId layer, UniqueFd tar_in, std::stop_token stop) {
  Json request = request_for("unpack");
  request["layer"] = layer.number;
  const Json answer = TRY(state_->call(request, std::move(tar_in), stop));
  return UnpackResult{number_at(answer, "entries"), number_at(answer, "bytes"),
                      number_at(answer, "skippedDevices")};
}

Result<void> TreeWorker::settle(LayerId layer, const LowerList& lowers, std::stop_token stop) {
  Json request = request_for("settle");
  request["layer"] = layer.number;
  request["lowers"] = sandbox::to_json(lowers);
  TRY(state_->call(request, UniqueFd(), stop));
  return {};
}

Result<RunResult> TreeWorker::run(const RunSpec& spec, UniqueFd output, std::stop_token stop,
                                  std::vector<UniqueFd> attachments) {
  Json request = request_for("run");
  request["spec"] = sandbox::to_json(spec);
  attachments.push_back(std::move(output));
  return sandbox::run_result_from_json(
      TRY_CONTEXT(state_->call(request, std::move(attachments), stop), "RUN"));
}

Result<DiffSummary> TreeWorker::diff(const LowerList& lowers, LayerId upper,
                                     const DiffOptions& options, UniqueFd tar_out,
                                     std::stop_token stop) {
  Json request = request_for("diff");
  request["lowers"] = sandbox::to_json(lowers);
  request["upper"] = upper.number;
  if (options.clamp_mtime) request["clampMtime"] = *options.clamp_mtime;
  const Json answer = TRY(state_->call(request, std::move(tar_out), stop));
  return DiffSummary{number_at(answer, "entries"), number_at(answer, "bytes"),
                     number_at(answer, "whiteouts")};
}

Result<PathInfo> TreeWorker::resolve_path(const LowerList& lowers, const std::string& path,
                                          LastLink last, std::stop_token stop) {
  Json request = request_for("resolve");
  request["lowers"] = sandbox::to_json(lowers);
  request["path"] = path;
  request["follow"] = last == LastLink::Follow;
  return sandbox::path_info_from_json(TRY(state_->call(request, UniqueFd(), stop)));
}

Result<std::optional<std::string>> TreeWorker::read_file(const LowerList& lowers,
                                                         const std::string& path, std::size_t limit,
                                                         std::stop_token stop) {
  Json request = request_for("read");
  request["lowers"] = sandbox::to_json(lowers);
  request["path"] = path;
  request["limit"] = limit;
  const Json answer = TRY(state_->call(request, UniqueFd(), stop));
  if (!answer.is_string()) return std::optional<std::string>();
  return std::optional(answer.get<std::string>());
}

Result<CopySummary> TreeWorker::copy_out(const LowerList& from, const LowerList& onto,
                                         const CopyRequest& copy, UniqueFd tar_out,
                                         std::stop_token stop) {
  Json request = request_for("copy");
  request["from"] = sandbox::to_json(from);
  request["onto"] = sandbox::to_json(onto);
  request["copy"] = to_json(copy);
  const Json answer = TRY(state_->call(request, std::move(tar_out), stop));
  return CopySummary{.entries = number_at(answer, "entries"),
                     .files = number_at(answer, "files"),
                     .bytes = number_at(answer, "bytes"),
                     .content_hash = string_at(answer, {"contentHash"})};
}

Result<void> TreeWorker::remove(LayerId layer) {
  Json request = request_for("remove");
  request["layer"] = layer.number;
  TRY(state_->call(request, UniqueFd(), {}));
  return {};
}

Result<ImageUsage> TreeWorker::measure(const LowerList& layers, const LowerList& uppers,
                                       const UsageOptions& options, std::stop_token stop) {
  Json request = request_for("measure");
  request.update(sandbox::to_json(options));
  request["lowers"] = sandbox::to_json(layers);
  request["uppers"] = sandbox::to_json(uppers);
  return sandbox::usage_from_json(TRY(state_->call(request, UniqueFd(), stop)));
}

Result<ProcMount> TreeWorker::probe() {
  const Json answer = TRY(state_->call(request_for("probe"), UniqueFd(), {}));
  return string_at(answer, {"proc"}) == "fresh" ? ProcMount::Fresh : ProcMount::Bound;
}

Result<void> TreeWorker::stop() {
  if (state_->stopped.exchange(true)) return {};
  ::shutdown(state_->worker.control.get(), SHUT_WR);
  auto last = sandbox::receive_message(state_->worker.control.get());
  state_->worker.process.wait();
  if (!last) return std::move(last).error().context("stop the tree worker");
  if (!*last) return fail(ErrorKind::Internal, "the tree worker ended before it removed its store");
  TRY_CONTEXT(answer_from_json(**last), "stop the tree worker");
  return {};
}

void TreeWorker::abandon() {
  if (state_->stopped.exchange(true)) return;
  state_->worker.process
      .kill();  // its children die with it (PR_SET_PDEATHSIG), their namespaces with them
  state_->worker.process.wait();
}

}  // namespace imagebuild
