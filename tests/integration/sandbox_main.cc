// main() of the sandbox test: the test executable is also the tree worker that it starts.
#define CATCH_CONFIG_RUNNER
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "builder/sandbox/tree_worker.h"
#include "tests/support/catch.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "tree-worker")
    return imagebuild::tree_worker_main(argc, argv);
  // What a step must not find anywhere ("a step cannot read or signal the builder"). Through exec,
  // since /proc/PID/environ shows what a process was started with.
  if (!std::getenv("IMAGEBUILD_TEST_SECRET")) {
    ::setenv("IMAGEBUILD_TEST_SECRET", "registry-password-in-the-builders-environment", 1);
    ::execv("/proc/self/exe", argv);
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0,
          0);  // as the builder: hides us, and makes writing the worker's maps harder
  const auto plan = imagebuild::choose_id_plan(imagebuild::gather_id_facts());
  if (!plan) {
    std::cout << "skipped: " << plan.error().message << "\n";
    return 0;
  }
  return Catch::Session().run(argc, argv);
}
