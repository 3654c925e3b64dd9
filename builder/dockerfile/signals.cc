// See signals.h.
#include "builder/dockerfile/signals.h"

#include <algorithm>
#include <string>
#include <vector>

#include "builder/dockerfile/flags.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

// signal(7), with the synonyms; the real-time ones are computed.
const std::vector<std::string> kNames{
    "ABRT", "ALRM",   "BUS",  "CHLD",   "CLD",   "CONT", "FPE",  "HUP",   "ILL",
    "INT",  "IO",     "IOT",  "KILL",   "PIPE",  "POLL", "PROF", "PWR",   "QUIT",
    "SEGV", "STKFLT", "STOP", "SYS",    "TERM",  "TRAP", "TSTP", "TTIN",  "TTOU",
    "URG",  "USR1",   "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX"};

/// RTMIN+1 to RTMIN+15, RTMAX-1 to RTMAX-14.
bool is_real_time(std::string_view name) {
  std::string_view start = name.substr(0, 6);
  int limit = start == "RTMIN+" ? 15 : start == "RTMAX-" ? 14 : 0;
  auto offset = parse_u32(name.substr(std::min<std::size_t>(6, name.size())), 10);
  return offset && *offset >= 1 && *offset <= static_cast<std::uint32_t>(limit);
}

}  // namespace

Result<void> check_signal(std::string_view text) {
  if (auto number = parse_u32(text, 10); number && *number != 0) return {};
  std::string name = upper(text);
  if (name.rfind("SIG", 0) == 0) name.erase(0, 3);
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end() || is_real_time(name))
    return {};
  return fail(ErrorKind::InvalidInput, "expected a signal (SIGTERM, 15), found " + in_quotes(text) +
                                           did_you_mean(name, kNames, "SIG"));
}

}  // namespace imagebuild::dockerfile
