#!/usr/bin/env bash
# The smallest ImageBuild, from kubectl apply to a running image and its size in three places.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-smallest

say "an inline Dockerfile becomes an image"
inline web <<'END'
FROM alpine:3.10
RUN echo hello > /greeting
CMD ["cat", "/greeting"]
END
await web Ready "True Succeeded"
equal "UpToDate" "$(condition web UpToDate)" "True InputsBuilt"
equal "Reconciling" "$(condition web Reconciling)" ""

say "kubectl get shows its size"
line=$(k -n "$NAMESPACE" get imagebuild web --no-headers)
contains "kubectl get" "$line" "MiB"

say "status, registry and metrics agree on the size"
digest=$(field web .status.image.digest)
size=$(field web .status.image.sizeBytes)
manifest=$(curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$NAMESPACE/web/manifests/$digest")
equal "the registry's size" "$(jq '[.layers[].size] | add' <<<"$manifest")" "$size"
equal "layers" "$(field web '.status.image.platforms[0].layers | length')" "$(jq '.layers | length' <<<"$manifest")"
equal "the own layer's line" "$(field web '[.status.image.platforms[0].layers[] | select(.origin == "own")][0].line')" 2
has_metric() { ladder_metrics | grep "^imagebuild_image_size_bytes{" | grep "namespace=\"$NAMESPACE\"" | grep -q " $size\$"; }
wait_for 15 "the metric" has_metric || fail "no imagebuild_image_size_bytes of $size"

say "the tag latest points to the image, and the image runs"
tagged=$(curl -sfI --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$NAMESPACE/web/manifests/latest" |
  tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" {print $2}')
equal "latest" "$tagged" "$digest"
contains "the image's output" "$(run_image run "$REGISTRY/$NAMESPACE/web@$digest" cat /greeting)" hello

say "the builder pod had no API token and was not root"
pod=$(field web .status.build.pod)
spec=$(k -n "$NAMESPACE" get pod "$pod" -o json)
equal "automountServiceAccountToken" "$(jq -r .spec.automountServiceAccountToken <<<"$spec")" false
equal "runAsUser" "$(jq -r '.spec.containers[0].securityContext.runAsUser' <<<"$spec")" 1000
equal "privileged" "$(jq -r '.spec.containers[0].securityContext.privileged // false' <<<"$spec")" false
equal "profile" "$(jq -r '.spec.containers[0].securityContext.seccompProfile.type' <<<"$spec")" Localhost

say "events tell the story"
events=$(k -n "$NAMESPACE" get events -o json | jq -r '.items[].reason' | sort -u | paste -sd' ')
contains "events" "$events" BuildStarted
contains "events" "$events" BuildSucceeded

say "applying it again builds nothing"
inline web <<'END'
FROM alpine:3.10
RUN echo hello > /greeting
CMD ["cat", "/greeting"]
END
sleep 3
equal "builds" "$(field web .status.build.number)" 1

say "the rebuild annotation builds once more"
k -n "$NAMESPACE" annotate imagebuild web imagebuild.dev/rebuild=now >/dev/null
second_build() { [ "$(field web .status.build.number)" = 2 ] && [ "$(field web .status.build.result)" = Success ]; }
wait_for 120 "the second build" second_build || fail "the annotation did not lead to a second build"
equal "Ready" "$(condition web Ready)" "True Succeeded"

say "a spec change builds, and the size follows"
inline web <<'END'
FROM alpine:3.10
RUN head -c 3000000 /dev/urandom > /big
END
grown() { [ "$(field web .status.observedGeneration)" = 2 ] && condition_is web Ready True && [ "$(field web .status.image.sizeBytes)" -gt $((size + 2900000)) ]; }
wait_for 120 "the larger image" grown || fail "the image did not grow"

say "deleting it takes its pods and series along"
k -n "$NAMESPACE" delete imagebuild web >/dev/null
gone() { [ -z "$(k -n "$NAMESPACE" get pods -l app.kubernetes.io/name=imagebuild-builder -o name)" ]; }
wait_for 60 "the pods to go" gone || fail "builder pods stay"
no_metric() { ! ladder_metrics | grep -q "namespace=\"$NAMESPACE\",imagebuild=\"web\""; }
wait_for 15 "the series to go" no_metric || fail "series of a deleted object"
lap_total "passed"
