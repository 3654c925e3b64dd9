#!/usr/bin/env bash
# What an image weighs, why, and against which budget: waste, growth and advice with their lines; Warn and Block.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-sizes

message() { field "$1" ".status.conditions[] | select(.type == \"$2\") | .message"; }
metric() {
  k get --raw "/api/v1/namespaces/imagebuild-system/services/imagebuild-operator-metrics:8080/proxy/metrics" |
    awk -v name="$1{namespace=\"$NAMESPACE\",imagebuild=\"$2\"" 'index($0, name) == 1 {print $NF; exit}'
}
metric_is() { [ "$(metric "$1" "$2" | awk '{printf "%.0f", $1}')" = "$3" ]; }
# tag_digest NAME TAG: what the registry's tag points to.
tag_digest() { curl -fsS -o /dev/null -D - -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$NAMESPACE/$1/manifests/$2" | tr -d '\r' | awk -F': ' 'tolower($1) == "docker-content-digest" {print $2}'; }

say "waste: bytes that a later layer removes are counted where they were written"
inline wasteful 'budget: {growth: 20%, layers: 40}' <<END
FROM alpine:3.10
RUN $(random 8 /big)
RUN $(random 4 /data)
RUN rm /big
END
say "Block: the first image is within its budget"
inline blocked 'budget: {size: 6Mi, enforcement: Block}' <<END
FROM alpine:3.10
RUN $(random 2 /data)
END
await wasteful Ready True
await blocked Ready True
equal "wasted bytes" "$(field wasteful .status.image.wastedBytes)" $((8 << 20))
equal "wasted bytes of line 2" "$(field wasteful '.status.image.platforms[0].layers[] | select(.line == 2) | .wastedBytes')" $((8 << 20))
equal "advised line" "$(field wasteful '.status.image.advice[0].line')" 2
contains "advice" "$(field wasteful '.status.image.advice[0].message')" "removed in line 4"
equal "largest path" "$(field wasteful '.status.image.platforms[0].largestPaths[0].path')" /data
equal "WithinBudget" "$(condition wasteful WithinBudget)" "True BelowLimits"
wait_for 20 "the wasted bytes at /metrics" metric_is imagebuild_image_wasted_bytes wasteful $((8 << 20)) || fail "metric is $(metric imagebuild_image_wasted_bytes wasteful)"
wait_for 20 "the budget at /metrics" metric_is imagebuild_image_size_budget_bytes blocked $((6 << 20)) || fail "metric is $(metric imagebuild_image_size_budget_bytes blocked)"

say "Warn: an image that grew is accepted and told with its line"
inline wasteful 'budget: {growth: 20%, layers: 40}' <<END
FROM alpine:3.10
RUN $(random 8 /big)
RUN $(random 24 /data)
RUN rm /big
END
say "Block: an image that is too large keeps the tag where it was"
before=$(tag_digest blocked latest)
inline blocked 'budget: {size: 6Mi, enforcement: Block}' <<END
FROM alpine:3.10
RUN $(random 9 /data)
END
wait_for 180 "the second build" build_ended wasteful 2 || fail "no second build"
await wasteful Ready True
await wasteful WithinBudget False
contains "WithinBudget" "$(message wasteful WithinBudget)" "largest change: layer"
contains "WithinBudget" "$(message wasteful WithinBudget)" "(Dockerfile:3) +20.0 MiB"
await blocked Stalled True
equal "Ready" "$(condition blocked Ready)" "False SizeBudgetExceeded"
equal "WithinBudget" "$(condition blocked WithinBudget)" "False SizeBudgetExceeded"
contains "WithinBudget" "$(message blocked WithinBudget)" "is over spec.budget.size of 6.0 MiB"
contains "WithinBudget" "$(message blocked WithinBudget)" "(Dockerfile:2) +7.0 MiB"
equal "result" "$(field blocked .status.build.result)" OverBudget
equal "the tag" "$(tag_digest blocked latest)" "$before"
equal "the accepted image" "$(field blocked .status.image.digest)" "$before"
refused=$(field blocked '.status.history[0].digest')
curl -fsS -o /dev/null -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$NAMESPACE/blocked/manifests/$refused" || fail "the refused image cannot be inspected by its digest"

say "a raised budget lets the image through"
k -n "$NAMESPACE" patch imagebuild blocked --type merge -p '{"spec": {"budget": {"size": "16Mi"}}}' >/dev/null
await blocked Ready True
await blocked WithinBudget True
equal "the tag" "$(tag_digest blocked latest)" "$(field blocked .status.image.digest)"

say "a budget that does not parse is refused"
refused=$(k -n "$NAMESPACE" patch imagebuild blocked --type merge -p '{"spec": {"budget": {"size": "lots"}}}' 2>&1) && fail "it was accepted"
contains "the refusal" "$refused" spec.budget.size
lap_total "passed"
