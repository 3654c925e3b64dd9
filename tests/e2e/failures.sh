#!/usr/bin/env bash
# What goes wrong is said with class, reason, stage, line and last output; the last good image stays.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-failures

say "the schema refuses an ImageBuild without a source"
refused=$(printf 'apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nmetadata: {name: none, namespace: %s}\nspec: {image: x/y}\n' "$NAMESPACE" | k apply -f - 2>&1) &&
  fail "it was accepted"
contains "the refusal" "$refused" source

say "a typo in the Dockerfile names its line"
inline typo <<'END'
FROM alpine:3.10
RUUN echo hello
END
say "a failing RUN says stage, line, exit status and its last output"
inline failing <<'END'
FROM alpine:3.10 AS first
RUN echo one; echo the last words; exit 7
END
say "a Secret that is not there is named"
inline secretless 'registries: {secretRefs: [{name: no-such-secret}]}' <<'END'
FROM alpine:3.10
END
say "an unknown base image is named"
inline baseless <<END
FROM $REGISTRY_POD/no/such:image
END
say "a registry that nobody listens at is transient"
inline unreachable <<'END'
FROM 127.0.0.1:9/x:y
END
say "a pod that fits no node waits and says why"
inline nowhere 'pod: {nodeSelector: {no: such-node}}' <<'END'
FROM alpine:3.10
END
say "a step that eats all memory is an OOM kill with its line"
inline greedy 'pod: {resources: {limits: {memory: 96Mi}}}
retries: 0' <<'END'
FROM alpine:3.10
RUN tail /dev/zero
END

await typo Stalled True
contains "Ready" "$(condition typo Ready)" "False BadDockerfile"
contains "message" "$(field typo '.status.conditions[] | select(.type == "Ready") | .message')" "Dockerfile:2"

await failing Stalled True
equal "reason" "$(field failing .status.build.failure.reason)" BuildFailed
equal "class" "$(field failing .status.build.failure.class)" Terminal
equal "stage" "$(field failing .status.build.failure.stage)" first
equal "line" "$(field failing .status.build.failure.line)" 2
equal "exit code" "$(field failing .status.build.failure.exitCode)" 7
contains "last output" "$(field failing .status.build.failure.logTail)" "the last words"

await secretless Stalled True
contains "Ready" "$(condition secretless Ready)" "False SecretNotFound"
contains "message" "$(field secretless '.status.conditions[] | select(.type == "Ready") | .message')" no-such-secret

await baseless Stalled True
contains "Ready" "$(condition baseless Ready)" "False BaseImageNotFound"

await unreachable Ready "False ProgressingWithRetry"
equal "class" "$(field unreachable .status.build.failure.class)" Transient

say "unschedulable is Pending, not failed"
pending() { [[ "$(field nowhere '.status.conditions[] | select(.type == "Ready") | .status + .message')" == Unknown*node* ]]; }
wait_for 60 "the scheduler's reason" pending || fail "nowhere: $(condition nowhere Ready)"

oom() { [ "$(field greedy .status.build.failure.reason)" = OOMKilled ]; }
wait_for 120 "the OOM kill" oom || fail "greedy: $(field greedy .status.build.failure)"
equal "line" "$(field greedy .status.build.failure.line)" 2

say "a broken commit does not loop"
sleep 5
equal "attempts" "$(pods_of failing)" 1

say "the last good image survives a broken spec"
inline kept <<'END'
FROM alpine:3.10
RUN echo good > /it
END
await kept Ready "True Succeeded"
digest=$(field kept .status.image.digest)
inline kept <<'END'
FROM alpine:3.10
RUN false
END
await kept Stalled True
equal "the image in status" "$(field kept .status.image.digest)" "$digest"

say "nothing runs on"
k -n "$NAMESPACE" delete imagebuild nowhere unreachable >/dev/null
idle() { [ -z "$(k -n "$NAMESPACE" get pods --field-selector=status.phase=Running -o name)" ]; }
wait_for 60 "all pods to end" idle || fail "pods still run"
lap_total "passed"
