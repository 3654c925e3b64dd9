#!/usr/bin/env bash
# The Helm chart instead of kustomize: what it renders is installed on the cluster, and the operator works.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
HELM_RENDER=${IMAGEBUILD_BINARY_DIR:?the build folder}/tests/support/helm_render/helm_render
[ -x "$HELM_RENDER" ] || die "no $HELM_RENDER: hack/test builds it"
tag=$(image_tag)
# The selectors of the two installations differ and cannot be changed.
k -n imagebuild-system delete deployment/imagebuild-operator daemonset/imagebuild-profile --ignore-not-found >/dev/null
"$HELM_RENDER" "$ROOT/charts/imagebuild-operator" --name imagebuild-operator --namespace imagebuild-system \
  --kube-version 1.20.2 --set namespace.create=true \
  --set-string "global.imageRegistry=$REGISTRY,image.tag=$tag,builder.image.tag=$tag" \
  --set-string "registries.mirrors[0].host=docker.io,registries.mirrors[0].url=http://$MIRROR,registries.insecure={$REGISTRY_POD}" |
  k apply -f - >/dev/null || fail "the chart cannot be applied"
k -n imagebuild-system rollout status deployment/imagebuild-operator --timeout=120s >/dev/null || fail "the chart's operator is not ready"
lap "the chart is installed"
"$(dirname "${BASH_SOURCE[0]}")/smallest.sh"
lap_total "passed"
