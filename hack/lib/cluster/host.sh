# shellcheck shell=bash
# What the cluster changes on the host outside its own folders, recorded so that
# `down` can put it back: kernel settings, and folders whose place the daemons
# do not let us choose.

# Set by the kubelet, machine-wide, but for the last, which the way out needs.
SYSCTLS=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops
  kernel.keys.root_maxkeys kernel.keys.root_maxbytes net.ipv4.ip_forward)

FIXED_PLACES=(/var/lib/kubelet/seccomp /var/lib/kubelet /var/log/pods /var/log/containers
  /var/lib/cni /run/containerd /run/xtables.lock)

record_sysctls() {
  local key
  [ ! -s "$RUN/sysctls" ] || return 0
  for key in "${SYSCTLS[@]}"; do
    printf '%s=%s\n' "$key" "$(sysctl -n "$key" 2>/dev/null)"
  done >"$RUN/sysctls.new"
  mv "$RUN/sysctls.new" "$RUN/sysctls"
}

restore_sysctls() {
  local key value
  [ -s "$RUN/sysctls" ] || return 0
  while IFS='=' read -r key value; do
    [ -z "$value" ] || [ "$(sysctl -n "$key")" = "$value" ] || sysctl -qw "$key=$value"
  done <"$RUN/sysctls"
}

# In $STATE, not $RUN: the folders outlive a reboot.
record_absent_places() {
  local place
  [ ! -e "$STATE/absent" ] || return 0
  for place in "${FIXED_PLACES[@]}"; do
    [ -e "$place" ] || printf '%s\n' "$place"
  done >"$STATE/absent.new"
  mv "$STATE/absent.new" "$STATE/absent"
}

remove_places_found_absent() {
  local place
  [ -e "$STATE/absent" ] || return 0
  while read -r place; do rm -rf --one-file-system "$place"; done <"$STATE/absent"
  rm -f "$STATE/absent"
}

# Mounts below our folders, the last one first: containers, tokens, emptyDirs.
our_mounts() {
  awk -v run="$RUN/" -v state="$STATE/" 'index($2, run) == 1 || index($2, state) == 1 { print $2 }' /proc/mounts | tac
}

remove_mounts() {
  local i mount
  for ((i = 0; i < 5; i++)); do
    [ -n "$(our_mounts)" ] || return 0
    our_mounts | while read -r mount; do
      mount=$(printf '%b' "$mount")
      umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null
    done
  done
  [ -z "$(our_mounts)" ]
}

# The state belongs to the addresses it was made with: certificates, pod addresses.
check_state_addresses() {
  local now="$NODE_IP $POD_CIDR $SVC_CIDR $REGISTRY_PORT"
  if [ -e "$STATE/addresses" ] && [ "$(cat "$STATE/addresses")" != "$now" ]; then
    die "$STATE was made with the addresses $(cat "$STATE/addresses"), not $now: run 'hack/cluster down' first"
  fi
  printf '%s\n' "$now" >"$STATE/addresses"
}

# check_port_free ADDRESS:PORT VARIABLE: nobody else listens there on the host.
check_port_free() {
  if [ -n "$(ss -Hltn "sport = :${1##*:}" | awk -v a="$1" -v p=":${1##*:}" '$4 == a || $4 == "0.0.0.0" p || $4 == "*" p || $4 == "[::]" p')" ]; then
    die "$1 on this host is taken (ss -ltnp shows by whom); choose another port with $2"
  fi
}
