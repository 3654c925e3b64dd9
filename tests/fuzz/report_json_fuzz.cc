// What the operator reads from a pod and the builder from the operator: termination message, layer
// table in the log, build request.
#include <nlohmann/json.hpp>

#include "common/contract/build_report.h"
#include "common/contract/build_request.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  (void)contract::parse_request(text);
  // The first line is the message, the rest the log.
  std::size_t end = text.find('\n');
  auto report = contract::parse_termination_message(text.substr(0, end));
  if (!report) return 0;
  std::string written = contract::termination_message(*report);
  promise(written.size() <= contract::kTerminationLimit, "a message keeps its limit");
  promise(contract::parse_termination_message(written).ok(), "our own message parses");
  if (end != std::string_view::npos) (void)contract::attach_layers(*report, text.substr(end + 1));
  (void)dump_json(contract::report_to_json(*report));
  return 0;
}
