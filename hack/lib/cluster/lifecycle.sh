# shellcheck shell=bash
# The commands: up, down, status, kubeconfig, env.

cluster_up() {
  need_root "hack/cluster up"
  take_lock
  if cluster_is_up; then
    lap "the cluster is up already"
    return
  fi
  ensure_packages "${PACKAGES_CLUSTER[@]}"
  command -v "${KUBECTL:-kubectl}" >/dev/null || ensure_packages "${PACKAGES_KUBECTL[@]}"
  ensure_binaries
  clear_leftovers
  prepare
  lap "network, certificates and configuration made"
  start_everything
  lap_total "the cluster is up; KUBECONFIG=$CLUSTER_KUBECONFIG, registry $REGISTRY ($REGISTRY_POD in pods)"
}

cluster_compile() {
  need_root "hack/cluster compile"
  take_lock
  ensure_binaries
}

# Only one run at a time. The lock is on the script itself: no file to leave behind.
take_lock() {
  exec {LOCK}<"$CLUSTER_SCRIPT"
  flock -n "$LOCK" && return
  say "waiting for another run of hack/cluster"
  flock -w 900 "$LOCK" || die "another run of hack/cluster does not end"
}

cluster_is_up() { all_alive && apiserver_answers >/dev/null 2>&1 && node_ready_since 0; }

# A killed run, or a daemon that died: begin again from what is on disk.
clear_leftovers() {
  if [ -d "$RUN" ] || [ -e "$NETNS" ] || ip link show "$LINK" >/dev/null 2>&1 || [ -n "$(our_cgroups)" ] || [ -n "$(our_mounts)" ]; then
    say "an earlier run did not end well; clearing what it left"
    take_down
    lap "leftovers cleared"
  fi
}

prepare() {
  umask 022
  mkdir -p "$STATE" "$RUN" "$LOG" "$CONF"
  check_state_addresses
  check_port_free "$REGISTRY" IMAGEBUILD_REGISTRY_PORT
  check_port_free "$MIRROR_HOST" IMAGEBUILD_MIRROR_PORT
  record_absent_places
  record_sysctls
  mkdir -p "$SECCOMP_ROOT"
  make_cgroups
  make_network
  make_pki
  write_configuration
}

start_everything() {
  local since
  start_storage
  start_forwards
  start_apiserver
  ready 90 registry registry_answers "$REGISTRY_POD"
  ready 90 mirror registry_answers "$MIRROR"
  ready 90 forward-registry registry_answers "$REGISTRY"
  ready 90 forward-mirror registry_answers "$MIRROR_HOST"
  push_pause_image
  lap "registries answer"
  ready 240 kube-apiserver apiserver_answers
  lap "kube-apiserver is ready"
  ready 90 containerd containerd_answers
  since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  start_control_loops
  start_node
  ready 120 kubelet node_ready_since "$since"
  ready 60 kube-controller-manager kube -n default get serviceaccount default
  ready 60 kube-proxy service_rules_written
  all_alive || die "a daemon died: hack/cluster status says which"
  lap "the node is Ready"
}

# push_image FOLDER REFERENCE [umoci config options]: the folder as a one-layer image.
push_image() {
  local folder=$1 reference=$2 work
  shift 2
  work=$(mktemp -d)
  {
    umoci init --layout "$work/oci" &&
      umoci new --image "$work/oci:it" &&
      umoci insert --image "$work/oci:it" "$folder" / &&
      umoci config --image "$work/oci:it" "$@" &&
      skopeo copy --insecure-policy --dest-tls-verify=false "oci:$work/oci:it" "docker://$reference"
  } >"$LOG/push.log" 2>&1 || die "cannot push $reference: see $LOG/push.log"
  rm -rf "$work"
}

push_pause_image() {
  local root tags=$STATE/registry/docker/registry/v2/repositories/imagebuild-cluster/pause/_manifests/tags
  [ ! -s "$tags/1/current/link" ] || return 0
  root=$(mktemp -d)
  chmod 755 "$root"
  install -m 755 "$BIN/pause" "$root/pause"
  push_image "$root" "$PAUSE_IMAGE" --config.entrypoint /pause
  rm -rf "$root"
}

# --- down ----------------------------------------------------------------------

# cluster_down [--keep]
cluster_down() {
  [[ ${1:-} =~ ^(--keep)?$ ]] || die "down takes --keep or nothing, not $1"
  need_root "hack/cluster down"
  take_lock
  if [ "${1:-}" = --keep ]; then
    take_down
    check_nothing_left
    lap_total "down; $STATE is kept for a warm start"
  else
    take_down
    rm -rf --one-file-system "$STATE"
    [ ! -e "$STATE" ] || die "cannot remove $STATE"
    check_nothing_left
    lap_total "down, nothing left but the compiled Kubernetes in $CACHE"
  fi
}

# Every step may find nothing to do; none may stop the ones after it.
take_down() {
  set +e
  # The kubelet first, so that nothing is started again; then its containers.
  stop kubelet
  end_containers
  stop kube-proxy kube-scheduler kube-controller-manager kube-apiserver containerd \
    registry mirror forward-registry forward-mirror forward-dns-udp forward-dns-tcp
  stop etcd
  end_cgroup_members
  remove_mounts
  remove_network
  remove_cgroups
  restore_sysctls
  remove_places_found_absent
  rm -rf --one-file-system "$RUN"
  # Shim sockets have a fixed place; empty folders there are ours.
  rmdir /run/containerd/s /run/containerd 2>/dev/null
  set -e
}

# Asks containerd, so that it has nothing to remember at a warm start.
end_containers() {
  local ctr=(timeout 20 ctr --address "$RUN/containerd.sock" --namespace k8s.io)
  alive containerd || return 0
  "${ctr[@]}" tasks ls -q 2>/dev/null | xargs -r -P8 -I{} "${ctr[@]}" tasks rm -f {} >/dev/null 2>&1
  "${ctr[@]}" containers ls -q 2>/dev/null | xargs -r "${ctr[@]}" containers rm >/dev/null 2>&1
}

check_nothing_left() {
  local left=()
  [ -z "$(our_mounts)" ] || left+=("mounts: $(our_mounts | head -n3)")
  [ -z "$(our_cgroups)" ] || left+=("cgroups: $(our_cgroups | head -n3)")
  [ ! -e "$NETNS" ] || left+=("network namespace $CLUSTER")
  [ ! -e "$RUN" ] || left+=("$RUN")
  ! ip link show "$LINK" >/dev/null 2>&1 || left+=("link $LINK")
  ! nft list table ip "$NFT_TABLE" >/dev/null 2>&1 || left+=("nftables table $NFT_TABLE")
  [ ${#left[@]} = 0 ] || die "left behind: $(printf '%s; ' "${left[@]}")"
}

# --- what is there ---------------------------------------------------------------

# Exit status 0 when everything runs and the node is Ready.
cluster_status() {
  local name pid status=0
  for name in "${DAEMONS[@]}"; do
    if pid=$(daemon_pid "$name"); then
      printf '%-26s runs, pid %s\n' "$name" "$pid"
    else
      printf '%-26s does not run; log %s\n' "$name" "$LOG/$name.log"
      status=1
    fi
  done
  if [ $status = 0 ] && node_ready_since 0; then
    printf 'node %s is Ready; KUBECONFIG=%s\n' "$CLUSTER" "$CLUSTER_KUBECONFIG"
  else
    printf 'node %s is not Ready\n' "$CLUSTER"
    status=1
  fi
  return $status
}

# For `eval "$(hack/cluster env)"`.
cluster_env() {
  assignment KUBECONFIG "$CLUSTER_KUBECONFIG"
  assignment KUBECTL "${KUBECTL:-kubectl}"
  assignment NODE_NAME "$CLUSTER"
  assignment NODE_IP "$NODE_IP"
  assignment HOST_IP "$HOST_IP"
  assignment POD_CIDR "$POD_CIDR"
  assignment REGISTRY "$REGISTRY"
  assignment REGISTRY_POD "$REGISTRY_POD"
  assignment MIRROR_HOST "$MIRROR_HOST"
  assignment MIRROR "$MIRROR"
  assignment SECCOMP_ROOT "$SECCOMP_ROOT"
  assignment CLUSTER_LOG "$LOG"
  assignment NO_PROXY "$NO_PROXY"
  assignment no_proxy "$NO_PROXY"
}

assignment() { printf 'export %s=%q\n' "$1" "$2"; }
