#!/usr/bin/env bash
# The plug-in through kubectl on the cluster: it uploads and builds a directory, tells sizes and growth, and rebuilds,
# cancels, suspends and resumes.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-plugin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=${IMAGEBUILD_BINARY_DIR:?the build folder}/plugin:$PATH
command -v kubectl-imagebuild >/dev/null || fail "the plug-in is not built"
p() { timeout 240 "$KUBECTL" imagebuild -n "$NAMESPACE" "$@"; }
registry=(--registry-mirror "$REGISTRY_POD=http://$REGISTRY" --insecure-registry "$REGISTRY_POD")

say "a directory with programs and 2 MiB of data is uploaded, built and followed"
mkdir "$work/app"
printf '#!/bin/sh\necho hello from the context\n' >"$work/app/hello"
chmod 0755 "$work/app/hello"
head -c $((2 << 20)) /dev/urandom >"$work/app/data"
head -c $((8 << 20)) /dev/urandom >"$work/app/ignored"
echo ignored >"$work/app/.dockerignore"
cat >"$work/app/Dockerfile" <<'END'
FROM alpine:3.10
COPY . /app
RUN /app/hello
CMD ["/app/hello"]
END
log=$(p build "$work/app" --image "$REGISTRY_POD/$NAMESPACE/app:1" "${registry[@]}" --follow 2>&1) || fail "build failed: $log"
contains "the log" "$log" "hello from the context"
equal "the source" "$(field app '.spec.source.oci.ref | split("@")[0]')" "$REGISTRY_POD/$NAMESPACE/app"
equal "Ready" "$(condition app Ready)" "True Succeeded"
equal "the image's output" "$(run_image app "$REGISTRY_POD/$NAMESPACE/app:1" /app/hello)" "hello from the context"

say "its sizes are those of the status"
equal "sizes -o json" "$(p sizes app -o json | jq .sizeBytes)" "$(field app .status.image.sizeBytes)"
contains "sizes" "$(p sizes app)" "COPY . /app"
contains "list" "$(p list)" app
contains "why" "$(p why app)" Succeeded

say "the same directory again is not built again"
p build "$work/app" --image "$REGISTRY_POD/$NAMESPACE/app:1" "${registry[@]}" --wait >/dev/null || fail "the same build failed"
equal "builds" "$(field app .status.build.number)" 1

say "a file that grew is a second build, and diff names it"
head -c $((5 << 20)) /dev/urandom >"$work/app/data"
p build "$work/app" --image "$REGISTRY_POD/$NAMESPACE/app:1" "${registry[@]}" --wait >/dev/null || fail "the second build failed"
equal "builds" "$(field app .status.build.number)" 2
difference=$(p diff app "${registry[@]}" -o json) || fail "diff failed"
contains "diff" "$difference" /app/data
contains "diff" "$(p diff app "${registry[@]}")" "COPY . /app"

say "rebuild --wait is one more build"
p rebuild app --wait >/dev/null || fail "rebuild failed"
equal "builds" "$(field app .status.build.number)" 3
equal "trigger" "$(field app .status.build.trigger)" Manual

say "cancel ends a build that runs and starts no other"
inline long <<'END'
FROM alpine:3.10
RUN sleep 600
END
# The pod's log says that the step runs.
sleeps() { k -n "$NAMESPACE" logs -l imagebuild.dev/uid="$(field long .metadata.uid)" --tail=-1 2>/dev/null | grep -q 'sleep 600'; }
wait_for 120 "the step to run" sleeps || fail "the build did not start"
p cancel long >/dev/null || fail "cancel failed"
no_pod() { [ "$(pods_of long)" = 0 ]; }
wait_for 60 "the pod to go" no_pod || fail "the pod is still there"
equal "suspended" "$(field long .spec.suspend)" true
contains "why" "$(p why long)" suspend

say "a suspended ImageBuild builds nothing until it is resumed"
p suspend app >/dev/null || fail "suspend failed"
p rebuild app >/dev/null || fail "rebuild of a suspended one failed"
suspended() { [ "$(field app '.status.conditions[] | select(.type == "UpToDate") | .observedGeneration')" = "$(field app .metadata.generation)" ]; }
wait_for 30 "the operator to see it" suspended || fail "the operator does not look at it"
equal "builds" "$(field app .status.build.number)" 3
p resume app >/dev/null || fail "resume failed"
wait_for 120 "the build that was due" build_ended app 4 Success || fail "it was not built"
lap_total "passed"
