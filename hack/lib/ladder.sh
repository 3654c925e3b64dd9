# shellcheck shell=bash
# The ladder as ImageBuilds, and its sizes from the three places that know them.
#
# Sourced, after common.sh and services.sh. KUBECTL and REGISTRY_POD are set.

LADDER_NAMESPACE=ladder
LADDER=(0-node-latest 1-node-alpine 2-my-node-packages 3-my-node-user 4-my-node 5-multi-node)

# ladder_name RUNG: the ImageBuild's name.
ladder_name() { echo "rung-$1"; }

# ladder_yaml REGISTRY GIT_URL
ladder_yaml() {
  local rung
  printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n' "$LADDER_NAMESPACE"
  for rung in "${LADDER[@]}"; do
    cat <<END
---
apiVersion: imagebuild.dev/v1alpha1
kind: ImageBuild
metadata: {name: $(ladder_name "$rung"), namespace: $LADDER_NAMESPACE}
spec:
  source: {git: {url: "$2"}}
  dockerfile: $rung.Dockerfile
  image: $1/ladder/$rung
END
  done
}

ladder_ready() {
  local ready
  ready=$("$KUBECTL" -n "$LADDER_NAMESPACE" get imagebuilds -o json |
    jq -r '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')
  [ "$ready" = ${#LADDER[@]} ]
}
ladder_stalled() {
  "$KUBECTL" -n "$LADDER_NAMESPACE" get imagebuilds -o json |
    jq -e 'any(.items[]; any(.status.conditions[]?; .type == "Stalled" and .status == "True"))' >/dev/null
}

# ladder_wait SECONDS: shows `kubectl get imagebuilds` whenever it changes, until all are Ready.
ladder_wait() {
  local end=$((SECONDS + $1)) last='' now
  while :; do
    # Without the age, which changes all the time; a busy API server is asked again.
    now=$("$KUBECTL" -n "$LADDER_NAMESPACE" get imagebuilds --no-headers 2>/dev/null | awk '{NF--; print}') || now=$last
    if [ "$now" != "$last" ]; then
      printf '\n' >&2
      "$KUBECTL" -n "$LADDER_NAMESPACE" get imagebuilds >&2 || true
      last=$now
    fi
    ladder_ready && return 0
    ladder_stalled && { say "an ImageBuild is stalled"; return 1; }
    [ "$SECONDS" -lt "$end" ] || { say "not all ImageBuilds were ready in time"; return 1; }
    sleep 1
  done
}

# ladder_metric NAME RUNG: the gauge's value from /metrics, as an integer.
ladder_metrics() {
  "$KUBECTL" get --raw /api/v1/namespaces/imagebuild-system/services/imagebuild-operator-metrics:8080/proxy/metrics
}

# ladder_sizes REGISTRY: a line a rung: name, then compressed bytes from status,
# registry and metrics, then uncompressed bytes from status.
ladder_sizes() {
  local registry=$1 rung name status from_status unpacked digest from_registry metrics from_metrics
  metrics=$(ladder_metrics)
  for rung in "${LADDER[@]}"; do
    name=$(ladder_name "$rung")
    status=$("$KUBECTL" -n "$LADDER_NAMESPACE" get imagebuild "$name" -o json)
    from_status=$(jq -r .status.image.sizeBytes <<<"$status")
    unpacked=$(jq -r .status.image.uncompressedSizeBytes <<<"$status")
    digest=$(jq -r .status.image.digest <<<"$status")
    from_registry=$(curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
      "http://$registry/v2/ladder/$rung/manifests/$digest" | jq '[.layers[].size] | add')
    from_metrics=$(awk -v want="imagebuild=\"$name\"" '/^imagebuild_image_size_bytes\{/ && index($0, want) {printf "%d", $NF}' <<<"$metrics")
    echo "$rung $from_status $from_registry ${from_metrics:-none} $unpacked"
  done
}

# ladder_check SIZES: the three sources agree, and 0 > 1 > 4 > 5 both ways.
ladder_check() {
  awk '
    $2 != $3 || $2 != $4 { print "sizes of " $1 " differ: status " $2 ", registry " $3 ", metrics " $4; bad = 1 }
    { compressed[substr($1, 1, 1)] = $2 + 0; unpacked[substr($1, 1, 1)] = $5 + 0 }
    END {
      split("0 1 4 5", order, " ")
      for (i = 1; i < 4; ++i) {
        if (compressed[order[i]] <= compressed[order[i + 1]]) { print "rung " order[i] " is not larger than rung " order[i + 1] " (compressed)"; bad = 1 }
        if (unpacked[order[i]] <= unpacked[order[i + 1]]) { print "rung " order[i] " is not larger than rung " order[i + 1] " (unpacked)"; bad = 1 }
      }
      exit bad
    }' <<<"$1"
}

ladder_table() {
  printf '%-22s %12s %12s %12s %12s\n' IMAGE STATUS REGISTRY METRICS UNPACKED
  while read -r rung from_status from_registry from_metrics unpacked; do
    printf '%-22s %12s %12s %12s %12s\n' "$rung" "$(mib "$from_status")" "$(mib "$from_registry")" "$(mib "$from_metrics")" "$(mib "$unpacked")"
  done <<<"$1"
}
mib() { awk -v b="$1" 'BEGIN { if (b ~ /^[0-9]+$/) printf "%.1f MiB", b / 1048576; else printf "%s", b }'; }
