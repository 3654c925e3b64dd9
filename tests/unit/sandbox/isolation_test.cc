#include "builder/sandbox/isolation.h"

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

IsolationReport report_with(bool overlay) {
  IsolationReport report;
  report.modes = {
      {IsolationMode::Overlay, overlay,
       overlay ? "newuidmap, 65536 ids, fresh /proc" : "unshare: no", overlay ? "" : "allow it"},
      {IsolationMode::OverlaySingle, false, "not implemented yet", ""},
      {IsolationMode::Chroot, false, "not implemented yet", ""}};
  return report;
}

}  // namespace

TEST_CASE("isolation is chosen from what works, and what does not exist is said") {
  struct Row {
    const char* requested;
    bool overlay;
    std::optional<ErrorKind> error;
    const char* says;
  };
  for (const Row& row : std::vector<Row>{
           {"auto", true, {}, ""},
           {"overlay", true, {}, ""},
           {"auto", false, ErrorKind::Denied, "does not work here: unshare: no; allow it"},
           {"overlay", false, ErrorKind::Denied, "unshare: no"},
           {"overlay-single", true, ErrorKind::InvalidInput, "not implemented yet"},
           {"chroot", true, ErrorKind::InvalidInput, "not implemented yet"},
           {"docker", true, ErrorKind::InvalidInput,
            "expected auto, overlay, overlay-single or chroot"}}) {
    CAPTURE(row.requested, row.overlay);
    const auto mode = select_isolation(row.requested, report_with(row.overlay));
    REQUIRE(mode.ok() == !row.error);
    if (mode) CHECK(*mode == IsolationMode::Overlay);
    if (!mode) CHECK(mode.error().kind == *row.error);
    if (!mode) CHECK(mode.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("a failed probe names what to change") {
  struct Row {
    const char* name;
    HostFacts facts;
    ErrorKind kind;
    const char* hint;
  };
  std::vector<Row> rows;
  HostFacts facts;
  facts.max_user_namespaces = 0;
  rows.push_back({"sysctl", facts, ErrorKind::Transient, "user.max_user_namespaces"});
  facts = {};
  facts.userns_clone_disabled = true;
  rows.push_back({"old Debian", facts, ErrorKind::Denied, "kernel.unprivileged_userns_clone"});
  facts = {};
  facts.apparmor_restricted = facts.apparmor_confined = true;
  rows.push_back(
      {"Ubuntu", facts, ErrorKind::Denied, "kernel.apparmor_restrict_unprivileged_userns"});
  facts = {};
  facts.seccomp_filtered = true;
  rows.push_back({"RuntimeDefault", facts, ErrorKind::Denied, "profile has to allow unshare"});
  facts = {};
  facts.apparmor_confined = true;
  rows.push_back({"containerd's AppArmor profile", facts, ErrorKind::Denied, "denies mount"});
  facts = {};
  facts.store_on_overlay = true;
  rows.push_back({"store on the container's root", facts, ErrorKind::Internal, "use a volume"});
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(hint_for({row.kind, "x"}, row.facts).find(row.hint) != std::string::npos);
  }
  CHECK(hint_for({ErrorKind::Internal, "x"}, {}).empty());
}

TEST_CASE("doctor shows modes, ids and notes") {
  IsolationReport report = report_with(false);
  report.ids = IdPlan{IdMapMethod::PodUserNamespace, {{0, 1, 65535}}, {{0, 1, 65535}}};
  report.notes = {"/proc is masked here"};
  CHECK(render_isolation(report) ==
        "overlay         no     unshare: no\n"
        "                       to change that: allow it\n"
        "overlay-single  no     not implemented yet\n"
        "chroot          no     not implemented yet\n"
        "ids             uid 0..65534 = 1..65535; gid 0..65534 = 1..65535 (inside = outside)\n"
        "note            /proc is masked here\n");
  const Json json = isolation_to_json(report);
  CHECK(json["modes"][0]["mode"] == "overlay");
  CHECK(json["modes"][0]["hint"] == "allow it");
  CHECK(json["ids"]["uid"][0]["count"] == 65535);
  CHECK_FALSE(json.contains("proc"));
}
