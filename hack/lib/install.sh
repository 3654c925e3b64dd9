# shellcheck shell=bash
# Installs the operator into a cluster with `kubectl apply -k`, from images that
# were pushed to REGISTRY, by an overlay on manifests/install.
#
# Sourced, after common.sh. ROOT, KUBECONFIG and KUBECTL are set.

# install_overlay FOLDER OPERATOR_IMAGE BUILDER_IMAGE FLAG...: writes the overlay.
install_overlay() {
  local folder=$1 operator=$2 builder=$3 flag
  shift 3
  mkdir -p "$folder"
  cat >"$folder/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- $(realpath --relative-to="$folder" "$ROOT/manifests/install")
images:
- {name: imagebuild-operator, newName: "${operator%:*}", newTag: "${operator##*:}"}
- {name: imagebuild-builder, newName: "${builder%:*}", newTag: "${builder##*:}"}
patchesStrategicMerge:
- operator.yaml
END
  {
    cat <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: imagebuild-operator, namespace: imagebuild-system}
spec:
  template:
    spec:
      containers:
      - name: operator
        args:
        - --builder-image=$builder
        - --leader-elect
        - --log-format=json
END
    for flag; do printf '        - %s\n' "$flag"; done
  } >"$folder/operator.yaml"
}

# install_apply FOLDER: applies it and waits until operator and profiles are there.
install_apply() {
  "$KUBECTL" apply -k "$1" >"$1/apply.log" 2>&1 || { cat "$1/apply.log" >&2; die "kubectl apply -k failed"; }
  "$KUBECTL" -n imagebuild-system rollout status daemonset/imagebuild-profile --timeout=180s >>"$1/apply.log" 2>&1 ||
    { "$KUBECTL" -n imagebuild-system describe pods >&2; die "the seccomp profile's DaemonSet did not become ready"; }
  "$KUBECTL" -n imagebuild-system rollout status deployment/imagebuild-operator --timeout=180s >>"$1/apply.log" 2>&1 ||
    { "$KUBECTL" -n imagebuild-system describe pods >&2; "$KUBECTL" -n imagebuild-system logs deployment/imagebuild-operator --tail=20 >&2; die "the operator did not become ready"; }
}

# image_tag: names the binaries that were built, so that a node never runs an older image of the same tag.
image_tag() {
  cat "$ROOT/build/release/operator/imagebuild-operator" "$ROOT/build/release/builder/imagebuild-builder" | sha256sum | cut -c1-12
}
