#!/usr/bin/env bash
# Cluster, services, images and operator: what the other e2e tests stand on.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$ROOT/hack/cluster" up || exit 1
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
services_up
tag=$(image_tag)
"$ROOT/hack/images" "$REGISTRY" "$tag"
install_overlay "$ROOT/build/e2e" "$REGISTRY/imagebuild-operator:$tag" "$REGISTRY/imagebuild-builder:$tag" \
  "--registry-mirror=docker.io=http://$MIRROR" "--insecure-registry=$REGISTRY_POD" "--log-level=debug" "--page"
install_apply "$ROOT/build/e2e"
lap_total "operator installed"
