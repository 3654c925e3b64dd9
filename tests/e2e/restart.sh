#!/usr/bin/env bash
# The operator killed in the middle of a build neither repeats nor loses it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-restart

inline slow <<'END'
FROM alpine:3.10
RUN sleep 15; echo done > /it
END
running() { [ "$(k -n "$NAMESPACE" get pods -o jsonpath='{.items[*].status.phase}')" = Running ]; }
wait_for 60 "the build to run" running || fail "no build runs"

say "both operator pods are killed without grace"
k -n imagebuild-system delete pods -l app.kubernetes.io/name=imagebuild-operator --grace-period=0 --force >/dev/null 2>&1
await slow Ready "True Succeeded" 180
equal "builds" "$(field slow .status.build.number)" 1
equal "pods" "$(pods_of slow)" 1

say "killed after the build, it builds nothing again"
k -n imagebuild-system delete pods -l app.kubernetes.io/name=imagebuild-operator --grace-period=0 --force >/dev/null 2>&1
k -n imagebuild-system rollout status deployment/imagebuild-operator --timeout=120s >/dev/null
sleep 5
equal "builds" "$(field slow .status.build.number)" 1
equal "pods" "$(pods_of slow)" 1
lap_total "passed"
